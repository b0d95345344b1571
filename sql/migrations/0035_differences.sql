-- A difference is asked of what credits left of a fee, not of its first paper: the amount is that of the rule (T8-11).

-- By which rates the tax of a fee is billed once a credit of it is made.
ALTER TABLE office.tax_credits ADD rates integer[], ADD months integer[];
UPDATE office.tax_credits t SET rates = p.rates, months = p.months FROM office.invoice_papers p WHERE p.invoice_id = t.invoice_id;
ALTER TABLE office.tax_credits ALTER rates SET NOT NULL, ALTER months SET NOT NULL;
GRANT UPDATE (rates, months) ON office.tax_credits TO keiyaku_office;

DROP FUNCTION gate.issue_invoice(uuid, text, date, text, gate.bill_drafts, timestamptz);
CREATE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz, asked integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    invoice uuid := keiyaku.uuid7(at);
    paper text := gate.next_number(CASE invoice_kind WHEN 'fee' THEN 'F' ELSE 'D' END);
    -- of a difference only the tax that was not billed yet is asked
    total integer := coalesce(asked, (SELECT sum(x) FROM unnest(bill.bases || bill.taxes) x));
    -- whom the paper names; the customer unless a reading says otherwise (T8-14)
    names text := (SELECT r.value FROM gate.readings r WHERE r.key = 'invoice.names' AND r.effective_at <= at
                   ORDER BY r.effective_at DESC LIMIT 1);
BEGIN
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at, dealer)
    SELECT invoice, contract, paper, invoice_kind, issued, bill.due_on, total, total, at,
        (SELECT a.dealer FROM office.applications a WHERE a.contract_id = contract);
    INSERT INTO office.invoice_papers (invoice_id, original_number, seller, seller_address, registration_number, buyer,
        payer, dealer, period_from, period_end, rates, months, bases, taxes)
    SELECT invoice, original, s.name, s.address, s.registration_number,
        coalesce(CASE names WHEN 'payer' THEN a.payer END, u.name), a.payer, a.dealer, bill.period_from, bill.period_end,
        bill.rates, bill.months, bill.bases, bill.taxes
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
    LEFT JOIN office.applications a ON a.contract_id = c.id
    LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= at ORDER BY e.effective_at DESC LIMIT 1) s
        ON true
    WHERE c.id = contract;
    INSERT INTO office.notices (id, kind, clause, contract_id, given, queued_at)
    VALUES (keiyaku.uuid7(at), CASE invoice_kind WHEN 'fee' THEN 'invoice_issued' ELSE 'difference_invoice_issued' END,
        'A8.1', contract, jsonb_build_object('invoice', paper, 'total_yen', total::text, 'due_on', bill.due_on::text), at);
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(at), 'invoice.issued', contract, 'process:billing', at, convert_to(jsonb_build_object(
        'rule', CASE invoice_kind WHEN 'fee' THEN 'T8-3' ELSE 'T8-11' END, 'clause', 'A8.1', 'invoice', paper,
        'issued_on', issued, 'due_on', bill.due_on, 'total_yen', total, 'rates', bill.rates, 'bases', bill.bases,
        'taxes', bill.taxes)::text, 'UTF8'));
    RETURN paper;
END $$;
REVOKE ALL ON FUNCTION gate.issue_invoice FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.issue_invoice TO keiyaku_operator, keiyaku_office;

-- A payment that comes after a revocation for non-payment finds the case against a whole customer too (A11.4.4).
CREATE INDEX cases_of_customer ON office.cases (customer_id) WHERE customer_id IS NOT NULL;
