-- name: record
-- Those that were not known, by day. $1 days  $2 names
INSERT INTO gate.holidays (day, name) SELECT * FROM unnest($1::date[], $2::text[]) AS h (day, name)
ON CONFLICT (day) DO NOTHING RETURNING day;
