-- name: ensure_partitions
-- $1 from the month of  $2 months
SELECT keiyaku.ensure_partitions($1, $2);

-- name: months_ahead
-- $1 after
SELECT keiyaku.months_ahead($1);

-- name: migrations
SELECT version, name, sha256 FROM keiyaku.migrations ORDER BY version;
