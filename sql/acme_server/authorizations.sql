-- name: spend_and_read
-- Spends the nonce, loads the account, and reads an authorization if it is the account's own: a POST-as-GET is one statement.
-- $1 slot  $2 nonce  $3 epoch  $4 account id, or null  $5 authorization id
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at,
    z.id, z.account_id, z.identifier_type, z.identifier_value, z.wildcard, z.status, z.tokens, z.challenge_type,
    z.challenge_status, z.challenge_error, z.key_authorization, z.validated_at, z.caa_checked_at, z.expires_at,
    z.subdomains
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id
LEFT JOIN acme.authorizations z ON z.id = $5 AND z.account_id = a.id;

-- name: authorization_of_account
-- $1 authorization id  $2 account id
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM acme.authorizations WHERE id = $1 AND account_id = $2;

-- name: authorization_by_id
-- $1 authorization id
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM acme.authorizations WHERE id = $1;

-- name: authorizations_of_order
-- $1 authorization ids
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM acme.authorizations WHERE id = ANY ($1::uuid[]);

-- name: insert_authorization
-- newAuthz: the decision that admits the name, its evidence and a pending authorization: all or none. RFC 8555 §7.4.1.
-- No row when a limit is reached, or the account fails to validate the name too often.
-- $1 id  $2 account id  $3 contract id  $4 name  $5 expires at  $6 now  $7 identifier type  $8 value  $9 tokens, spaces
-- between  $10 whether it covers subdomains
-- $11 decision id  $12 binding key id  $13 not after limit  $14 facts  $15 findings
-- $16 evidence id  $17 actor  $18 evidence content
-- $19 limits to take one of  $20 their subjects  $21 numbers  $22 spans  $23 failed validations at most  $24 their span
WITH stopped AS (
    SELECT FROM acme.failures f WHERE f.account_id = $2 AND f.name = $4 AND (f.paused_at IS NOT NULL
        OR f.full_at + $24::interval / nullif(acme.limit_of($3, 'failed_validations', $6, $23), 0) > $6 + $24)
), allowed AS MATERIALIZED (
    SELECT WHERE CASE WHEN EXISTS (SELECT FROM stopped) THEN false
        ELSE acme.take($3, $19::text[], $20::text[], $21::integer[], $22::interval[], $6) END
), decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, names, not_after_limit, facts, findings,
        decided_at)
    SELECT $11, $3, $12, 'new_authorization', 'admitted', ARRAY[$4], $13, $14, $15, $6 FROM allowed
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $16, 'gate.decided', $3, $17, $6, $18 FROM allowed
)
INSERT INTO acme.authorizations (id, account_id, identifier_type, identifier_value, wildcard, tokens, expires_at,
    created_at, subdomains)
SELECT $1, $2, $7, $8, false, string_to_array($9, ' '), $5, $6, $10 FROM allowed
RETURNING id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains;

-- name: respond
-- The response to a challenge and the job that validates it: both or neither (design §4.3). The key authorization is
-- fixed now (A-155). The type's token stands at another place for each kind of identifier; without one it is not on offer.
-- No row: nothing to start. $1 authorization id  $2 account id  $3 type  $4 place for dns  $5 for what is more than one
-- name  $6 for ip
-- $7 thumbprint, base64url  $8 now  $9 job id  $10 attempts at most  $11 worker, or null: whoever takes it first
-- $12 lease in seconds, or null
WITH responded AS (
    UPDATE acme.authorizations SET challenge_type = $3, challenge_status = 'processing', responded_at = $8,
        key_authorization =
            tokens[CASE WHEN identifier_type = 'ip' THEN $6::integer WHEN wildcard OR subdomains THEN $5::integer
                ELSE $4::integer END] || '.' || $7
    WHERE id = $1 AND account_id = $2 AND status = 'pending' AND challenge_type IS NULL AND expires_at > $8
      AND tokens[CASE WHEN identifier_type = 'ip' THEN $6::integer WHEN wildcard OR subdomains THEN $5::integer
          ELSE $4::integer END] <> ''
    RETURNING *
), job AS (
    INSERT INTO acme.jobs (id, kind, subject, attempts, max_attempts, fence, locked_by, locked_until)
    SELECT $9, 'validate', id::text, ($11::text IS NOT NULL)::integer, $10, ($11::text IS NOT NULL)::integer, $11,
        now() + make_interval(secs => $12)
    FROM responded
)
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM responded;

-- name: hasten
-- A client asks again while the server waits to retry: the next attempt may start now. The job's number of attempts
-- stays what it is, and so bounds how often (A-152).
-- $1 authorization id
UPDATE acme.jobs SET run_at = now()
WHERE kind = 'validate' AND subject = $1::uuid::text AND NOT dead AND attempts > 0 AND locked_until IS NULL
  AND run_at BETWEEN now() AND now() + interval '1 hour';

-- name: finish_validation
-- The result, its evidence and the end of the job: all or none. No row: another worker holds the job by now, or the
-- authorization has ended meanwhile. The contract is the one that the account's key serves now (T12-7).
-- $1 job id  $2 fence  $3 authorization id  $4 status  $5 error  $6 now  $7 expires at  $8 evidence id  $9 actor
-- $10 evidence content  $11 whether the failure is the client's  $12 failed validations at most  $13 their span
-- $14 failures in a row that pause the account for the name, 0: never  $15 over how long  $16 token of its page  $17 evidence id  $18 content
WITH job AS (
    DELETE FROM acme.jobs WHERE id = $1 AND fence = $2 RETURNING id
), result AS (
    UPDATE acme.authorizations SET status = $4, challenge_status = $4, challenge_error = $5, attempts = attempts + 1,
        validated_at = CASE WHEN $4 = 'valid' THEN $6::timestamptz END,
        caa_checked_at = CASE WHEN $4 = 'valid' THEN $6::timestamptz END,
        expires_at = CASE WHEN $4 = 'valid' THEN $7 ELSE expires_at END
    WHERE id = $3 AND status = 'pending' AND challenge_status = 'processing' AND expires_at > $6
      AND EXISTS (SELECT FROM job)
    RETURNING *
), served AS (
    SELECT r.*, v.contract_id
    FROM result r JOIN acme.accounts a ON a.id = r.account_id JOIN gate.binding_keys b ON b.id = a.binding_key_id
    CROSS JOIN LATERAL gate.served_by(b.contract_id, $6) AS v
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $8, 'authorization.validated', contract_id, $9, $6, $10 FROM served
), failing AS (
    SELECT r.account_id, CASE WHEN r.wildcard THEN '*.' || r.identifier_value ELSE r.identifier_value END AS name,
        r.contract_id,
        coalesce($13::interval / nullif(acme.limit_of(r.contract_id, 'failed_validations', $6, $12), 0), '0') AS step
    FROM served r WHERE $11::boolean
), failure AS (
    INSERT INTO acme.failures AS f (account_id, name, full_at, consecutive, first_failed_at, token, paused_at)
    SELECT account_id, name, $6 + step, 1, $6, CASE WHEN $14 = 1 AND $15 = interval '0' THEN $16 END,
        CASE WHEN $14 = 1 AND $15 = interval '0' THEN $6::timestamptz END FROM failing
    ON CONFLICT (account_id, name) DO UPDATE SET consecutive = f.consecutive + 1,
        full_at = least(greatest(f.full_at, $6) + (SELECT step FROM failing), $6 + $13),
        first_failed_at = CASE WHEN f.consecutive = 0 THEN $6 ELSE f.first_failed_at END,
        token = coalesce(f.token, $16),
        paused_at = CASE WHEN f.paused_at IS NULL AND $14 > 0 AND f.consecutive + 1 >= $14
            AND $6 - CASE WHEN f.consecutive = 0 THEN $6 ELSE f.first_failed_at END >= $15 THEN $6 ELSE f.paused_at END
    RETURNING paused_at
), pause AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $17, 'account.paused', failing.contract_id, $9, $6, $18 FROM failing, failure WHERE paused_at = $6
), success AS (
    UPDATE acme.failures f SET consecutive = 0, paused_at = NULL FROM result r
    WHERE $4 = 'valid' AND f.account_id = r.account_id
      AND f.name = CASE WHEN r.wildcard THEN '*.' || r.identifier_value ELSE r.identifier_value END
)
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM result;

-- name: record_failed_attempt
-- The query failed and will be made again: recorded in the challenge at once (A-151), the job waits.
-- $1 job id  $2 fence  $3 authorization id  $4 error  $5 seconds to wait  $6 last error
WITH job AS (
    UPDATE acme.jobs SET locked_by = NULL, locked_until = NULL, last_error = $6,
        run_at = now() + make_interval(secs => $5)
    WHERE id = $1 AND fence = $2 RETURNING id
)
UPDATE acme.authorizations SET challenge_error = $4, attempts = attempts + 1
WHERE id = $3 AND challenge_status = 'processing' AND EXISTS (SELECT FROM job)
RETURNING id;

-- name: deactivate
-- $1 authorization id  $2 account id  $3 now  $4 evidence id  $5 actor  $6 content  $7 contract id
WITH ended AS (
    UPDATE acme.authorizations SET status = 'deactivated'
    WHERE id = $1 AND account_id = $2 AND status IN ('pending', 'valid') AND expires_at > $3 RETURNING *
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $4, 'authorization.deactivated', $7, $5, $3, $6 FROM ended
)
SELECT id, account_id, identifier_type, identifier_value, wildcard, status, tokens, challenge_type, challenge_status,
    challenge_error, key_authorization, validated_at, caa_checked_at, expires_at, subdomains
FROM ended;

-- name: caa_checked
-- The status is compared so that the index of all valid ones, which has no ids, is not read to its end for it.
-- $1 authorization ids  $2 now
UPDATE acme.authorizations a SET caa_checked_at = $2 FROM unnest($1::uuid[]) AS checked (id)
WHERE a.id = checked.id AND a.status || '' = 'valid';

-- name: holds_all
-- Whether the account holds a valid authorization for every name (A-180), its own or one that covers subdomains of a
-- domain above it (RFC 9444). $1 account id  $2 values  $3 wildcards  $4 now  $5 value and domains above, spaces between
SELECT bool_and(EXISTS (
    SELECT FROM acme.authorizations a
    WHERE a.account_id = $1 AND a.identifier_value = ANY (string_to_array(n.domains, ' '))
      AND (a.identifier_value = n.value AND a.wildcard = n.wildcard OR a.subdomains)
      AND a.status = 'valid' AND a.expires_at > $4))
FROM unnest($2::text[], $3::boolean[], $5::text[]) AS n (value, wildcard, domains);
