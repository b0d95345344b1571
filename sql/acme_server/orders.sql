-- name: insert_order
-- The decision that admits it, its evidence, the order and its authorizations: all or none. RFC 8555 §7.4, T1-1.
-- A valid authorization of the account for the same name is used again when it outlives the order, else one that covers
-- subdomains of a domain above it, if such are named (RFC 9444).
-- No row when `replaces` names a certificate that this account may not replace (RFC 9773 §5), or a limit is reached.
-- $1 order id  $2 account id  $3 contract id  $4 names  $5 profile  $6 not before  $7 not after
-- $8 replaces  $9 replaced serial  $10 expires at  $11 now
-- $12 decision id  $13 binding key id  $14 not after limit  $15 facts  $16 findings
-- $17 evidence id  $18 actor  $19 evidence content
-- $20 authorization ids  $21 identifier types  $22 values  $23 wildcards  $24 tokens, spaces between  $25 their expiry
-- $26 key identifier of the replaced certificate's issuer
-- $27 limits to take one of  $28 their subjects  $29 numbers  $30 spans  $31 failed validations at most  $32 their span
-- $33 whether the authorization covers subdomains  $34 its value, and domains above whose authorization does if it covers
-- subdomains, spaces between  $35 names to be validated
WITH stopped AS (
    SELECT FROM acme.failures f WHERE f.account_id = $2 AND f.name = ANY ($35) AND (f.paused_at IS NOT NULL
        OR f.full_at + $32::interval / nullif(acme.limit_of($3, 'failed_validations', $11, $31), 0) > $11 + $32)
), allowed AS MATERIALIZED (
    SELECT WHERE CASE WHEN EXISTS (SELECT FROM stopped) THEN false
        WHEN $9::bytea IS NOT NULL AND NOT acme.claim($9, $26, $2, $4, $1, $11) THEN false
        ELSE acme.take($3, $27::text[], $28::text[], $29::integer[], $30::interval[], $11) END
), wanted AS (
    SELECT * FROM unnest($20::uuid[], $21::text[], $22::text[], $23::boolean[], $24::text[], $33::boolean[], $34::text[])
        WITH ORDINALITY AS w (id, identifier_type, identifier_value, wildcard, tokens, subdomains, domains, position)
), used AS (
    SELECT w.*, (
        SELECT a.id FROM acme.authorizations a
        WHERE a.account_id = $2 AND a.identifier_value = ANY (string_to_array(w.domains, ' '))
          AND a.status = 'valid' AND a.expires_at > $10 AND CASE
            WHEN a.identifier_value = w.identifier_value AND a.wildcard = w.wildcard THEN a.subdomains OR NOT w.subdomains
            ELSE a.subdomains END
        ORDER BY a.expires_at DESC LIMIT 1) AS valid_id
    FROM wanted w
), authorizations AS (
    INSERT INTO acme.authorizations (id, account_id, identifier_type, identifier_value, wildcard, tokens, expires_at,
        created_at, subdomains)
    SELECT id, $2, identifier_type, identifier_value, wildcard, string_to_array(tokens, ' '), $25, $11, subdomains
    FROM used, allowed WHERE valid_id IS NULL
), decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, names, not_after_limit, facts, findings,
        decided_at)
    SELECT $12, $3, $13, 'new_order', 'admitted', $4, $14, $15, $16, $11 FROM allowed
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $17, 'gate.decided', $3, $18, $11, $19 FROM allowed
), placed AS (
    INSERT INTO acme.orders (id, account_id, contract_id, admission_id, names, authorization_ids, profile, not_before,
        not_after, replaces, expires_at, created_at)
    SELECT $1, $2, $3, $12, $4, (SELECT array_agg(coalesce(valid_id, id) ORDER BY position) FROM used), $5, $6, $7, $8,
        $10, $11
    FROM allowed
    RETURNING authorization_ids
)
SELECT authorization_ids FROM placed;

-- name: replaced_by
-- Why a certificate may not be replaced. $1 serial  $2 account id  $3 names  $4 key identifier of its issuer
SELECT i.account_id = $2 AS own, c.names && $3 AS shares_name, r.order_id IS NOT NULL AS replaced
FROM ca.serials s
JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id
JOIN ca.issuers u ON u.id = s.issuer_id AND u.key_id = $4
LEFT JOIN ca.certificates c ON c.id = s.to_be_signed_id
LEFT JOIN acme.replacements r ON r.serial = s.serial
WHERE s.serial = $1;

-- name: spend_and_read
-- Spends the nonce, loads the account, and reads an order with what its status follows from if it is the account's own: a POST-as-GET is one statement.
-- $1 slot  $2 nonce  $3 epoch  $4 account id, or null  $5 order id
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at,
    o.id, o.account_id, o.contract_id, o.status, o.names, o.authorization_ids, o.profile, o.not_before, o.not_after,
    o.replaces, o.error, o.certificate_id, o.expires_at, o.created_at, z.statuses, z.expiries, z.errors, o.deadline_at
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id
LEFT JOIN acme.orders o ON o.id = $5 AND o.account_id = a.id
CROSS JOIN LATERAL (
    SELECT array_agg(status) AS statuses, array_agg(expires_at) AS expiries, array_agg(challenge_error) AS errors
    FROM unnest(o.authorization_ids) AS w (listed)
    CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) WHERE o.status = 'pending'
) AS z;

-- name: order_of_account
-- The order with what its status follows from. $1 order id  $2 account id
SELECT o.id, o.account_id, o.contract_id, o.status, o.names, o.authorization_ids, o.profile, o.not_before, o.not_after,
    o.replaces, o.error, o.certificate_id, o.expires_at, o.created_at, a.statuses, a.expiries, a.errors
FROM acme.orders o
CROSS JOIN LATERAL (
    SELECT array_agg(status) AS statuses, array_agg(expires_at) AS expiries, array_agg(challenge_error) AS errors
    FROM unnest(o.authorization_ids) AS w (listed)
    CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) WHERE o.status = 'pending'
) AS a
WHERE o.account_id = $2 AND o.id = $1;

-- name: orders_of_account
-- A page of the account's orders, oldest first, with what their status follows from.
-- $1 account id  $2 id before the first  $3 how many
SELECT o.id, o.status, o.expires_at, a.statuses, a.expiries
FROM acme.orders o
CROSS JOIN LATERAL (
    SELECT array_agg(status) AS statuses, array_agg(expires_at) AS expiries
    FROM unnest(o.authorization_ids) AS w (listed)
    CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) WHERE o.status = 'pending'
) AS a
WHERE o.account_id = $1 AND o.id > $2
ORDER BY o.id LIMIT $3;

-- name: spend_to_finalize
-- The same with all else that finalize asks before the contract's lock: whether CAA was checked after $7 for each name (not
-- when an authorization covers subdomains: that was for its own name), the contract's number, whether it has a certificate, the revisions of its facts, whether evidence is sealed up to $6, and
-- whether the issuing CA is revoked.
-- $1 slot  $2 nonce  $3 epoch  $4 account id, or null  $5 order id  $6 sealed through  $7 CAA checked after
-- $8 issuer id
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at,
    o.id, o.account_id, o.contract_id, o.status, o.names, o.authorization_ids, o.profile, o.not_before, o.not_after,
    o.replaces, o.error, o.certificate_id, o.expires_at, o.created_at, z.statuses, z.expiries, z.errors,
    z.caa_is_fresh, c.number, s.contract_id IS NOT NULL AS is_started,
    ARRAY(SELECT r.revision FROM gate.revisions r
        WHERE r.contract_id IN (o.contract_id, '00000000-0000-0000-0000-000000000000')) AS revisions,
    EXISTS (SELECT FROM evidence.seal_state WHERE sealed_through_at >= $6) AS is_sealed,
    $8 IN (SELECT v.issuer_id FROM ca.authority_revocations v WHERE v.cross_id IS NULL) AS issuer_revoked
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id
LEFT JOIN acme.orders o ON o.account_id = a.id AND o.id = $5
LEFT JOIN gate.contracts c ON c.id = o.contract_id
LEFT JOIN gate.contract_starts s ON s.contract_id = o.contract_id
CROSS JOIN LATERAL (
    SELECT array_agg(status) AS statuses, array_agg(expires_at) AS expiries, array_agg(challenge_error) AS errors,
        coalesce(bool_and(identifier_type = 'ip' OR coalesce(caa_checked_at > $7, false) AND NOT subdomains), false)
            AS caa_is_fresh
    FROM unnest(o.authorization_ids) AS w (listed)
    CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) WHERE o.status = 'pending'
) AS z;

-- name: uses_of_key
-- Whether a certificate's key is or was an account's, or is blocked. $1 SHA-256 of its SPKI
SELECT EXISTS (SELECT FROM acme.account_keys WHERE spki_sha256 = $1) AS is_account_key,
    EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $1) AS is_blocked_key;

-- name: begin_issuance
-- The point of no return (design §4.4): decision, evidence, serial, to-be-signed bytes, ready -> processing and the job.
-- Takes the contract's lock, shared, until its commit. job_id null: why_not says why nothing was written.
-- $1 order id  $2 from status  $3 deadline at  $4 now  $5 worker  $6 lease in seconds
-- $7 decision id  $8 contract id  $9 binding key id  $10 stage  $11 names  $12 not after limit  $13 facts  $14 findings
-- $15 evidence id  $16 actor  $17 evidence content
-- $18 to-be-signed id  $19 issuer id  $20 serial  $21 profile  $22 tbs  $23 SPKI SHA-256  $24 not before  $25 not after
-- $26 shard  $27 account id  $28 job id  $29 revisions at which the facts were read, or null: that was under the lock
-- $30 the contract's number
WITH asked AS MATERIALIZED (
    SELECT acme.may_begin($30, $8, $29, $1, $27, $23, $4) AS why_not
), moved AS (
    UPDATE acme.orders SET status = 'processing', deadline_at = $3, fence = fence + 1
    WHERE id = $1 AND account_id = $27 AND status = $2 AND (SELECT why_not FROM asked) IS NULL
    RETURNING id
), decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, names, not_after_limit, facts, findings,
        decided_at)
    SELECT $7, $8, $9, $10, 'admitted', $11, $12, $13, $14, $4 FROM moved
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $15, 'gate.decided', $8, $16, $4, $17 FROM moved
), record AS (
    INSERT INTO ca.to_be_signed (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256, not_before,
        not_after, shard, deadline_at, created_at)
    SELECT $18, $19, $7, $20, $21, $22, $11, $23, $24, $25, $26, $3, $4 FROM moved
), serial AS (
    INSERT INTO ca.serials (serial, to_be_signed_id, issuer_id) SELECT $20, $18, $19 FROM moved
), issuance AS (
    INSERT INTO acme.issuances (order_id, to_be_signed_id, account_id, contract_id) SELECT $1, $18, $27, $8 FROM moved
), job AS (
    INSERT INTO acme.jobs (id, kind, subject, deadline_at, max_attempts, fence, locked_by, locked_until)
    SELECT $28, 'issue', $1::uuid::text, $3, 1000, 1, $5, now() + make_interval(secs => $6) FROM moved
    ON CONFLICT (kind, subject) WHERE NOT dead DO NOTHING
)
SELECT (SELECT $28 FROM moved) AS job_id, why_not FROM asked;

-- name: defer_issuance
-- Something slow must come first: processing without to-be-signed bytes; a worker passes the gate again (design §4.4).
-- $1 order id  $2 account id  $3 deadline at  $4 now  $5 csr
-- $6 decision id  $7 contract id  $8 binding key id  $9 names  $10 not after limit  $11 facts  $12 findings
-- $13 evidence id  $14 actor  $15 evidence content  $16 job id
WITH moved AS (
    UPDATE acme.orders SET status = 'processing', deadline_at = $3, fence = fence + 1, csr = $5
    WHERE id = $1 AND account_id = $2 AND status = 'pending' RETURNING id
), decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, names, not_after_limit, facts, findings,
        decided_at)
    SELECT $6, $7, $8, 'finalize', 'admitted', $9, $10, $11, $12, $4 FROM moved
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $13, 'gate.decided', $7, $14, $4, $15 FROM moved
), job AS (
    INSERT INTO acme.jobs (id, kind, subject, deadline_at, max_attempts)
    SELECT $16, 'issue', $1::uuid::text, $3, 1000 FROM moved
)
SELECT id FROM moved;

-- name: end_order
-- The order is invalid with its cause. $1 order id  $2 account id  $3 from status  $4 error
UPDATE acme.orders SET status = 'invalid', error = $4 WHERE id = $1 AND account_id = $2 AND status = $3 RETURNING id;

-- name: order_in_processing
-- What a worker needs to go on with an order. $1 order id
SELECT o.id, o.account_id, o.contract_id, o.names, o.authorization_ids, o.profile, o.not_before, o.not_after, o.csr,
    o.deadline_at, i.to_be_signed_id, acct.binding_key_id, c.number AS contract_number
FROM acme.orders o
JOIN acme.accounts acct ON acct.id = o.account_id
JOIN gate.contracts c ON c.id = o.contract_id
LEFT JOIN acme.issuances i ON i.order_id = o.id
WHERE o.id = $1 AND o.status = 'processing';

-- name: underway
-- The one record of an order in processing, and the order's fence. $1 order id
SELECT i.to_be_signed_id, o.fence FROM acme.orders o LEFT JOIN acme.issuances i ON i.order_id = o.id
WHERE o.id = $1 AND o.status = 'processing';

-- name: end_processing
-- The order is invalid with its cause and its job is gone: both or neither. No row: it went on or ended meanwhile.
-- $1 order id  $2 error  $3 fence
WITH ended AS (
    UPDATE acme.orders SET status = 'invalid', error = $2 WHERE id = $1 AND status = 'processing' AND fence = $3
    RETURNING id
), job AS (
    DELETE FROM acme.jobs WHERE kind = 'issue' AND subject = $1::uuid::text AND EXISTS (SELECT FROM ended)
)
SELECT id FROM ended;

-- name: sweep_expired
-- Orders left unfinished past their expiry are invalid (A-136). $1 from id  $2 to id  $3 now  $4 error  $5 how many
WITH late AS (
    SELECT id FROM acme.orders
    WHERE id >= $1 AND id < $2 AND status = 'pending' AND expires_at <= $3 ORDER BY id LIMIT $5
)
UPDATE acme.orders o SET status = 'invalid', error = coalesce(error, $4) FROM late
WHERE o.id = late.id AND o.status = 'pending' RETURNING o.id;
