-- Personal data past its retention is destroyed, the row stays (T16-2): by functions that know each field's date.

-- name: alone
-- One at a time, on any node, until the transaction ends: nothing is recorded as destroyed twice.
SELECT pg_advisory_xact_lock(7111);

-- name: tally
-- $1 field  $2 now  $3 rows
INSERT INTO office.destructions AS d (field, destroyed_at, rows) VALUES ($1, $2, $3)
ON CONFLICT (field, destroyed_at) DO UPDATE SET rows = d.rows + excluded.rows;

-- name: tallies
-- Of each field: how many rows lost it so far, and when the last did.
SELECT field, sum(rows)::bigint AS rows, max(destroyed_at) AS last_at FROM office.destructions GROUP BY field;

-- name: destructions
-- Newest first. $1 most  $2 and $3 behind this instant and field, or null
SELECT field, destroyed_at, rows FROM office.destructions
WHERE $2::timestamptz IS NULL OR destroyed_at < $2 OR (destroyed_at = $2 AND field > $3::text)
ORDER BY destroyed_at DESC, field LIMIT $1;

-- name: destroy
-- $1 field  $2 now  $3 most
SELECT id, contract_id FROM office.destroy_past($1, $2, $3);

-- name: pseudonymise
-- How many people were looked at, the last of them, and whom no record names that is still kept.
-- $1 field  $2 now  $3 after which id  $4 most
SELECT looked_at, last, gone FROM office.pseudonymise($1, $2, $3, $4);
