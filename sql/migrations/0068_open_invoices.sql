-- What is open of an invoice changes when it is paid. While indexes named it, each payment made a new entry in every index
-- of the table; now the new version of the row stays on its page, and what is open is found in a narrow table beside it.
CREATE TABLE gate.open_invoices (
    id uuid PRIMARY KEY REFERENCES gate.invoices,
    number text NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    dealer text
);
INSERT INTO gate.open_invoices (id, number, issued_on, due_on, dealer)
SELECT id, number, issued_on, due_on, dealer FROM gate.invoices WHERE open_yen > 0;
CREATE INDEX open_invoices_due ON gate.open_invoices (due_on, number);
CREATE INDEX open_invoices_of_dealer ON gate.open_invoices (dealer) WHERE dealer IS NOT NULL;
GRANT SELECT ON gate.open_invoices TO keiyaku_operator, keiyaku_office;

CREATE OR REPLACE FUNCTION gate.invoices_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    billed uuid[] := (SELECT array_agg(contract_id) FROM (SELECT contract_id FROM before UNION SELECT contract_id FROM after) AS both_versions);
BEGIN
    WITH RECURSIVE line AS (
        SELECT unnest(billed) AS id UNION SELECT c.id FROM line JOIN gate.contracts c ON c.predecessor_id = line.id
    )
    INSERT INTO gate.revisions (contract_id, revision) SELECT id, (SELECT gen_random_uuid()) FROM line ORDER BY id
    ON CONFLICT (contract_id) DO UPDATE SET revision = excluded.revision;
    DELETE FROM gate.open_invoices WHERE id = ANY (ARRAY(SELECT id FROM after WHERE open_yen = 0));
    INSERT INTO gate.open_invoices AS o (id, number, issued_on, due_on, dealer)
    SELECT id, number, issued_on, due_on, dealer FROM after WHERE open_yen > 0
    ON CONFLICT (id) DO UPDATE SET (number, issued_on, due_on, dealer)
        = (excluded.number, excluded.issued_on, excluded.due_on, excluded.dealer)
    WHERE (o.number, o.issued_on, o.due_on, o.dealer)
        IS DISTINCT FROM (excluded.number, excluded.issued_on, excluded.due_on, excluded.dealer);
    RETURN NULL;
END $$;
CREATE FUNCTION gate.invoices_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.open_invoices (id, number, issued_on, due_on, dealer)
    SELECT id, number, issued_on, due_on, dealer FROM added WHERE open_yen > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER invoices_added AFTER INSERT ON gate.invoices REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.invoices_added();
REVOKE ALL ON FUNCTION gate.invoices_added FROM PUBLIC;

DROP INDEX gate.invoices_open, gate.invoices_of_dealer, gate.invoices_by_reference, gate.invoices_by_digits;
ALTER TABLE gate.invoices SET (fillfactor = 50);
CREATE INDEX invoices_by_reference ON gate.invoices (upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')));
CREATE INDEX invoices_by_digits ON gate.invoices (regexp_replace(number, '[^0-9]', '', 'g'));

-- what waits for a person: of what is open, the rest of what was paid in part
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
    SELECT 'revocation_result', id::text, contract_id, executed_at, result_due_at, true
    FROM office.cases WHERE result_due_at IS NOT NULL AND result_notice_id IS NULL
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
    FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id
    JOIN gate.payment_matches m ON m.invoice_id = i.id AND m.undone_at IS NULL GROUP BY i.id
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
          + interval '3 months' AS at) AS due WHERE due.at IS NOT NULL
    UNION ALL
    SELECT 'own_key', encode(spki_sha256, 'hex'), NULL, min(received_at), min(received_at) + interval '24 hours', true
    FROM office.key_proofs WHERE is_own AND case_id IS NULL GROUP BY spki_sha256;
