-- Statements of office/storage/money_books.py: papers of invoices, what is taken off them, refunds, books.

-- name: paper
-- buyer_kind: of the customer; null where the paper names the payer, of whom none is known.
-- With the account that was to be paid into when it was made, and the contract's own number of that account, if the bank
-- lent it one by then (バーチャル口座).
-- $1 number of an invoice
SELECT i.id, i.contract_id, i.number, i.kind, i.issued_on, i.due_on, i.total_yen, i.open_yen, i.created_at, p.original_number, p.seller,
    p.seller_address, p.registration_number, p.buyer, p.payer, p.dealer, p.period_from, p.period_end, p.rates, p.months,
    p.bases, p.taxes, c.handle AS contract,
    CASE WHEN p.buyer IS DISTINCT FROM p.payer OR p.buyer = u.name THEN u.kind END AS buyer_kind, (
        SELECT json_build_object('account', b.handle, 'bank', t.bank, 'bank_name', t.bank_name, 'branch', t.branch,
            'branch_name', t.branch_name, 'kind', t.kind, 'number', t.number, 'holder', t.holder)
        FROM office.transfer_accounts t LEFT JOIN gate.bank_accounts b ON b.id = t.bank_account_id WHERE t.id = p.pay_into
    ) AS pay_into, (
        SELECT json_build_object('bank', d.bank, 'branch', d.virtual_branch, 'number', v.number)
        FROM office.transfer_accounts t JOIN office.virtual_accounts v ON v.bank_account_id = t.bank_account_id
        JOIN office.bank_dialects d ON d.bank_account_id = t.bank_account_id AND d.set_at <= i.created_at
        WHERE t.id = p.pay_into AND v.contract_id = i.contract_id AND v.allocated_at <= i.created_at
            AND (v.ended_at IS NULL OR v.ended_at > i.created_at)
        ORDER BY v.allocated_at DESC, d.set_at DESC LIMIT 1
    ) AS virtual_account
FROM gate.invoices i JOIN office.invoice_papers p ON p.invoice_id = i.id JOIN gate.contracts c ON c.id = i.contract_id
JOIN gate.customers u ON u.id = c.customer_id
WHERE i.number = $1;

-- name: readings
-- $1 now
SELECT key, effective_at, value FROM gate.readings WHERE effective_at <= $1;

-- name: adjust
-- The open rest of the invoice follows by trigger. No row: it is not open by so much.
-- $1 id  $2 invoice id  $3 kind  $4 amount  $5 tax in it  $6 rate, or null  $7 reason  $8 first  $9 second  $10 now
INSERT INTO office.adjustments (id, invoice_id, kind, number, amount_yen, tax_yen, basis_points, reason, decided_by_first,
    decided_by_second, decided_at)
SELECT $1, i.id, $3, CASE $3 WHEN 'credit' THEN gate.next_number('C') END, $4, $5, $6, $7, $8, $9, $10
FROM gate.invoices i WHERE i.id = $2 AND i.open_yen >= $4
RETURNING id, number;

-- name: given_up
-- What two people gave up of an invoice and nobody paid after all, and the tax in it. $1 invoice id
SELECT coalesce(sum(amount_yen), 0)::integer AS yen, coalesce(sum(tax_yen), 0)::integer AS tax_yen
FROM office.adjustments WHERE invoice_id = $1 AND kind <> 'credit';

-- name: left_of
-- $1 receipt id
SELECT (amount_yen - gate.used_of(id))::integer FROM gate.receipts WHERE id = $1 AND cancelled_at IS NULL;

-- name: recover
-- So much is owed again. $1 id  $2 invoice id  $3 yen  $4 tax in it  $5 reason  $6 first  $7 second  $8 now
INSERT INTO office.adjustments (id, invoice_id, kind, amount_yen, tax_yen, reason, decided_by_first, decided_by_second,
    decided_at)
VALUES ($1, $2, 'recovery', -$3::integer, -$4::integer, $5, $6, $7, $8);

-- name: unmatch
-- The receipt pays this invoice no more. A row a match undone.
-- $1 invoice id  $2 receipt id  $3 now
UPDATE gate.payment_matches SET undone_at = $3 WHERE invoice_id = $1 AND receipt_id = $2 AND undone_at IS NULL
RETURNING amount_yen;

-- name: refund
-- No row: the receipt has not that much left, or does not count.
-- $1 id  $2 receipt id  $3 amount  $4 adjustment, or null  $5 reason  $6 first  $7 second  $8 now
INSERT INTO office.refunds (id, receipt_id, amount_yen, adjustment_id, reason, decided_by_first, decided_by_second, decided_at)
SELECT $1, r.id, $3, $4, $5, $6, $7, $8 FROM gate.receipts r
WHERE r.id = $2 AND r.cancelled_at IS NULL AND r.amount_yen - gate.used_of(r.id) >= $3::integer
RETURNING id;

-- name: state_default
-- $1 invoice id
UPDATE gate.invoices SET dealer_states_default = true
WHERE id = $1 AND dealer IS NOT NULL AND NOT dealer_states_default RETURNING id;

-- name: suspense
-- Receipts with a rest that nothing explains (仮受金), oldest first; below 0: sent back of what the bank then took back.
-- Those that are spent are not looked at: what was explained long ago costs nothing.
-- $1 most  $2 after this receipt, or null
SELECT r.id, r.value_on, r.remitter, r.amount_yen, u.rest_yen::integer
FROM gate.receipts r CROSS JOIN LATERAL (SELECT CASE WHEN r.cancelled_at IS NULL THEN r.amount_yen - coalesce((SELECT sum(m.amount_yen)
        FROM gate.payment_matches m WHERE m.receipt_id = r.id AND m.undone_at IS NULL), 0) ELSE 0 END
    - coalesce((SELECT sum(f.amount_yen) FROM office.refunds f WHERE f.receipt_id = r.id), 0) AS rest_yen OFFSET 0) u
WHERE NOT r.spent AND u.rest_yen <> 0
    AND ($2::uuid IS NULL OR (r.value_on, r.id) > (SELECT x.value_on, x.id FROM gate.receipts x WHERE x.id = $2))
ORDER BY r.value_on, r.id LIMIT $1;

-- name: hold_unspent
-- By day and id, those that nobody pays with at this moment. $1 $2 behind this day and id  $3 most
SELECT r.id, r.value_on FROM gate.receipts r WHERE NOT r.spent AND (r.value_on, r.id) > ($1, $2)
ORDER BY r.value_on, r.id LIMIT $3 FOR UPDATE SKIP LOCKED;

-- name: mark_spent
-- Of receipts that are held: a statement of its own, so that it sees what was committed before they were.
-- $1 ids
UPDATE gate.receipts r SET spent = true WHERE r.id = ANY ($1::uuid[]) AND (SELECT CASE WHEN r.cancelled_at IS NULL THEN r.amount_yen - coalesce((SELECT sum(m.amount_yen)
        FROM gate.payment_matches m WHERE m.receipt_id = r.id AND m.undone_at IS NULL), 0) ELSE 0 END
    - coalesce((SELECT sum(f.amount_yen) FROM office.refunds f WHERE f.receipt_id = r.id), 0)) = 0;

-- name: ageing
-- Open invoices, the longest due first; a page is chosen before whose they are is looked up.
-- $1 today  $2 most  $3 after this number, or null
SELECT c.handle AS contract, u.handle AS customer, i.number, i.kind, i.due_on, i.open_yen, i.dealer,
    greatest($1::date - i.due_on, 0) AS days
FROM (
    SELECT n.contract_id, n.number, n.kind, n.due_on, n.open_yen, n.dealer
    FROM (
        SELECT o.id FROM gate.open_invoices o WHERE $3::text IS NULL
            OR (o.due_on, o.number) > (SELECT x.due_on, x.number FROM gate.invoices x WHERE x.number = $3)
        ORDER BY o.due_on, o.number LIMIT $2) o
    JOIN gate.invoices n ON n.id = o.id) i
JOIN gate.contracts c ON c.id = i.contract_id JOIN gate.customers u ON u.id = c.customer_id
ORDER BY i.due_on, i.number;

-- name: fee_papers
-- Fee papers, what credits left of their bases and of all tax billed for their contracts, and by which rates it was billed
-- or credited last; by id, from a number on.
-- $1 id to begin after, or null  $2 most  $3 a term that ends after this day
SELECT i.id, i.contract_id, c.number AS contract_number, c.handle AS contract, i.number, c.fee_yen, c.accepted_at, p.period_from,
    p.period_end, p.rates, p.months, b.bases, (b.tax_yen + coalesce((
        SELECT sum(d.total_yen - coalesce((SELECT sum(a.amount_yen) FROM office.adjustments a
            WHERE a.invoice_id = d.id AND a.kind = 'credit'), 0))
        FROM gate.invoices d WHERE d.contract_id = i.contract_id AND d.kind = 'difference'), 0))::integer AS tax_yen,
    w.rates AS billed_rates, w.months AS billed_months, t.proposed_yen, n.rates AS declined_rates, n.months AS declined_months
FROM gate.invoices i JOIN office.invoice_papers p ON p.invoice_id = i.id JOIN gate.contracts c ON c.id = i.contract_id
CROSS JOIN LATERAL ( -- of no line is more left than was billed and not credited
    SELECT array_agg(greatest(0, least(l.base - coalesce(a.base, 0), l.base + l.tax - coalesce(a.yen, 0)))::integer
            ORDER BY l.place) AS bases, sum(l.tax - coalesce(a.tax, 0)) AS tax_yen
    FROM unnest(p.rates, p.bases, p.taxes) WITH ORDINALITY AS l(rate, base, tax, place)
    LEFT JOIN (SELECT basis_points, sum(amount_yen - tax_yen) AS base, sum(tax_yen) AS tax, sum(amount_yen) AS yen
        FROM office.adjustments WHERE invoice_id = i.id AND kind = 'credit' GROUP BY basis_points) a
        ON a.basis_points = l.rate) b
CROSS JOIN LATERAL (
    SELECT rates, months FROM (
        SELECT i.created_at AS at, p.rates, p.months
        UNION ALL
        SELECT d.created_at, q.rates, q.months FROM gate.invoices d JOIN office.invoice_papers q ON q.invoice_id = d.id
        WHERE d.contract_id = i.contract_id AND d.kind = 'difference'
        UNION ALL
        SELECT t.ended_at, t.rates, t.months FROM office.tax_credits t WHERE t.invoice_id = i.id AND t.outcome = 'credited'
    ) AS made ORDER BY at DESC LIMIT 1) w
LEFT JOIN LATERAL (
    SELECT max(amount_yen) AS proposed_yen FROM office.tax_credits WHERE invoice_id = i.id AND outcome IS NULL) t ON true
LEFT JOIN LATERAL (
    SELECT rates, months FROM office.tax_credits WHERE invoice_id = i.id AND outcome = 'declined'
    ORDER BY ended_at DESC LIMIT 1) n ON true
WHERE i.kind = 'fee' AND ($1::uuid IS NULL OR i.id > $1) AND p.period_end > $3
ORDER BY i.id LIMIT $2;

-- name: issue_difference
-- $1 contract id  $2 claimed on  $3 original number  $4 due on  $5 period from  $6 period end
-- $7 rates  $8 months  $9 bases  $10 taxes  $11 what is asked: tax that was not billed yet  $12 now
SELECT gate.issue_invoice($1, 'difference', $2, $3, ROW($1, $2, $4, $5, $6, $7, $8, $9, $10)::gate.bill_drafts, $12, $11);

-- name: no_import
-- Whether no bank file is booked now, nor until the transaction ends; it would date its lines as of its start.
SELECT pg_try_advisory_xact_lock(7201, 0) AND pg_try_advisory_xact_lock(7201, 1);

-- name: take_books
-- Money that is being recorded by hand is recorded first; another close has ended.
SELECT pg_advisory_xact_lock(7201, 2);

-- name: close_month
-- No row: closed before.
-- $1 first day of the month  $2 person  $3 now
INSERT INTO office.closed_months (month, closed_by, closed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING month;

-- name: journal
-- Every movement of money as one debit and one credit. It is dated on its own day, or, when the books of that month
-- were closed before it was recorded, on the first day of the month that was open then: nothing closed ever changes.
-- A month is closed when it is over: only what is dated by a day of its own, invoices and receipts, can come later.
-- Each kind is read in order from the place on, one row more than wanted, since of the row at the place nothing may be left.
-- $1 last day  $2 most  $3 to $7: after this place: posted on, recorded at, id, debit, credit
WITH nowhere AS (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id
), day AS (
    SELECT $3::date::timestamp AT TIME ZONE 'Asia/Tokyo' AS begins, ($3::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' AS ends
), own AS MATERIALIZED ( -- where those begin that are dated by the instant of their recording, and end
    SELECT least(greatest($4::timestamptz, begins), ends) AS at,
        CASE WHEN $4 >= begins AND $4 < ends THEN $5::uuid ELSE nowhere.id END AS id,
        ($1::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' AS ends FROM day, nowhere
), opened AS ( -- first days of months on which those are dated that were recorded from `at` to `sealed_at` for an earlier day
    SELECT (month + interval '1 month')::date AS posted_on,
        min(closed_at) OVER (ORDER BY month DESC) AS at, coalesce(
            min(closed_at) OVER (ORDER BY month DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 'infinity') AS sealed_at
    FROM office.closed_months WHERE month >= ($3::date - interval '1 month')::date
), late AS MATERIALIZED ( -- the same from the place on
    SELECT posted_on, CASE posted_on WHEN $3 THEN greatest(at, $4) ELSE at END AS at, sealed_at,
        CASE WHEN posted_on = $3 AND $4 >= at THEN $5 ELSE nowhere.id END AS id
    FROM opened, nowhere WHERE posted_on BETWEEN $3 AND $1
), bills AS (
    (SELECT i.issued_on AS posted_on, i.created_at AS recorded_at, i.id, i.number, i.kind, i.total_yen FROM gate.invoices i
    WHERE (i.issued_on, i.created_at, i.id) >= ($3, $4, $5) AND i.issued_on <= $1 AND NOT EXISTS (
        SELECT FROM office.closed_months c
        WHERE c.month >= date_trunc('month', i.issued_on::timestamp)::date AND c.closed_at <= i.created_at)
    ORDER BY i.issued_on, i.created_at, i.id LIMIT $2 + 1)
    UNION ALL
    SELECT l.posted_on, i.* FROM late l CROSS JOIN LATERAL (
        SELECT i.created_at, i.id, i.number, i.kind, i.total_yen FROM gate.invoices i
        WHERE i.issued_on < date_trunc('month', i.created_at AT TIME ZONE 'Asia/Tokyo')::date
            AND (i.created_at, i.id) >= (l.at, l.id) AND i.created_at < l.sealed_at AND i.issued_on < l.posted_on
        ORDER BY i.created_at, i.id LIMIT $2 + 1) i
), taxed AS MATERIALIZED (
    SELECT b.*, CASE b.kind WHEN 'difference' THEN b.total_yen ELSE coalesce((
        SELECT sum(y) FROM office.invoice_papers p, unnest(p.taxes) y WHERE p.invoice_id = b.id), 0) END AS tax_yen FROM bills b
), received AS (
    (SELECT r.value_on AS posted_on, r.recorded_at, r.id, r.amount_yen FROM gate.receipts r
    WHERE (r.value_on, r.recorded_at, r.id) >= ($3, $4, $5) AND r.value_on <= $1 AND NOT EXISTS (
        SELECT FROM office.closed_months c
        WHERE c.month >= date_trunc('month', r.value_on::timestamp)::date AND c.closed_at <= r.recorded_at)
    ORDER BY r.value_on, r.recorded_at, r.id LIMIT $2 + 1)
    UNION ALL
    SELECT l.posted_on, r.* FROM late l CROSS JOIN LATERAL (
        SELECT r.recorded_at, r.id, r.amount_yen FROM gate.receipts r
        WHERE r.value_on < date_trunc('month', r.recorded_at AT TIME ZONE 'Asia/Tokyo')::date
            AND (r.recorded_at, r.id) >= (l.at, l.id) AND r.recorded_at < l.sealed_at AND r.value_on < l.posted_on
        ORDER BY r.recorded_at, r.id LIMIT $2 + 1) r
), cancelled AS (
    SELECT r.id, r.cancelled_at AS at, r.amount_yen FROM gate.receipts r
    WHERE (r.cancelled_at, r.id) >= ((SELECT at FROM own), (SELECT id FROM own)) AND r.cancelled_at < (SELECT ends FROM own)
    ORDER BY r.cancelled_at, r.id LIMIT $2 + 1
), matched AS (
    SELECT m.id, m.matched_at AS at, m.amount_yen,
        (SELECT i.number FROM gate.invoices i WHERE i.id = m.invoice_id) AS number FROM gate.payment_matches m
    WHERE (m.matched_at, m.id) >= ((SELECT at FROM own), (SELECT id FROM own)) AND m.matched_at < (SELECT ends FROM own)
    ORDER BY m.matched_at, m.id LIMIT $2 + 1
), unmatched AS (
    SELECT m.id, m.undone_at AS at, m.amount_yen,
        (SELECT i.number FROM gate.invoices i WHERE i.id = m.invoice_id) AS number FROM gate.payment_matches m
    WHERE (m.undone_at, m.id) >= ((SELECT at FROM own), (SELECT id FROM own)) AND m.undone_at < (SELECT ends FROM own)
    ORDER BY m.undone_at, m.id LIMIT $2 + 1
), adjusted AS (
    SELECT a.id, a.decided_at AS at, a.kind, coalesce(a.number, (
        SELECT i.number FROM gate.invoices i WHERE i.id = a.invoice_id)) AS number, abs(a.amount_yen - a.tax_yen) AS base_yen,
        abs(a.tax_yen) AS tax_yen FROM office.adjustments a
    WHERE (a.decided_at, a.id) >= ((SELECT at FROM own), (SELECT id FROM own)) AND a.decided_at < (SELECT ends FROM own)
    ORDER BY a.decided_at, a.id LIMIT $2 + 1
), refunded AS (
    SELECT f.id, f.decided_at AS at, f.receipt_id, f.amount_yen FROM office.refunds f
    WHERE (f.decided_at, f.id) >= ((SELECT at FROM own), (SELECT id FROM own)) AND f.decided_at < (SELECT ends FROM own)
    ORDER BY f.decided_at, f.id LIMIT $2 + 1
), dated AS (
    SELECT b.id, b.posted_on, b.number AS reference, 'invoice' AS kind, 'receivable' AS debit, x.credit, x.yen, b.recorded_at
    FROM taxed b
    CROSS JOIN LATERAL (VALUES ('deferred_revenue', b.total_yen - b.tax_yen), ('consumption_tax', b.tax_yen)) x(credit, yen)
    UNION ALL
    SELECT id, posted_on, id::text, 'receipt', 'bank', 'suspense', amount_yen, recorded_at FROM received
    UNION ALL
    SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, id::text, 'receipt_cancelled', 'suspense', 'bank', amount_yen, at
    FROM cancelled
    UNION ALL
    SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, number, 'match', 'suspense', 'receivable', amount_yen, at FROM matched
    UNION ALL
    SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, number, 'unmatch', 'receivable', 'suspense', amount_yen, at FROM unmatched
    UNION ALL
    SELECT a.id, (a.at AT TIME ZONE 'Asia/Tokyo')::date, a.number, a.kind, x.debit, x.credit, x.yen, a.at
    FROM adjusted a CROSS JOIN LATERAL (VALUES
        (CASE a.kind WHEN 'credit' THEN 'deferred_revenue' WHEN 'write_off' THEN 'bad_debt' WHEN 'recovery' THEN 'receivable'
            ELSE 'bank_charges' END, CASE a.kind WHEN 'recovery' THEN 'bad_debt_recovered' ELSE 'receivable' END, a.base_yen),
        (CASE a.kind WHEN 'recovery' THEN 'receivable' ELSE 'consumption_tax' END,
            CASE a.kind WHEN 'recovery' THEN 'consumption_tax' ELSE 'receivable' END, a.tax_yen)) x(debit, credit, yen)
    UNION ALL
    SELECT id, (at AT TIME ZONE 'Asia/Tokyo')::date, receipt_id::text, 'refund', 'suspense', 'bank', amount_yen, at FROM refunded
)
SELECT id, posted_on, reference, kind, debit, credit, yen::integer, recorded_at FROM dated
WHERE yen <> 0 AND (posted_on, recorded_at, id, debit, credit) > ($3, $4, $5, $6::text, $7::text)
ORDER BY posted_on, recorded_at, id, debit, credit LIMIT $2;

-- name: earning
-- What was carried over, and what was not yet: of each contract month and of the last one, together for all of a month.
-- $1 most
SELECT booked_in, period_from, term_months, sum(part_yen)::bigint AS part_yen, sum(last_yen)::bigint AS last_yen
FROM (SELECT booked_in, period_from, term_months, part_yen, last_yen FROM office.earnings
    UNION ALL SELECT booked_in, period_from, term_months, part_yen, last_yen FROM office.uncarried) AS fees
GROUP BY 1, 2, 3 LIMIT $1;

-- name: carry
-- Papers and what was taken off them, each once: how many. Who carries others at this moment does not wait.
-- $1 most of each
WITH papers AS (
    SELECT invoice_id AS id FROM office.invoice_papers WHERE NOT carried ORDER BY invoice_id LIMIT $1 FOR UPDATE SKIP LOCKED
), adjusted AS (
    SELECT id FROM office.adjustments WHERE NOT carried ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE office.invoice_papers p SET carried = true FROM papers WHERE p.invoice_id = papers.id RETURNING p.invoice_id AS id
), also_marked AS (
    UPDATE office.adjustments a SET carried = true FROM adjusted WHERE a.id = adjusted.id RETURNING a.id
), summed AS (
    INSERT INTO office.earnings AS e (booked_in, period_from, term_months, part_yen, last_yen)
    SELECT u.booked_in, u.period_from, u.term_months, sum(u.part_yen), sum(u.last_yen) FROM office.uncarried u
    WHERE u.id IN (SELECT id FROM papers UNION ALL SELECT id FROM adjusted) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (booked_in, period_from, term_months) DO UPDATE
    SET part_yen = e.part_yen + EXCLUDED.part_yen, last_yen = e.last_yen + EXCLUDED.last_yen
)
SELECT (SELECT count(*) FROM marked) + (SELECT count(*) FROM also_marked);

-- name: settling
-- What was billed for the fee of a contract, less what was credited of it, and what of it was received (T25-2).
-- $1 contract id
SELECT s.issued_at, p.period_from, c.term_months, c.fee_yen - a.base_yen AS fee_yen, i.due_on,
    coalesce(i.total_yen, 0) - a.yen AS billed_yen, coalesce(i.open_yen, 0) AS open_yen,
    coalesce((SELECT sum(m.amount_yen) FROM gate.payment_matches m WHERE m.invoice_id = i.id AND m.undone_at IS NULL), 0)
        ::integer AS received_yen
FROM gate.contracts c
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
LEFT JOIN gate.invoices i ON i.contract_id = c.id AND i.kind = 'fee'
LEFT JOIN office.invoice_papers p ON p.invoice_id = i.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount_yen), 0)::integer AS yen, coalesce(sum(amount_yen - tax_yen), 0)::integer AS base_yen
    FROM office.adjustments WHERE invoice_id = i.id AND kind = 'credit') a
WHERE c.id = $1 ORDER BY i.id LIMIT 1;

-- name: running
-- Contracts that may ask for certificates, by number, with the DNS names they list.
-- $1 number to begin after  $2 most
SELECT c.id, c.number, c.handle, coalesce((SELECT array_agg(n.value ORDER BY n.value) FROM gate.contract_names n
    WHERE n.contract_id = c.id AND n.removed_at IS NULL AND n.kind <> 'network'), '{}') AS names
FROM gate.contracts c WHERE c.state = 'accepted' AND c.number > $1 ORDER BY c.number LIMIT $2;

-- name: made_at
-- $1 numbers
SELECT number, created_at FROM gate.invoices WHERE number = ANY ($1::text[]);

-- name: to_remind
-- Open invoices that nobody was reminded of in this way, their last day by `$2`, by id; each is taken by one node.
-- A consultation pauses them by every reading of R-26 (T28-1). $1 kind of reminder  $2 due on or before  $3 most
SELECT i.id, i.contract_id, i.number, i.kind, i.issued_on, i.due_on, i.total_yen, i.open_yen, i.created_at
FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id WHERE o.due_on <= $2
  -- what is open within the tolerance in force when it was made counts as paid (T8-5)
  AND i.open_yen > coalesce((SELECT r.value::integer FROM gate.readings r
      WHERE r.key = 'payment.tolerance' AND r.effective_at <= i.created_at ORDER BY r.effective_at DESC LIMIT 1), 0)
  AND NOT EXISTS (SELECT FROM office.reminders m WHERE m.invoice_id = i.id AND m.kind = $1)
  AND NOT EXISTS (
      SELECT FROM office.consultations h WHERE h.contract_id = i.contract_id AND h.ended_at IS NULL)
ORDER BY o.id LIMIT $3;

-- name: reminded
-- No row: another node was first.
-- $1 invoice id  $2 kind  $3 now
INSERT INTO office.reminders (invoice_id, kind, sent_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING invoice_id;
