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

-- name: page
-- Of all, newest first. $1 before this id  $2 most
SELECT r.id, r.recorded_at, r.kind, c.handle AS contract, r.actor, convert_from(r.content, 'UTF8') AS content
FROM evidence.records r LEFT JOIN gate.contracts c ON c.id = r.contract_id
WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2;

-- name: checkpoints
-- Without their leaves, newest first. $1 before this number  $2 most
SELECT number, era, from_transaction, to_transaction, record_count, root, previous, sealed_at, hash, signature
FROM evidence.checkpoints WHERE number < $1 ORDER BY number DESC LIMIT $2;

-- name: checkpoint
-- $1 number
SELECT number, era, from_transaction, to_transaction, record_count, leaves, root, previous, sealed_at, hash, signature
FROM evidence.checkpoints WHERE number = $1;

-- name: sealed
-- Rows of a checkpoint's range, in order of id. $1 era  $2 from transaction  $3 to transaction, exclusive
SELECT id, era, transaction_id, kind, contract_id, actor, recorded_at, content
FROM evidence.records WHERE era = $1 AND transaction_id >= $2 AND transaction_id < $3 ORDER BY id;
