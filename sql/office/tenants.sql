-- Statements of office/storage/tenants.py: what a customer may see. $1 is always the customer, or null for the CA's people.

-- name: contract
-- $1 customer_id, or null  $2 handle  $3 id, or null
SELECT id, number FROM gate.contracts WHERE (handle = $2 OR id = $3) AND ($1::uuid IS NULL OR customer_id = $1);

-- name: key
-- $1 customer_id, or null  $2 kid
SELECT k.id FROM gate.binding_keys k JOIN gate.contracts c ON c.id = k.contract_id
WHERE k.kid = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);

-- name: invoice
-- $1 customer_id, or null  $2 number
SELECT i.id FROM gate.invoices i JOIN gate.contracts c ON c.id = i.contract_id
WHERE i.number = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);

-- name: credit
-- $1 customer_id, or null  $2 number
SELECT a.id FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id
JOIN gate.contracts c ON c.id = i.contract_id
WHERE a.number = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);

-- name: certificate
-- $1 customer_id, or null  $2 serial
SELECT s.to_be_signed_id FROM ca.serials s LEFT JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id
LEFT JOIN gate.contracts c ON c.id = i.contract_id
WHERE s.serial = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);

-- name: contracts
-- By number. $1 after this number  $2 most
SELECT c.id, c.number, c.handle, u.handle AS customer, u.name AS customer_name, p.handle AS plan, c.fee_yen,
    c.term_months, c.names_max, c.applied_at, c.accepted_at, s.issued_at AS first_certificate_at,
    CASE WHEN c.state = 'accepted' AND s.contract_id IS NOT NULL THEN 'active' ELSE c.state END AS state,
    c.ended_at, c.end_cause
FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id JOIN gate.plans p ON p.id = c.plan_id
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.number > $1 ORDER BY c.number LIMIT $2;

-- name: contracts_of
-- By number. $1 customer_id  $2 after this number  $3 most
SELECT c.id, c.number, c.handle, u.handle AS customer, u.name AS customer_name, p.handle AS plan, c.fee_yen,
    c.term_months, c.names_max, c.applied_at, c.accepted_at, s.issued_at AS first_certificate_at,
    CASE WHEN c.state = 'accepted' AND s.contract_id IS NOT NULL THEN 'active' ELSE c.state END AS state,
    c.ended_at, c.end_cause
FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id JOIN gate.plans p ON p.id = c.plan_id
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.customer_id = $1 AND c.number > $2 ORDER BY c.number LIMIT $3;

-- name: invoices
-- Newest first. $1 before this id  $2 most
SELECT i.id, i.contract_id, c.number AS contract_number, c.handle AS contract, i.number, i.kind, i.issued_on, i.due_on,
    i.total_yen, i.open_yen
FROM gate.invoices i JOIN gate.contracts c ON c.id = i.contract_id
WHERE i.id < $1 ORDER BY i.id DESC LIMIT $2;

-- name: invoices_of
-- Newest first. $1 customer_id  $2 before this id  $3 most
SELECT i.id, i.contract_id, c.number AS contract_number, c.handle AS contract, i.number, i.kind, i.issued_on, i.due_on,
    i.total_yen, i.open_yen
FROM gate.invoices i JOIN gate.contracts c ON c.id = i.contract_id
WHERE c.customer_id = $1 AND i.id < $2 ORDER BY i.id DESC LIMIT $3;

-- name: deliveries
-- Newest first; of a customer only what was sent to it. $1 customer_id, or null  $2 contract_id  $3 before this id  $4 most
SELECT d.id, n.kind, n.clause, d.recipient, d.channel, d.state, d.subject, d.body, n.queued_at, d.handed_at,
    d.delivered_at
FROM office.notices n JOIN office.deliveries d ON d.notice_id = n.id
WHERE n.contract_id = $2 AND d.id < $3 AND ($1::uuid IS NULL OR d.customer_id = $1)
ORDER BY d.id DESC LIMIT $4;

-- name: persons
-- By handle. $1 after this handle  $2 most
SELECT id, handle, name, organisation, left_at FROM gate.persons WHERE handle > $1 ORDER BY handle LIMIT $2;

-- name: customers
-- By handle. $1 after this handle  $2 most
SELECT id, handle, name, kind, corporate_number, based_in_japan, contact_email
FROM gate.customers WHERE handle > $1 ORDER BY handle LIMIT $2;

-- name: evidence
-- Of a contract, newest first. $1 contract_id  $2 before this id  $3 most
SELECT r.id, r.recorded_at, r.kind, c.handle AS contract, r.actor, convert_from(r.content, 'UTF8') AS content
FROM evidence.records r JOIN gate.contracts c ON c.id = r.contract_id
WHERE r.contract_id = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3;

-- name: receipts
-- Newest first. $1 before this id  $2 most
SELECT r.id, r.value_on, r.amount_yen, coalesce(sum(m.amount_yen) FILTER (WHERE m.undone_at IS NULL), 0)::integer
    AS matched_yen, r.remitter, r.source,
    coalesce(array_agg(i.number ORDER BY i.number) FILTER (WHERE i.id IS NOT NULL AND m.undone_at IS NULL), '{}')
    AS invoices, r.cancelled_at
FROM (SELECT * FROM gate.receipts WHERE id < $1 ORDER BY id DESC LIMIT $2) r
LEFT JOIN gate.payment_matches m ON m.receipt_id = r.id LEFT JOIN gate.invoices i ON i.id = m.invoice_id
GROUP BY r.id, r.value_on, r.amount_yen, r.remitter, r.source, r.cancelled_at ORDER BY r.id DESC;

-- name: waiting
-- Lines that wait for a person, oldest first. $1 after this id  $2 most
SELECT l.id, a.handle AS account, l.booked_on, l.value_on, l.amount_yen, l.remitter, l.edi, o.note, o.receipt_id,
    f.name AS file, l.record
FROM office.line_outcomes o JOIN office.bank_lines l ON l.id = o.line_id
JOIN gate.bank_accounts a ON a.id = l.bank_account_id JOIN office.bank_files f ON f.id = l.file_id
WHERE o.state = 'waiting' AND o.line_id > $1 AND NOT EXISTS (
    SELECT FROM gate.payment_matches m WHERE m.receipt_id = o.receipt_id AND m.undone_at IS NULL)
ORDER BY o.line_id LIMIT $2;
