-- name: find_binding
-- $1 kid
SELECT b.id, b.kid, b.contract_id, b.hmac_key, b.expires_at, b.withdrawn_at, b.uses_max, c.number AS contract_number
FROM gate.binding_keys b JOIN gate.contracts c ON c.id = b.contract_id
WHERE b.kid = $1;

-- name: insert_account
-- The account, its key and one use of its binding key: all or none (T4-2).
-- No row: the binding key is not live, the account key is known as compromised or a certificate's, or a limit is reached.
-- A used-up key breaks the check on gate.binding_uses; a key that has an account breaks acme.account_keys.
-- $1 account id  $2 public key (SPKI)  $3 thumbprint  $4 SPKI SHA-256  $5 contacts  $6 binding key id
-- $7 external account binding as received, or null  $8 now  $9 evidence id  $10 actor  $11 evidence content
-- $12 limits to take one of  $13 their subjects  $14 numbers  $15 spans  $16 where the evidence cites the Terms (T20-3)
WITH live AS MATERIALIZED (
    SELECT id, uses_max, contract_id FROM gate.binding_keys
    WHERE id = $6 AND withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > $8)
      AND NOT EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $4)
      AND NOT EXISTS (SELECT FROM ca.certificates WHERE spki_sha256 = $4)
      AND NOT EXISTS (SELECT FROM ca.precertificates WHERE spki_sha256 = $4)
), binding AS MATERIALIZED (
    SELECT * FROM live WHERE acme.take(contract_id, $12::text[], $13::text[], $14::integer[], $15::interval[], $8)
), account AS (
    INSERT INTO acme.accounts (id, public_key, thumbprint, contacts, terms_agreed_at, binding_key_id,
        external_account_binding, created_at)
    SELECT $1, $2, $3, $5, $8, binding.id, $7, $8 FROM binding
    RETURNING *
), key AS (
    INSERT INTO acme.account_keys (thumbprint, spki_sha256, account_id, registered_at)
    SELECT $3, $4, account.id, $8 FROM account
), use AS (
    INSERT INTO gate.binding_uses (binding_key_id, use_number, uses_max, account_id, used_at)
    SELECT binding.id, 1 + coalesce((SELECT max(use_number) FROM gate.binding_uses WHERE binding_key_id = $6), 0),
        binding.uses_max, $1, $8
    FROM binding
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $9, 'account.created', binding.contract_id, $10, $8, evidence.cited($11, $16, evidence.citation($8)) FROM binding
)
SELECT account.id, account.status, account.public_key, account.thumbprint, account.contacts,
    account.external_account_binding, account.binding_key_id, binding.contract_id, account.created_at
FROM account, binding;

-- name: update_contacts
-- The contacts and their evidence: both or neither.
-- $1 account id  $2 contacts  $3 now  $4 evidence id  $5 actor  $6 content  $7 contract id
WITH account AS (
    UPDATE acme.accounts SET contacts = $2 WHERE id = $1 AND status = 'valid' RETURNING contacts
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $4, 'account.updated', $7, $5, $3, $6 FROM account
)
SELECT contacts FROM account;

-- name: deactivate
-- Final (RFC 8555 §7.3.6). Pending orders end; issued certificates stay (T11-4).
-- $1 account id  $2 now  $3 smallest id of an order that may still be open  $4 evidence id  $5 actor  $6 content
-- $7 contract id
WITH account AS (
    UPDATE acme.accounts SET status = 'deactivated', deactivated_at = $2 WHERE id = $1 AND status = 'valid' RETURNING id
), orders AS (
    UPDATE acme.orders SET status = 'invalid'
    WHERE account_id = $1 AND id >= $3 AND status = 'pending' AND EXISTS (SELECT FROM account)
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $4, 'account.deactivated', $7, $5, $2, $6 FROM account
)
SELECT id FROM account;

-- name: change_key
-- The account answers to the new key alone, at once (RFC 8555 §7.3.5).
-- No row: the old key was changed meanwhile, or the new one is known as compromised or a certificate's.
-- $1 account id  $2 old thumbprint  $3 new public key  $4 new thumbprint  $5 new SPKI SHA-256  $6 now
-- $7 evidence id  $8 actor  $9 content  $10 contract id
WITH account AS (
    UPDATE acme.accounts SET public_key = $3, thumbprint = $4
    WHERE id = $1 AND thumbprint = $2 AND status = 'valid'
      AND NOT EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $5)
      AND NOT EXISTS (SELECT FROM ca.certificates WHERE spki_sha256 = $5)
      AND NOT EXISTS (SELECT FROM ca.precertificates WHERE spki_sha256 = $5) RETURNING id
), retired AS (
    UPDATE acme.account_keys SET retired_at = $6 WHERE thumbprint = $2 AND EXISTS (SELECT FROM account)
), key AS (
    INSERT INTO acme.account_keys (thumbprint, spki_sha256, account_id, registered_at)
    SELECT $4, $5, id, $6 FROM account
), evidence AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $7, 'account.key_changed', $10, $8, $6, $9 FROM account
)
SELECT id FROM account;

-- name: known_of_key
-- Why a key may be no account's: it is known as compromised, or a certificate has it. $1 SPKI SHA-256
SELECT EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = $1) AS compromised,
    EXISTS (SELECT FROM ca.certificates WHERE spki_sha256 = $1)
        OR EXISTS (SELECT FROM ca.precertificates WHERE spki_sha256 = $1) AS certified;

-- name: owner_of_key
-- $1 thumbprint
SELECT account_id FROM acme.account_keys WHERE thumbprint = $1;

-- name: account_of_key
-- $1 thumbprint
SELECT a.id, a.status, a.public_key, a.thumbprint, a.contacts, a.external_account_binding, a.binding_key_id,
    b.contract_id, a.created_at
FROM acme.account_keys k
JOIN acme.accounts a ON a.id = k.account_id
JOIN gate.binding_keys b ON b.id = a.binding_key_id
WHERE k.thumbprint = $1;
