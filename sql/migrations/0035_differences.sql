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

-- A change of certificate information waits for nobody once its contract has ended, nor a screening after its application came
-- to nothing.
CREATE OR REPLACE VIEW office.waiting AS
    SELECT CASE state WHEN 'open' THEN 'revocation_decide' ELSE 'revocation_look' END AS kind, id::text AS subject,
        contract_id, received_at AS since, coalesce(deadline_at, received_at + interval '5 days') AS deadline_at,
        deadline_at IS NOT NULL AND state NOT IN ('published', 'closed') AS binding
    FROM office.cases WHERE state = 'open' OR attention AND state <> 'closed'
    UNION ALL
    SELECT 'revocation_execute', c.id::text, c.contract_id, d.decided_at,
        coalesce(c.deadline_at, d.decided_at + interval '1 day'), c.deadline_at IS NOT NULL
    FROM office.cases c JOIN office.case_decisions d ON d.case_id = c.id AND d.kind = 'revoke' AND d.ended_at IS NULL
    WHERE c.state = 'decided'
    UNION ALL
    SELECT CASE WHEN preliminary_at IS NULL THEN 'report_answer' ELSE 'report_close' END, id::text, NULL, received_at,
        received_at + CASE WHEN preliminary_at IS NULL THEN interval '24 hours' ELSE interval '5 days' END,
        preliminary_at IS NULL
    FROM office.problem_reports WHERE closed_at IS NULL
    UNION ALL
    SELECT 'leak_report', id::text, NULL, found_at,
        CASE WHEN preliminary_at IS NULL THEN preliminary_due_at ELSE final_due_at END, true
    FROM office.leaks WHERE final_at IS NULL
    UNION ALL
    SELECT 'information_change', id::text, contract_id, learned_at,
        learned_at + CASE WHEN in_certificate THEN interval '5 days' ELSE interval '30 days' END, in_certificate
    FROM gate.information_changes WHERE resolved_at IS NULL
        AND EXISTS (SELECT FROM gate.contracts c WHERE c.id = contract_id AND c.state <> 'ended')
    UNION ALL
    SELECT CASE WHEN confirmed_at IS NULL THEN 'change_confirm' ELSE 'change_finish' END, id::text, contract_id,
        coalesce(confirmed_at, arrived_at), coalesce(confirmed_at, arrived_at)
            + CASE WHEN confirmed_at IS NULL OR handling = 'register' THEN interval '5 days' ELSE interval '30 days' END,
        false
    FROM office.change_reports WHERE done_at IS NULL
    UNION ALL
    SELECT 'consultation', contract_id::text, contract_id, set_at,
        review_on::timestamp AT TIME ZONE 'Asia/Tokyo', false
    FROM office.consultations WHERE ended_at IS NULL
    UNION ALL
    SELECT 'application', id::text, id, applied_at, applied_at + interval '5 days', false
    FROM gate.contracts WHERE state IN ('applied', 'under_review')
    UNION ALL
    SELECT 'screening', contract_id::text, contract_id, min(added_at), min(added_at) + interval '2 days', false
    FROM office.screenings WHERE verdict = 'pending'
        AND EXISTS (SELECT FROM gate.contracts c WHERE c.id = contract_id AND c.state NOT IN ('withdrawn', 'rejected'))
    GROUP BY contract_id
    UNION ALL
    SELECT 'revalidation', contract_id::text, contract_id, opened_at,
        fails_on::timestamp AT TIME ZONE 'Asia/Tokyo', true
    FROM office.revalidations WHERE closed_at IS NULL
    UNION ALL
    SELECT 'proposal', id::text, contract_id, proposed_at, expires_at, true
    FROM office.proposals WHERE confirmed_at IS NULL AND withdrawn_at IS NULL AND kind NOT LIKE 'hold.%'
    UNION ALL
    SELECT 'bank_line', l.id::text, NULL, f.imported_at, f.imported_at + interval '3 days', false
    FROM office.bank_lines l JOIN office.bank_files f ON f.id = l.file_id WHERE l.state = 'waiting'
    UNION ALL
    SELECT 'rest', i.number, i.contract_id, max(m.matched_at), max(m.matched_at) + interval '5 days', false
    FROM gate.invoices i JOIN gate.payment_matches m ON m.invoice_id = i.id AND m.undone_at IS NULL
    WHERE i.open_yen > 0 GROUP BY i.id
    UNION ALL
    SELECT 'tax_credit', i.number, i.contract_id, t.found_at, t.found_at + interval '30 days', false
    FROM office.tax_credits t JOIN gate.invoices i ON i.id = t.invoice_id WHERE t.outcome IS NULL
    UNION ALL
    SELECT 'settlement', c.handle, c.id, c.ended_at, c.ended_at + interval '30 days', false FROM gate.contracts c
    WHERE c.end_cause = 'service_ended' AND c.fee_yen > 0
        AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id)
        AND NOT EXISTS (SELECT FROM office.settlements d WHERE d.contract_id = c.id)
    UNION ALL
    SELECT CASE d.channel WHEN 'paper' THEN 'letter' ELSE 'delivery' END, d.id::text, n.contract_id, n.queued_at,
        n.queued_at + interval '1 day', false
    FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id WHERE d.state = 'person'
    UNION ALL
    SELECT 'contact_stale', customer_id::text, NULL, stale_since, stale_since + interval '5 days', false
    FROM office.contacts WHERE stale_since IS NOT NULL
    UNION ALL
    SELECT 'dead_job', id::text, NULL, run_at, run_at + interval '1 hour', false FROM acme.jobs WHERE dead
    UNION ALL
    SELECT 'leaver', d.person_id::text, NULL, d.recorded_at, p.left_at + interval '24 hours', true
    FROM office.departures d JOIN gate.persons p ON p.id = d.person_id WHERE d.removed_at IS NULL
    UNION ALL
    SELECT 'access_review', 'quarter', NULL, due.at - interval '14 days', due.at, true
    FROM (SELECT coalesce((SELECT max(reviewed_at) FROM office.access_reviews), (SELECT min(created_at) FROM gate.persons))
          + interval '3 months' AS at) AS due WHERE due.at IS NOT NULL;
