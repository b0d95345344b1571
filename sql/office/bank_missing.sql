-- name: missing
-- Lines of a staged file's days that files imported before it showed and it does not, oldest first; of a file that is not
-- imported yet, those of all. What `bank_staging` says is the file's, a line known by the same as in `insert_file`.
-- $1 accounts  $2 first days  $3 last days  $4 sha256 of the file  $5 most
WITH staged AS (
    SELECT s.*, row_number() OVER (PARTITION BY remitter, amount_yen, booked_on, query_number, bank_account_id, cancels
                                   ORDER BY record) AS ordinal
    FROM bank_staging s
)
SELECT l.id, a.handle AS account, l.booked_on, l.amount_yen, l.remitter, l.query_number, l.cancels,
    coalesce(o.state, 'staged') AS state, f.name AS file, l.record
FROM office.bank_lines l JOIN gate.bank_accounts a ON a.id = l.bank_account_id JOIN office.bank_files f ON f.id = l.file_id
LEFT JOIN office.line_outcomes o ON o.line_id = l.id
WHERE EXISTS (SELECT FROM unnest($1::uuid[], $2::date[], $3::date[]) AS p(account, first, last)
              WHERE l.bank_account_id = p.account AND l.booked_on BETWEEN p.first AND p.last)
  AND NOT EXISTS (SELECT FROM staged s WHERE (s.bank_account_id, s.booked_on, s.amount_yen, s.query_number, s.remitter,
                      s.cancels, s.ordinal) = (l.bank_account_id, l.booked_on, l.amount_yen, l.query_number, l.remitter,
                      l.cancels, l.ordinal))
  AND NOT EXISTS (SELECT FROM office.bank_files x
                  WHERE x.sha256 = $4 AND (x.imported_at, x.id) < (f.imported_at, f.id))
ORDER BY l.booked_on, l.id LIMIT $5;
