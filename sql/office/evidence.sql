-- name: records
-- Newest first, of one contract or of all.
-- $1 contract_id, or null  $2 most
SELECT r.id, r.recorded_at, r.kind, c.handle AS contract, r.actor, convert_from(r.content, 'UTF8') AS content
FROM evidence.records r LEFT JOIN gate.contracts c ON c.id = r.contract_id
WHERE $1::uuid IS NULL OR r.contract_id = $1
ORDER BY r.id DESC LIMIT $2;

-- name: since
-- Everything from an id on, oldest first.
-- $1 the first id
SELECT r.id, r.recorded_at, r.kind, c.handle AS contract, r.actor, convert_from(r.content, 'UTF8') AS content
FROM evidence.records r LEFT JOIN gate.contracts c ON c.id = r.contract_id
WHERE r.id >= $1
ORDER BY r.id;
