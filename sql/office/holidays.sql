-- name: record
-- Those that were not known, by day; what people took back is known. $1 days  $2 names
INSERT INTO gate.holidays (day, name) SELECT * FROM unnest($1::date[], $2::text[]) AS h (day, name)
ON CONFLICT (day) DO NOTHING RETURNING day;

-- name: add
-- No row: it is one already. $1 day  $2 name
INSERT INTO gate.holidays AS h (day, name) VALUES ($1, $2)
ON CONFLICT (day) DO UPDATE SET name = excluded.name, removed_at = NULL WHERE h.removed_at IS NOT NULL RETURNING day;

-- name: remove
-- No row: it is none. $1 day  $2 now
UPDATE gate.holidays SET removed_at = $2 WHERE day = $1 AND removed_at IS NULL RETURNING day;

-- name: between
-- By day. $1 first  $2 last
SELECT day, name FROM gate.holidays WHERE day BETWEEN $1 AND $2 AND removed_at IS NULL ORDER BY day;

-- name: open_due
-- Open invoices by due date and the reading that was in force when they were made (R-9).
-- $1 first due date  $2 last  $3 the reading where nobody set one
SELECT o.due_on, r.rule, count(*)::integer AS invoices
FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id CROSS JOIN LATERAL (
    SELECT coalesce((SELECT value FROM gate.readings WHERE key = 'due.roll' AND effective_at <= i.created_at
        ORDER BY effective_at DESC LIMIT 1), $3) AS rule) AS r
WHERE o.due_on BETWEEN $1 AND $2
GROUP BY o.due_on, r.rule ORDER BY o.due_on, r.rule;
