-- name: insert_key
-- No row: the contract is not accepted (T4-2).
-- $1 id  $2 kid  $3 contract_id  $4 hmac_key  $5 label  $6 names  $7 uses_max  $8 now  $9 expires_at, or null
INSERT INTO gate.binding_keys (id, kid, contract_id, hmac_key, label, names, uses_max, created_at, expires_at)
SELECT $1, $2, id, $4, $5, $6, $7, $8, $9 FROM gate.contracts WHERE id = $3 AND state = 'accepted'
RETURNING id;

-- name: untold
-- Whether the notice of the contract's formation has not left (T4-5).
-- $1 contract_id
SELECT EXISTS (SELECT FROM gate.formation_notices WHERE contract_id = $1 AND dispatched_at IS NULL);

-- name: keys
-- $1 contract_id
SELECT k.kid, k.label, k.names, k.uses_max, count(u.use_number)::integer AS uses, k.created_at, k.expires_at,
    k.withdrawn_at
FROM gate.binding_keys k LEFT JOIN gate.binding_uses u ON u.binding_key_id = k.id
WHERE k.contract_id = $1
GROUP BY k.id
ORDER BY k.id;

-- name: contract_of_key
-- $1 kid
SELECT c.id, c.number FROM gate.binding_keys k JOIN gate.contracts c ON c.id = k.contract_id WHERE k.kid = $1;

-- name: serves
-- Whether the key is the contract's, or one of a contract that it follows (T12-7). $1 kid  $2 contract_id
SELECT EXISTS (SELECT FROM gate.binding_keys k WHERE k.kid = $1 AND (k.contract_id = $2 OR EXISTS (
    SELECT FROM gate.successions s WHERE s.contract_id = k.contract_id AND s.successor_id = $2)));

-- name: withdraw_key
-- No row: withdrawn before.
-- $1 kid  $2 now
UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE kid = $1 AND withdrawn_at IS NULL RETURNING id;
