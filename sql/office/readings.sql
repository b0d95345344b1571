-- Statements of office/storage/readings.py: dated readings of the Terms (articles.md §0.3).

-- name: insert
-- No row: the key has a value from that instant on already. $1 key  $2 effective_at  $3 value  $4 $5 people
INSERT INTO gate.readings (key, effective_at, value, set_by_first, set_by_second) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key, effective_at) DO NOTHING
RETURNING key;

-- name: in_force
-- $1 now
SELECT DISTINCT ON (key) key, effective_at, value FROM gate.readings WHERE effective_at <= $1
ORDER BY key, effective_at DESC;

-- name: to_come
-- $1 now
SELECT key, effective_at, value FROM gate.readings WHERE effective_at > $1 ORDER BY effective_at, key;

-- name: accepted_at
-- When the contract was made; null: it is an application. $1 contract_id
SELECT accepted_at FROM gate.contracts WHERE id = $1;

-- name: value
-- No row: nobody set it by then. $1 key  $2 at
SELECT value FROM gate.readings WHERE key = $1 AND effective_at <= $2 ORDER BY effective_at DESC LIMIT 1;

-- name: values
-- All values that a key had by now. $1 key  $2 now
SELECT DISTINCT value FROM gate.readings WHERE key = $1 AND effective_at <= $2;
