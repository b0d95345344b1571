-- Statements of office/storage/tax_rates.py: rates of consumption tax (T8-8).

-- name: add
-- Null: that day has a rate. $1 effective on  $2 basis points  $3 first  $4 second  $5 now
SELECT gate.add_tax_rate($1, $2, $3, $4, $5);

-- name: remove
-- What was made, or is being made, with the rate; both 0: it is removed. Nulls: there is no such rate.
-- $1 effective on  $2 basis points  $3 first  $4 second  $5 now
SELECT billed, underway FROM gate.remove_tax_rate($1, $2, $3, $4, $5);

-- name: hold
-- No rate is removed until the transaction ends.
SELECT pg_advisory_xact_lock_shared(7201, 3);

-- name: rates
SELECT effective_on, basis_points FROM gate.tax_rates WHERE removed_at IS NULL ORDER BY effective_on;

-- name: listed
SELECT x.effective_on, x.basis_points, x.added_at, p.handle AS first, q.handle AS second
FROM gate.tax_rates x LEFT JOIN gate.persons p ON p.id = x.added_by_first LEFT JOIN gate.persons q ON q.id = x.added_by_second
WHERE x.removed_at IS NULL ORDER BY x.effective_on;
