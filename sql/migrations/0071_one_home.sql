-- Conditions that stood word for word in several statements have one home each; the functions are inlined.

-- The contract that the binding keys of a contract serve at an instant: its own, or the latest that follows it by then (T12-7).
CREATE FUNCTION gate.served_by(contract uuid, at timestamptz) RETURNS TABLE (contract_id uuid) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT n.successor_id FROM gate.successions n
        WHERE n.contract_id = contract AND n.starts_at <= at AND n.ends_at > at
        ORDER BY n.successor_id DESC LIMIT 1), contract);
END;

-- Contracts that a case names itself; of a customer whose data were learned to be old, those accepted with data reviewed until
-- then: what followed because of the change shows the new ones (T6-5, T14-2). `learned_at`: null for any other case.
CREATE FUNCTION gate.concerned(contract uuid, customer uuid, learned_at timestamptz)
RETURNS TABLE (id uuid, number integer, handle text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT k.id, k.number, k.handle FROM gate.contracts k
    WHERE k.id = contract OR (k.customer_id = customer AND (learned_at IS NULL OR coalesce((
        SELECT max(s.recorded_at) FROM gate.reviewed_subjects s
        WHERE s.contract_id = k.id AND s.recorded_at <= k.accepted_at), k.accepted_at) <= learned_at));
END;

-- Certificates of a contract that may be in use: what was signed or may have been, unexpired and not revoked (T12-3).
CREATE FUNCTION acme.living(contract uuid, at timestamptz)
RETURNS TABLE (serial bytea, names text[], not_after timestamptz, spki_sha256 bytea, created_at timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.serial, t.names, t.not_after, t.spki_sha256, t.created_at
    FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
    WHERE i.contract_id = contract AND t.state <> 'void' AND t.not_after > at
      AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = t.serial);
END;
REVOKE ALL ON FUNCTION gate.served_by, gate.concerned, acme.living FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.served_by TO keiyaku_acme, keiyaku_office, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.concerned TO keiyaku_office, keiyaku_operator;
GRANT EXECUTE ON FUNCTION acme.living TO keiyaku_office, keiyaku_operator;

-- The evidence of an invoice cites the Terms in force, as other evidence does (0067, T20-3).
CREATE OR REPLACE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz, asked integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
        payer, dealer, period_from, period_end, rates, months, bases, taxes, pay_into)
    SELECT invoice, original, s.name, s.address, s.registration_number,
        coalesce(CASE names WHEN 'payer' THEN a.payer END, u.name), a.payer, a.dealer, bill.period_from, bill.period_end,
        bill.rates, bill.months, bill.bases, bill.taxes, s.pay_into
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
    LEFT JOIN office.applications a ON a.contract_id = c.id
    LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= at AND e.confirmed_by IS NOT NULL
        ORDER BY e.effective_at DESC LIMIT 1) s ON true
    WHERE c.id = contract;
    INSERT INTO office.notices (id, kind, clause, contract_id, given, queued_at)
    VALUES (keiyaku.uuid7(at), CASE invoice_kind WHEN 'fee' THEN 'invoice_issued' ELSE 'difference_invoice_issued' END,
        'A8.1', contract, jsonb_build_object('invoice', paper, 'total_yen', total::text, 'due_on', bill.due_on::text), at);
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(at), 'invoice.issued', contract, 'process:billing', at, convert_to(jsonb_build_object(
        'rule', CASE invoice_kind WHEN 'fee' THEN 'T8-3' ELSE 'T8-11' END, 'clause', 'A8.1', 'invoice', paper,
        'issued_on', issued, 'due_on', bill.due_on, 'total_yen', total, 'rates', bill.rates, 'bases', bill.bases,
        'taxes', bill.taxes, 'terms_version', gate.terms_in_force(at))::text, 'UTF8'));
    RETURN paper;
END $$;
