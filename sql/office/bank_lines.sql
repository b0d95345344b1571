-- name: staged
-- Those that take nothing back. The columns in the order of a line's fields. $1 file_id  $2 most  $3 after which id
SELECT record, nature, booked_on, value_on, amount_yen, uncleared_yen, query_number, remitter_code, remitter,
    sending_bank, sending_branch, edi, cancels, id, bank_account_id, virtual_number, NULL::uuid AS receipt_id
FROM office.bank_lines l WHERE file_id = $1 AND NOT cancels AND id > $3
    AND NOT EXISTS (SELECT FROM office.line_outcomes o WHERE o.line_id = l.id OFFSET 0) ORDER BY id LIMIT $2;

-- name: cancelling
-- Those that take another back. $1 file_id  $2 most
SELECT record, nature, booked_on, value_on, amount_yen, uncleared_yen, query_number, remitter_code, remitter,
    sending_bank, sending_branch, edi, cancels, id, bank_account_id, virtual_number, NULL::uuid AS receipt_id
FROM office.bank_lines l WHERE file_id = $1 AND cancels
    AND NOT EXISTS (SELECT FROM office.line_outcomes o WHERE o.line_id = l.id OFFSET 0) ORDER BY id LIMIT $2;

-- name: count_cancelling
-- $1 file_id
SELECT count(*) FROM office.bank_lines l WHERE file_id = $1 AND cancels
    AND NOT EXISTS (SELECT FROM office.line_outcomes o WHERE o.line_id = l.id OFFSET 0);

-- name: line
-- Held until the transaction ends: two people may decide about one line. $1 id
SELECT l.id, l.record, l.nature, l.booked_on, l.value_on, l.amount_yen, l.uncleared_yen, l.query_number, l.remitter_code,
    l.remitter, l.sending_bank, l.sending_branch, l.edi, l.cancels, l.bank_account_id, l.virtual_number, o.receipt_id
FROM office.line_outcomes o JOIN office.bank_lines l ON l.id = o.line_id
WHERE o.line_id = $1 AND o.state = 'waiting' FOR UPDATE OF o;

-- name: virtual
-- $1 accounts  $2 numbers
SELECT v.bank_account_id, v.number, v.contract_id FROM office.virtual_accounts v
JOIN unnest($1::uuid[], $2::text[]) AS asked(account, number)
    ON asked.account = v.bank_account_id AND asked.number = v.number
WHERE v.ended_at IS NULL;

-- name: aliases
-- Of names that begin so. $1 first eight characters of keys
SELECT customer_id, key, NULL::text AS dealer FROM office.payer_aliases
WHERE "left"(key, 8) = ANY ($1::text[]) AND removed_at IS NULL
UNION ALL SELECT NULL, key, dealer FROM office.dealer_aliases
WHERE "left"(key, 8) = ANY ($1::text[]) AND removed_at IS NULL;

-- name: open_invoices
-- The columns in the order of an invoice's fields.
-- Of references, contracts, customers or dealers. OFFSET 0: by index for each, whatever the planner thinks of the number.
-- $1 letters and digits  $2 digits  $3 contract ids  $4 customer ids  $5 dealers
WITH found AS (
    SELECT id, number, contract_id, open_yen, due_on, dealer FROM gate.invoices
        WHERE open_yen > 0 AND upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')) = ANY ($1::text[])
    UNION SELECT id, number, contract_id, open_yen, due_on, dealer FROM gate.invoices
        WHERE open_yen > 0 AND regexp_replace(number, '[^0-9]', '', 'g') = ANY ($2::text[])
    UNION SELECT id, number, contract_id, open_yen, due_on, dealer FROM gate.invoices WHERE open_yen > 0 AND contract_id = ANY ($3::uuid[])
    UNION SELECT i.id, i.number, i.contract_id, i.open_yen, i.due_on, i.dealer FROM gate.contracts c
        JOIN gate.invoices i ON i.contract_id = c.id AND i.open_yen > 0
        WHERE c.customer_id = ANY ($4::uuid[])
    UNION SELECT i.id, i.number, i.contract_id, i.open_yen, i.due_on, i.dealer FROM gate.open_invoices o
        JOIN gate.invoices i ON i.id = o.id WHERE o.dealer = ANY ($5::text[])
)
SELECT i.id, i.number, i.contract_id, c.number AS contract_number, c.customer_id, i.open_yen, i.due_on, i.dealer
FROM found i CROSS JOIN LATERAL (
    SELECT number, customer_id FROM gate.contracts WHERE id = i.contract_id OFFSET 0) AS c ORDER BY i.due_on, i.number;

-- name: lock_contracts
-- Alone, in ascending order, so that two writers never wait for each other. $1 numbers, in order
SELECT pg_advisory_xact_lock(7001, n) FROM unnest($1::integer[]) AS n;

-- name: insert_receipts
-- The source is the file by hash, and its line (T8-5). Not recorded before a month that is closed by now.
-- $1 line ids  $2 receipt ids  $3 now
INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at)
SELECT r.receipt_id, l.amount_yen, l.value_on, l.remitter, format('%s, record %s', encode(f.sha256, 'hex'), l.record),
    greatest($3, (SELECT max(closed_at) FROM office.closed_months))
FROM unnest($1::bigint[], $2::uuid[]) AS r(line_id, receipt_id)
JOIN office.bank_lines l ON l.id = r.line_id JOIN office.bank_files f ON f.id = l.file_id
WHERE l.id = ANY ($1::bigint[]);

-- name: insert_matches
-- Each invoice once; what a receipt holds or the invoice still needs. No row for one that was paid meanwhile.
-- $1 ids  $2 invoice ids  $3 receipt ids  $4 what each receipt holds  $5 now
INSERT INTO gate.payment_matches (id, invoice_id, receipt_id, amount_yen, matched_at)
SELECT m.id, m.invoice_id, m.receipt_id, least(i.open_yen, m.amount_yen), $5
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[]) AS m(id, invoice_id, receipt_id, amount_yen)
CROSS JOIN LATERAL (SELECT open_yen FROM gate.invoices WHERE id = m.invoice_id AND open_yen > 0 OFFSET 0) AS i
RETURNING invoice_id, receipt_id, amount_yen;

-- name: insert_outcomes
-- $1 line ids  $2 states  $3 notes  $4 receipt ids
INSERT INTO office.line_outcomes (line_id, state, note, receipt_id)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::uuid[]);

-- name: change_outcome
-- Of a line that waited; one that paid can only be taken back. $1 line id  $2 state  $3 note  $4 receipt id
UPDATE office.line_outcomes SET state = $2, note = $3, receipt_id = $4
WHERE line_id = $1 AND (state = 'waiting' OR $2 = 'cancelled');

-- name: screen_payers
-- Names that pay for the first time go to screening; nothing waits for it (T13-1).
-- $1 ids  $2 contract_ids  $3 names  $4 now
INSERT INTO office.screenings (id, contract_id, role, subject, added_at)
SELECT p.id, p.contract_id, 'payer', p.name, $4 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS p(id, contract_id, name)
ON CONFLICT (contract_id, role, subject) DO NOTHING;

-- name: cancelled_by
-- Earlier credits that a cancellation may be about. $1 id of the line that cancels
SELECT e.id, o.receipt_id FROM office.bank_lines c JOIN office.bank_lines e
    ON e.bank_account_id = c.bank_account_id AND e.amount_yen = c.amount_yen AND e.remitter = c.remitter
    AND NOT e.cancels AND e.booked_on <= c.booked_on
    AND (c.query_number = '' OR e.query_number = c.query_number)
JOIN office.line_outcomes o ON o.line_id = e.id AND o.state IN ('matched', 'waiting')
WHERE c.id = $1 ORDER BY e.id LIMIT 2;

-- name: hold
-- Nobody else decides about the line until the transaction ends. $1 id
SELECT FROM office.line_outcomes WHERE line_id = $1 FOR UPDATE;

-- name: queue
-- Lines that wait for a person and that nobody has matched, oldest first. $1 most
SELECT l.id, a.handle AS account, l.booked_on, l.value_on, l.amount_yen, l.remitter, l.edi, o.note, o.receipt_id,
    f.name AS file, l.record
FROM office.line_outcomes o JOIN office.bank_lines l ON l.id = o.line_id
JOIN gate.bank_accounts a ON a.id = l.bank_account_id JOIN office.bank_files f ON f.id = l.file_id
WHERE o.state = 'waiting' AND NOT EXISTS (
    SELECT FROM gate.payment_matches m WHERE m.receipt_id = o.receipt_id AND m.undone_at IS NULL)
ORDER BY o.line_id LIMIT $1;

-- name: insert_alias
-- No row: the customer has it already. $1 id  $2 customer handle  $3 name  $4 key  $5 added_by  $6 now
INSERT INTO office.payer_aliases (id, customer_id, name, key, added_by, added_at)
SELECT $1, id, $3, $4, $5, $6 FROM gate.customers WHERE handle = $2 AND personal_data_destroyed_at IS NULL
ON CONFLICT DO NOTHING RETURNING id;

-- name: end_alias
-- $1 id  $2 now
UPDATE office.payer_aliases SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL RETURNING id;

-- name: all_aliases
-- $1 customer handle, or null  $2 most  $3 after this one, or null
SELECT p.id, c.handle AS customer, p.name, p.key, p.added_at FROM office.payer_aliases p
JOIN gate.customers c ON c.id = p.customer_id
WHERE p.removed_at IS NULL AND ($1::text IS NULL OR c.handle = $1)
    AND ($3::uuid IS NULL OR (c.handle, p.key) > (
        SELECT k.handle, x.key FROM office.payer_aliases x JOIN gate.customers k ON k.id = x.customer_id WHERE x.id = $3))
ORDER BY c.handle, p.key LIMIT $2;

-- name: insert_virtual
-- No row: no such open account, or the number was another's within twelve months.
-- $1 account handle  $2 number  $3 contract_id  $4 now
INSERT INTO office.virtual_accounts (bank_account_id, number, contract_id, allocated_at)
SELECT a.id, $2, $3, $4 FROM gate.bank_accounts a
WHERE a.handle = $1 AND a.closed_from IS NULL AND NOT EXISTS (
    SELECT FROM office.virtual_accounts v WHERE v.bank_account_id = a.id AND v.number = $2
        AND (v.ended_at IS NULL OR v.ended_at > $4::timestamptz - interval '12 months'))
RETURNING bank_account_id;

-- name: end_virtual
-- $1 account handle  $2 number  $3 now
UPDATE office.virtual_accounts v SET ended_at = $3 FROM gate.bank_accounts a
WHERE a.id = v.bank_account_id AND a.handle = $1 AND v.number = $2 AND v.ended_at IS NULL RETURNING v.number;
