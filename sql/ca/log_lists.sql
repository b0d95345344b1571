-- name: heads
-- The newest lists of logs, in the order in which they would count; of one list the signed copy first. No list has a date
-- that a program cannot hold. There is one a day: a thousand that are not whole or not the publisher's hide none that is.
-- $1 older than what is asked for
SELECT sha256, signature, listed_at FROM ca.log_lists WHERE listed_at > $1 AND listed_at < '9999-01-01Z'
ORDER BY listed_at DESC, octet_length(signature) DESC LIMIT 1000;

-- name: log_list
-- A list of logs. $1 sha256  $2 signature
SELECT sha256, content, signature, listed_at, read_at FROM ca.log_lists WHERE sha256 = $1 AND signature = $2;

-- name: insert_log_list
-- A list of logs, with its evidence. No row: it was there.
-- $1 sha256  $2 content  $3 listed at  $4 source  $5 now  $6 evidence id  $7 kind  $8 actor  $9 evidence content  $10 signature
WITH added AS (
    INSERT INTO ca.log_lists (sha256, content, listed_at, source, read_at, signature) VALUES ($1, $2, $3, $4, $5, $10)
    ON CONFLICT DO NOTHING RETURNING sha256
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $6, $7, NULL, $8, $5, $9 FROM added
)
SELECT sha256 FROM added;
