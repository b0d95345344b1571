-- name: accounts
-- Those whose data is awaited: not one that is closed and covered whole.
SELECT handle, covered_through FROM gate.bank_accounts WHERE awaited_after IS NOT NULL ORDER BY handle;

-- name: holidays
-- $1 first day
SELECT day FROM gate.holidays WHERE day >= $1 AND removed_at IS NULL;

-- name: unfinished
-- Names of files whose import began before $1 and never ended: none of their days counts.
SELECT name FROM office.bank_files WHERE booked_at IS NULL AND imported_at < $1 ORDER BY imported_at LIMIT 100;

-- name: oldest_waiting
-- Since when the oldest line waits for a person that nobody has matched; by their index, one after the other.
SELECT (SELECT f.imported_at FROM office.bank_lines l JOIN office.bank_files f ON f.id = l.file_id WHERE l.id = o.line_id)
FROM office.line_outcomes o
WHERE o.state = 'waiting' AND (SELECT m.id FROM gate.payment_matches m
    WHERE m.receipt_id = o.receipt_id AND m.undone_at IS NULL LIMIT 1) IS NULL
ORDER BY o.line_id LIMIT 1;
