-- Statements of office/storage/credit_invoices.py: credit invoices as papers, and tax billed above what the rates in force ask.

-- name: paper
-- A credit invoice; its issuer is who issued invoices when it was decided, its tax is that of the rate it was billed at.
-- $1 number
SELECT a.id, i.contract_id, a.number, i.number AS original_number, i.issued_on AS original_issued_on,
    (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date AS issued_on, a.amount_yen AS total_yen,
    a.amount_yen - a.tax_yen AS base_yen, a.tax_yen, a.basis_points, s.name AS seller, s.address AS seller_address,
    s.registration_number, p.buyer, p.payer, p.dealer, p.period_from, p.period_end, c.handle AS contract,
    CASE WHEN p.buyer IS DISTINCT FROM p.payer OR p.buyer = u.name THEN u.kind END AS buyer_kind,
    coalesce((SELECT sum(r.amount_yen) FROM office.refunds r WHERE r.adjustment_id = a.id), 0)::integer AS refunded_yen
FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id
JOIN office.invoice_papers p ON p.invoice_id = i.id JOIN gate.contracts c ON c.id = i.contract_id
JOIN gate.customers u ON u.id = c.customer_id
LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= a.decided_at
    ORDER BY e.effective_at DESC LIMIT 1) s ON true
WHERE a.number = $1;

-- name: credits_of
-- Of a contract, newest first. $1 contract_id  $2 most  $3 before this number, or null
SELECT a.number, i.number AS original_number, c.handle AS contract, (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date
    AS issued_on, a.amount_yen AS total_yen, a.tax_yen, a.reason, one.handle AS first, two.handle AS second
FROM gate.invoices i JOIN office.adjustments a ON a.invoice_id = i.id JOIN gate.contracts c ON c.id = i.contract_id
JOIN gate.persons one ON one.id = a.decided_by_first JOIN gate.persons two ON two.id = a.decided_by_second
WHERE i.contract_id = $1 AND a.kind = 'credit' AND ($3::text IS NULL OR a.number < $3)
ORDER BY a.number DESC LIMIT $2;

-- name: credits
-- All, newest first. $1 most
SELECT a.number, i.number AS original_number, c.handle AS contract, (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date
    AS issued_on, a.amount_yen AS total_yen, a.tax_yen, a.reason, one.handle AS first, two.handle AS second
FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id JOIN gate.contracts c ON c.id = i.contract_id
JOIN gate.persons one ON one.id = a.decided_by_first JOIN gate.persons two ON two.id = a.decided_by_second
WHERE a.kind = 'credit' ORDER BY a.number DESC LIMIT $1;

-- name: credited
-- What was credited of an invoice at a rate, or of all its rates, and the tax in it. $1 invoice_id  $2 rate, or null
SELECT coalesce(sum(amount_yen), 0)::integer AS yen, coalesce(sum(tax_yen), 0)::integer AS tax_yen FROM office.adjustments
WHERE invoice_id = $1 AND kind = 'credit' AND ($2::integer IS NULL OR basis_points = $2);

-- name: propose
-- No row: it is known already. $1 id  $2 invoice_id  $3 amount  $4 rate  $5 now  $6 right rates  $7 months of each
INSERT INTO office.tax_credits AS t (id, invoice_id, amount_yen, basis_points, found_at, rates, months)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (invoice_id) WHERE outcome IS NULL DO UPDATE SET amount_yen = excluded.amount_yen, found_at = excluded.found_at,
        rates = excluded.rates, months = excluded.months
    WHERE (t.amount_yen, t.rates, t.months) <> (excluded.amount_yen, excluded.rates, excluded.months)
RETURNING id;

-- name: overtake
-- $1 invoice_id  $2 now
UPDATE office.tax_credits SET outcome = 'overtaken', ended_at = $2 WHERE invoice_id = $1 AND outcome IS NULL;

-- name: end
-- No row: somebody decided it before. $1 id  $2 outcome  $3 adjustment_id, or null  $4 first  $5 second  $6 now
UPDATE office.tax_credits SET outcome = $2, adjustment_id = $3, decided_by_first = $4, decided_by_second = $5, ended_at = $6
WHERE id = $1 AND outcome IS NULL RETURNING id;

-- name: tax_credit
-- What is proposed for a fee. $1 its number
SELECT t.id, i.number AS invoice, c.handle AS contract, t.amount_yen, t.basis_points, t.found_at
FROM office.tax_credits t JOIN gate.invoices i ON i.id = t.invoice_id JOIN gate.contracts c ON c.id = i.contract_id
WHERE i.number = $1 AND t.outcome IS NULL;

-- name: tax_credits
-- What waits, oldest first. $1 most  $2 after this one, or null
SELECT t.id, i.number AS invoice, c.handle AS contract, t.amount_yen, t.basis_points, t.found_at
FROM office.tax_credits t JOIN gate.invoices i ON i.id = t.invoice_id JOIN gate.contracts c ON c.id = i.contract_id
WHERE t.outcome IS NULL AND ($2::uuid IS NULL OR (t.found_at, t.id) > (SELECT x.found_at, x.id FROM office.tax_credits x WHERE x.id = $2))
ORDER BY t.found_at, t.id LIMIT $1;
