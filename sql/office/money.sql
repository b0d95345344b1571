-- name: insert_invoice
-- Null: the number is taken.
-- $1 id  $2 contract_id  $3 number  $4 kind  $5 issued_on  $6 due_on  $7 total_yen  $8 now
SELECT gate.record_invoice($1, $2, $3, $4, $5, $6, $7, $8);

-- name: invoice
-- $1 number of the invoice
SELECT i.id, i.contract_id, c.number AS contract_number, c.handle AS contract, i.number, i.kind, i.issued_on, i.due_on,
    i.total_yen, i.open_yen
FROM gate.invoices i JOIN gate.contracts c ON c.id = i.contract_id
WHERE i.number = $1;

-- name: invoices
-- Of one contract, or of all.
-- $1 contract_id, or null  $2 only unpaid ones  $3 most
SELECT i.id, i.contract_id, c.number AS contract_number, c.handle AS contract, i.number, i.kind, i.issued_on, i.due_on,
    i.total_yen, i.open_yen
FROM gate.invoices i JOIN gate.contracts c ON c.id = i.contract_id
WHERE ($1::uuid IS NULL OR i.contract_id = $1) AND (NOT $2::boolean OR i.open_yen > 0)
ORDER BY i.due_on, i.number LIMIT $3;

-- name: hold_books
-- No month is closed until the transaction ends.
SELECT pg_advisory_xact_lock_shared(7201, 2);

-- name: insert_receipt
-- Not recorded before a month that is closed by now. $1 id  $2 amount_yen  $3 value_on  $4 remitter  $5 source  $6 now
INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at)
VALUES ($1, $2, $3, $4, $5, greatest($6, (SELECT max(closed_at) FROM office.closed_months)));

-- name: match
-- As much of the receipt as is left and the invoice still needs; open_yen follows by trigger. No row: nothing to match.
-- $1 id  $2 invoice_id  $3 receipt_id  $4 now
INSERT INTO gate.payment_matches (id, invoice_id, receipt_id, amount_yen, matched_at)
SELECT $1, $2, $3, least(i.open_yen, r.amount_yen - r.matched_yen), $4
FROM gate.invoices i, (
    SELECT amount_yen, gate.used_of(id)::integer AS matched_yen
    FROM gate.receipts WHERE id = $3 AND cancelled_at IS NULL) AS r
WHERE i.id = $2 AND least(i.open_yen, r.amount_yen - r.matched_yen) > 0
RETURNING amount_yen;

-- name: hold_receipt
-- Nobody else matches, refunds or cancels it until the transaction ends. $1 receipt_id
SELECT id FROM gate.receipts WHERE id = $1 FOR UPDATE;

-- name: contracts_of_receipt
-- Numbers of the contracts whose invoices it pays. No row: no such receipt, or it pays none.
-- $1 receipt_id
SELECT DISTINCT c.number FROM gate.payment_matches m
JOIN gate.invoices i ON i.id = m.invoice_id JOIN gate.contracts c ON c.id = i.contract_id
WHERE m.receipt_id = $1 AND m.undone_at IS NULL
ORDER BY 1;

-- name: cancel_receipt
-- What it paid is open again, by trigger (T8-5). No row: no such receipt, or cancelled before.
-- $1 receipt_id  $2 now
UPDATE gate.receipts SET cancelled_at = $2 WHERE id = $1 AND cancelled_at IS NULL RETURNING id;
