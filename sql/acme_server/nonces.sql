-- name: make_epoch
-- The one row of the epoch exists; the first to come wins. $1 epoch  $2 mac_key
INSERT INTO acme.nonce_epoch (epoch, mac_key) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: load_epoch
SELECT epoch, mac_key FROM acme.nonce_epoch;

-- name: spend_for_account
-- Spends the nonce and loads the account, in one autocommitted statement. RFC 8555 §6.5, design §4.1.
-- fresh is false when the nonce was spent before or its epoch is over.
-- $1 slot  $2 nonce  $3 epoch  $4 account id, or null
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id;

-- name: spend_for_order
-- The same for newOrder, with the revisions of all the facts it may be admitted by: of the key's contract, of those that
-- follow it (T12-7), and what counts for every contract.
-- $1 slot  $2 nonce  $3 epoch  $4 account id or null
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at,
    ARRAY(SELECT r.revision FROM gate.revisions r WHERE r.contract_id = ANY (ARRAY(
        SELECT n.successor_id FROM gate.successions n WHERE n.contract_id = b.contract_id)
        || b.contract_id || '00000000-0000-0000-0000-000000000000'::uuid)) AS revisions
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id;

-- name: spend_for_key
-- The same for a request signed by a key: the account that the key is or was of. RFC 8555 §7.3.1.
-- $1 slot  $2 nonce  $3 epoch  $4 thumbprint
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at
FROM (VALUES (true)) AS request
LEFT JOIN acme.account_keys k ON k.thumbprint = $4
LEFT JOIN acme.accounts a ON a.id = k.account_id
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id;

-- name: truncate_slot
-- $1 slot in which no nonce can still be valid
SELECT acme.truncate_slot($1);
