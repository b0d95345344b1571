-- name: insert_account
-- No row: the handle is taken.
-- $1 id  $2 handle  $3 first day covered
INSERT INTO gate.bank_accounts (id, handle, covered_from, covered_through) VALUES ($1, $2, $3, $3)
ON CONFLICT (handle) DO NOTHING
RETURNING id;

-- name: lock_account
-- $1 handle
SELECT id FROM gate.bank_accounts WHERE handle = $1 FOR UPDATE;

-- name: before_coverage
-- Invoices with an open rest past their due date that are older than the data of an account would be: none of them
-- would be overdue (T8-6).
-- $1 first day covered  $2 today
SELECT count(*)::integer AS count, min(issued_on) AS oldest FROM gate.invoices
WHERE open_yen > 0 AND issued_on < $1 AND due_on < $2;

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
SELECT a.handle, a.covered_from, a.covered_through, count(d.day)::integer AS waiting
FROM gate.bank_accounts a
LEFT JOIN gate.bank_days d ON d.bank_account_id = a.id AND d.day NOT BETWEEN a.covered_from AND a.covered_through
GROUP BY a.id ORDER BY a.handle;

-- name: hold_coverage
-- What each account covers, held until the transaction ends.
SELECT covered_through FROM gate.bank_accounts ORDER BY id FOR UPDATE;

-- name: alarmed
-- Whether officers were told that bank data is missing after this day. $1 day
SELECT EXISTS (SELECT FROM office.notices WHERE kind = 'bank_data_missing' AND given ->> 'covered_through' = $1);
