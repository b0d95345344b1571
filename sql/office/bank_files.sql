-- name: take_import
-- 'taken': this session is the one that imports, and none still books for one before it; its lock ends with it. 'closing':
-- who closes a month holds the books; none does while this statement looks. Its plans are those of tables that have grown:
-- a plan made while a table was small would read it whole for every line.
SELECT CASE WHEN NOT pg_try_advisory_xact_lock_shared(7201, 2) THEN 'closing'
    WHEN NOT pg_try_advisory_lock(7201, 0) THEN 'importing'
    WHEN pg_try_advisory_lock(7201, 1) AND pg_advisory_unlock(7201, 1) THEN 'taken'
    WHEN pg_advisory_unlock(7201, 0) THEN 'importing' END
FROM set_config('enable_seqscan', 'off', false) AS one, set_config('plan_cache_mode', 'force_generic_plan', false) AS two,
    set_config('jit', 'off', false) AS three;

-- name: join_import
-- The same plans, and a lock that ends with the session.
SELECT pg_advisory_lock_shared(7201, 1)
FROM set_config('enable_seqscan', 'off', false) AS one, set_config('plan_cache_mode', 'force_generic_plan', false) AS two,
    set_config('jit', 'off', false) AS three;

-- name: part_import
SELECT pg_advisory_unlock_shared(7201, 1);

-- name: leave_import
SELECT pg_advisory_unlock(7201, 0);

-- name: file
-- $1 sha256
SELECT id, name, imported_at, booked_at, lines, known, late, missing, cancelled_counted FROM office.bank_files
WHERE sha256 = $1;

-- name: files
-- Newest first. $1 most  $2 behind this one, or null
SELECT f.id, f.name, f.imported_at, f.booked_at, f.lines, f.known, f.late, f.missing, f.cancelled_counted,
    encode(f.sha256, 'hex') AS sha256, min(p.period_from) AS period_from, max(p.period_to) AS period_to,
    array_agg(DISTINCT a.handle) AS accounts
FROM office.bank_files f JOIN office.bank_file_periods p ON p.file_id = f.id
JOIN gate.bank_accounts a ON a.id = p.bank_account_id
WHERE $2::uuid IS NULL OR (f.imported_at, f.id) < (SELECT x.imported_at, x.id FROM office.bank_files x WHERE x.id = $2)
GROUP BY f.id ORDER BY f.imported_at DESC, f.id DESC LIMIT $1;

-- name: make_staging
-- What a file says, until it is known to be whole.
CREATE TEMPORARY TABLE bank_staging (
    record integer, bank_account_id uuid, virtual_number text, nature text, booked_on date, value_on date,
    amount_yen bigint, uncleared_yen bigint, query_number text, remitter_code text, remitter text, sending_bank text,
    sending_branch text, edi text, cancels boolean) ON COMMIT DROP;

-- name: analyze_staging
ANALYZE bank_staging;

-- name: insert_file
-- The file, and those of its lines that no earlier file showed: looked for one by one (OFFSET 0), since all lines there ever
-- were are many more; nobody else imports meanwhile. The remitter comes first because it tells most lines apart. late: new lines of days that earlier files covered and
-- did not show; missing: lines that they showed and it does not.
-- $1 id  $2 sha256  $3 name  $4 imported_by  $5 now  $6 cancelled_counted  $7 accounts  $8 first days  $9 last days
WITH staged AS (
    SELECT s.*, row_number() OVER (PARTITION BY remitter, amount_yen, booked_on, query_number, bank_account_id, cancels
                                   ORDER BY record) AS ordinal
    FROM bank_staging s
), added AS (
    INSERT INTO office.bank_lines (file_id, record, bank_account_id, virtual_number, nature, booked_on, value_on, amount_yen,
        uncleared_yen, query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels, ordinal)
    SELECT $1, record, bank_account_id, virtual_number, nature, booked_on, value_on, amount_yen, uncleared_yen, query_number,
        remitter_code, remitter, sending_bank, sending_branch, edi, cancels, ordinal
    FROM staged s WHERE NOT EXISTS (
        SELECT FROM office.bank_lines l
        WHERE (l.bank_account_id, l.booked_on, l.amount_yen, l.query_number, l.remitter, l.cancels, l.ordinal)
            = (s.bank_account_id, s.booked_on, s.amount_yen, s.query_number, s.remitter, s.cancels, s.ordinal) OFFSET 0)
    ORDER BY record RETURNING bank_account_id, booked_on
), new AS (
    SELECT coalesce(sum(a.lines), 0) AS lines, coalesce(sum(a.lines) FILTER (WHERE d.day IS NOT NULL), 0) AS late
    FROM (SELECT bank_account_id, booked_on, count(*) AS lines FROM added GROUP BY 1, 2) AS a
    LEFT JOIN gate.bank_days d ON d.bank_account_id = a.bank_account_id AND d.day = a.booked_on AND d.confirmed_by IS NULL
), earlier AS (
    SELECT count(*) AS missing FROM office.bank_lines l
    WHERE EXISTS (SELECT FROM unnest($7::uuid[], $8::date[], $9::date[]) AS p(account, first, last)
                  WHERE l.bank_account_id = p.account AND l.booked_on BETWEEN p.first AND p.last)
      AND NOT EXISTS (SELECT FROM staged s WHERE (s.bank_account_id, s.booked_on, s.amount_yen, s.query_number,
                          s.remitter, s.cancels, s.ordinal) = (l.bank_account_id, l.booked_on, l.amount_yen,
                          l.query_number, l.remitter, l.cancels, l.ordinal))
)
INSERT INTO office.bank_files (id, sha256, name, imported_by, imported_at, cancelled_counted, lines, known, late, missing)
SELECT $1, $2, $3, $4, $5, $6, staging.lines, staging.lines - new.lines, new.late, earlier.missing
FROM (SELECT count(*) AS lines FROM bank_staging) AS staging, new, earlier
RETURNING id, name, imported_at, booked_at, lines, known, late, missing, cancelled_counted;

-- name: insert_periods
-- $1 file_id  $2 records  $3 accounts  $4 first days  $5 last days
INSERT INTO office.bank_file_periods (file_id, record, bank_account_id, period_from, period_to)
SELECT $1, p.* FROM unnest($2::integer[], $3::uuid[], $4::date[], $5::date[]) AS p;

-- name: periods
-- $1 file_id
SELECT a.handle, p.bank_account_id, p.period_from, p.period_to
FROM office.bank_file_periods p JOIN gate.bank_accounts a ON a.id = p.bank_account_id
WHERE p.file_id = $1 ORDER BY a.id, p.record;

-- name: lock_accounts
-- Those of a file, in one order. $1 file_id
SELECT id FROM gate.bank_accounts WHERE id IN (SELECT bank_account_id FROM office.bank_file_periods WHERE file_id = $1)
ORDER BY id FOR UPDATE;

-- name: end_file
-- $1 file_id  $2 now
UPDATE office.bank_files SET booked_at = $2 WHERE id = $1 AND booked_at IS NULL;

-- name: dialects
SELECT d.bank_account_id, a.handle, d.bank, d.branch, d.kind, d.number, d.format, d.years, d.virtual_in, d.virtual_branch
FROM office.bank_dialects d JOIN gate.bank_accounts a ON a.id = d.bank_account_id WHERE d.ended_at IS NULL
ORDER BY a.handle;

-- name: insert_dialect
-- No row: the account has one, or another has these numbers.
-- $1 account handle  $2 bank  $3 branch  $4 kind  $5 number  $6 format  $7 years  $8 virtual_in  $9 virtual_branch  $10 now
INSERT INTO office.bank_dialects
SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM gate.bank_accounts WHERE handle = $1
ON CONFLICT DO NOTHING RETURNING bank_account_id;

-- name: correct_dialect
-- From now on. Lines of another format would not be known again: with a line of the account its format stays.
-- No row: the account has none, or that format was read.
-- $1 bank_account_id  $2 to $9 as above from bank on  $10 now  $11 first  $12 second
WITH ended AS (
    UPDATE office.bank_dialects SET ended_at = $10 WHERE bank_account_id = $1 AND ended_at IS NULL AND set_at < $10
        AND (format = $6 OR NOT EXISTS (SELECT FROM office.bank_lines l WHERE l.bank_account_id = $1))
    RETURNING bank_account_id
)
INSERT INTO office.bank_dialects (bank_account_id, bank, branch, kind, number, format, years, virtual_in, virtual_branch,
    set_at, corrected_by_first, corrected_by_second)
SELECT bank_account_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM ended RETURNING bank_account_id;
