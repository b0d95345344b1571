-- name: checkpoints
-- The chain as the database has it, oldest first.
SELECT number, era, from_transaction, to_transaction, record_count, leaves, root, previous, sealed_at, hash, signature
FROM evidence.checkpoints ORDER BY number;

-- name: records_between
-- Rows from one place (era, transaction) up to another, in order of id.
-- $1 era  $2 transaction  $3 era  $4 transaction, exclusive
SELECT id, era, transaction_id, kind, contract_id, actor, recorded_at, content
FROM evidence.records
WHERE (era, transaction_id) >= ($1, $2) AND (era, transaction_id) < ($3, $4) ORDER BY id;

-- name: transcripts
-- Of ceremonies and of CRLs of a root, which name people; evidence has their hashes. destroyed: past its retention (T16-2).
SELECT id, transcript, ended_at AS signed_at, personal_data_destroyed_at IS NOT NULL AS destroyed
FROM office.ceremonies WHERE transcript IS NOT NULL
UNION ALL SELECT id, transcript, signed_at, personal_data_destroyed_at IS NOT NULL
FROM office.root_crls WHERE transcript IS NOT NULL
ORDER BY id;

-- name: terms
SELECT version, effective_at FROM gate.texts WHERE kind = 'terms';
