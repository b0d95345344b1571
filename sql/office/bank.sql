-- name: insert_account
-- No row: the handle is taken.
-- $1 id  $2 handle  $3 first day covered
INSERT INTO gate.bank_accounts (id, handle, covered_from, covered_through) VALUES ($1, $2, $3, $3)
ON CONFLICT (handle) DO NOTHING
RETURNING id;

-- name: lock_account
-- $1 handle
SELECT id, covered_through, closed_from FROM gate.bank_accounts WHERE handle = $1 FOR UPDATE;

-- name: naming
-- Who names the account still: the issuer of invoices to come, how many open invoices, how many numbers of contracts.
-- others: another account is open. $1 id  $2 now
SELECT coalesce((SELECT t.bank_account_id = $1 FROM (
        SELECT s.pay_into FROM office.sellers s WHERE s.effective_at <= $2 AND s.confirmed_by IS NOT NULL
        ORDER BY s.effective_at DESC LIMIT 1) AS newest
        JOIN office.transfer_accounts t ON t.id = newest.pay_into), false) AS issuer,
    (SELECT count(*)::integer FROM gate.open_invoices o JOIN office.invoice_papers p ON p.invoice_id = o.id
        JOIN office.transfer_accounts t ON t.id = p.pay_into WHERE t.bank_account_id = $1) AS invoices,
    (SELECT count(*)::integer FROM office.virtual_accounts v WHERE v.bank_account_id = $1 AND v.ended_at IS NULL) AS numbers,
    EXISTS (SELECT FROM gate.bank_accounts b WHERE b.id <> $1 AND b.closed_from IS NULL) AS others;

-- name: close_account
-- $1 id  $2 first day on which it is not there any more  $3 first  $4 second
UPDATE gate.bank_accounts SET closed_from = $2, closed_by_first = $3, closed_by_second = $4
WHERE id = $1 AND closed_from IS NULL AND covered_through < $2;

-- name: before_coverage
-- Invoices with an open rest past their due date that are older than the data of an account would be: none of them
-- would be overdue (T8-6).
-- $1 first day covered  $2 today
SELECT count(*)::integer AS count, min(issued_on) AS oldest FROM gate.open_invoices
WHERE due_on < $2 AND issued_on < $1;

-- name: insert_days
-- Says how many days were new.
-- $1 bank_account_id  $2 first day  $3 last day  $4 source  $5 confirmed_by, or null  $6 now
WITH added AS (
    INSERT INTO gate.bank_days (bank_account_id, day, source, confirmed_by, recorded_at)
    SELECT $1, d::date, $4, $5, $6 FROM generate_series($2::date, $3::date, interval '1 day') AS d
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT count(*)::integer FROM added;

-- name: extend_coverage
-- To both ends of the unbroken chain (T8-6); days beyond a gap wait. The account's row is locked before.
-- $1 bank_account_id
UPDATE gate.bank_accounts a SET covered_through = coalesce((
    SELECT max(chain.day)
    FROM (SELECT d.day, d.day - (row_number() OVER (ORDER BY d.day))::integer AS before
          FROM gate.bank_days d WHERE d.bank_account_id = $1 AND d.day > a.covered_through) AS chain
    WHERE chain.before = a.covered_through), a.covered_through),
    covered_from = coalesce((
    SELECT min(chain.day)
    FROM (SELECT d.day, d.day + (row_number() OVER (ORDER BY d.day DESC))::integer AS after
          FROM gate.bank_days d WHERE d.bank_account_id = $1 AND d.day < a.covered_from) AS chain
    WHERE chain.after = a.covered_from), a.covered_from)
WHERE a.id = $1
RETURNING a.covered_from, a.covered_through;

-- name: accounts
-- waiting: days imported beyond a gap.
SELECT a.handle, a.covered_from, a.covered_through, count(d.day)::integer AS waiting, a.closed_from
FROM gate.bank_accounts a
LEFT JOIN gate.bank_days d ON d.bank_account_id = a.id AND d.day NOT BETWEEN a.covered_from AND a.covered_through
GROUP BY a.id ORDER BY a.handle;

-- name: hold_coverage
-- What each account covers, held until the transaction ends; null of one that is closed and covered whole.
SELECT awaited_after FROM gate.bank_accounts ORDER BY id FOR UPDATE;

-- name: alarmed
-- Whether officers were told that bank data is missing after this day. $1 day
SELECT EXISTS (SELECT FROM office.notices WHERE kind = 'bank_data_missing' AND given ->> 'covered_through' = $1);
