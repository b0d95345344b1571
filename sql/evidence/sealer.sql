-- name: lock
-- Whether this session is now the only sealer; it is until it ends.
SELECT pg_try_advisory_lock(7102);

-- name: latest_checkpoint
-- The end of the chain.
SELECT number, era, from_transaction, to_transaction, record_count, leaves, root, previous, sealed_at, hash, signature
FROM evidence.checkpoints ORDER BY number DESC LIMIT 1;

-- name: checkpoints_after
-- $1 number. What a file of checkpoints that ends there lacks, oldest first, 100 at a time.
SELECT number, era, from_transaction, to_transaction, record_count, leaves, root, previous, sealed_at, hash, signature
FROM evidence.checkpoints WHERE number > $1 ORDER BY number LIMIT 100;

-- name: horizon
-- The era of new rows, the oldest transaction that has not ended, and the first that has not begun.
SELECT substring(pg_get_expr(d.adbin, d.adrelid) FROM '[0-9]+')::smallint AS era,
    pg_snapshot_xmin(pg_current_snapshot()) AS open_from, pg_snapshot_xmax(pg_current_snapshot()) AS unborn_from
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = 'evidence.records'::regclass AND a.attname = 'era';

-- name: ended_records
-- Rows of a range of transactions that have all ended; a transaction's rows all or none.
-- $1 era  $2 from transaction  $3 to transaction, exclusive  $4 about how many
SELECT id, era, transaction_id, kind, contract_id, actor, recorded_at, content
FROM evidence.records WHERE era = $1 AND transaction_id >= $2 AND transaction_id < $3
ORDER BY transaction_id FETCH FIRST ($4) ROWS WITH TIES;

-- name: insert_checkpoint
-- $1 number  $2 era  $3 from_transaction  $4 to_transaction  $5 record_count  $6 leaves  $7 root  $8 previous
-- $9 sealed_at  $10 hash  $11 signature
INSERT INTO evidence.checkpoints (number, era, from_transaction, to_transaction, record_count, leaves, root, previous,
    sealed_at, hash, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: sealed_through
-- Everything committed before this instant is sealed. $1 instant
UPDATE evidence.seal_state SET sealed_through_at = $1;

-- name: is_known_cluster
-- Whether this is the cluster that the operators know of, and no backup that somebody restored.
SELECT identity = keiyaku.cluster_identity() FROM keiyaku.cluster;

-- name: unseal
-- Nothing is issued from now on, until the sealer has caught up.
UPDATE evidence.seal_state SET sealed_through_at = '-infinity';
