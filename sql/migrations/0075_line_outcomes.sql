-- What the bank said stays; what became of a line is a row beside it, written once it is booked. While the state stood in
-- the line, each booking made a new version of the whole line and a new entry in every index of the table.
CREATE TABLE office.line_outcomes (
    line_id bigint PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('matched', 'waiting', 'cancelled', 'dismissed')),
    note text,
    receipt_id uuid
);
INSERT INTO office.line_outcomes (line_id, state, note, receipt_id)
SELECT id, state, note, receipt_id FROM office.bank_lines WHERE state <> 'staged' ORDER BY id;
CREATE UNIQUE INDEX line_outcomes_receipt ON office.line_outcomes (receipt_id) WHERE receipt_id IS NOT NULL;
CREATE INDEX line_outcomes_waiting ON office.line_outcomes (line_id) WHERE state = 'waiting';
GRANT SELECT, INSERT ON office.line_outcomes TO keiyaku_operator, keiyaku_office;
GRANT UPDATE (state, note, receipt_id) ON office.line_outcomes TO keiyaku_operator, keiyaku_office;

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
    FROM office.line_outcomes o JOIN office.bank_lines l ON l.id = o.line_id JOIN office.bank_files f ON f.id = l.file_id
    WHERE o.state = 'waiting'
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

CREATE OR REPLACE FUNCTION office.destroy_past(wanted text, instant timestamptz, most integer)
RETURNS TABLE (id text, contract_id uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text := CASE wanted
    -- Those of applications that formed no contract have a day of their own (T4-7).
    WHEN 'documents.content' THEN $q$
        UPDATE office.documents SET sealed_key = NULL, sealed_content = NULL, destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.documents WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND destroyed_at IS NULL AND destroy_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'applications.representative' THEN $q$
        UPDATE office.applications SET representative = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
            personal_data_destroyed_at = $2
        WHERE contract_id = ANY (ARRAY(
            SELECT contract_id FROM office.applications WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING contract_id::text, contract_id$q$
    WHEN 'screenings.subject' THEN $q$
        UPDATE office.screenings SET subject = id::text, source = CASE WHEN verdict <> 'pending' THEN '-' END,
            grounds = CASE WHEN verdict = 'hit' THEN '-' END, personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.screenings WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    -- What an officer wrote of somebody's conduct; that there was a hold, of which item, and who decided stays.
    WHEN 'holds.reason' THEN $q$
        UPDATE gate.holds SET reason = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM gate.holds WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'invoice_papers.buyer' THEN $q$
        UPDATE office.invoice_papers SET buyer = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
            personal_data_destroyed_at = $2
        WHERE invoice_id = ANY (ARRAY(
            SELECT p.invoice_id FROM office.invoice_papers p JOIN gate.invoices i ON i.id = p.invoice_id
            WHERE p.personal_data_destroyed_at IS NULL AND i.issued_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND i.open_yen = 0 LIMIT $3))
        RETURNING invoice_id::text, NULL::uuid$q$
    -- Who sent it is asked for while any of it is left to match or send back.
    WHEN 'receipts.remitter' THEN $q$
        UPDATE gate.receipts SET remitter = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM gate.receipts
            WHERE personal_data_destroyed_at IS NULL AND value_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND (cancelled_at IS NOT NULL OR gate.used_of(id) >= amount_yen) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Lines that somebody still has to look at keep theirs. The remitter tells equal lines of a day apart: each has a
    -- pseudonym of its own.
    WHEN 'bank_lines.remitter' THEN $q$
        UPDATE office.bank_lines SET remitter = '#' || id, remitter_code = '', edi = '', personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.bank_lines l
            WHERE personal_data_destroyed_at IS NULL AND booked_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND (SELECT o.state FROM office.line_outcomes o WHERE o.line_id = l.id) <> 'waiting' LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'payer_aliases.name' THEN $q$
        UPDATE office.payer_aliases SET name = '-', key = '#' || id, removed_at = coalesce(removed_at, $2),
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.payer_aliases
            WHERE personal_data_destroyed_at IS NULL AND (
                removed_at <= $1 OR customer_id IN (SELECT office.customers_silent($1))) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'dealer_aliases.name' THEN $q$
        UPDATE office.dealer_aliases SET name = '-', key = '#' || id, personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.dealer_aliases WHERE personal_data_destroyed_at IS NULL AND removed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'problem_reports.reporter' THEN $q$
        UPDATE office.problem_reports SET reporter = '-', email = '-', what = '-', personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.problem_reports
            WHERE personal_data_destroyed_at IS NULL AND closed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'key_proofs.reporter' THEN $q$
        UPDATE office.key_proofs SET reporter = '-', email = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.key_proofs
            WHERE personal_data_destroyed_at IS NULL AND received_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Once all that they revoked has expired.
    WHEN 'cases.reporter' THEN $q$
        UPDATE office.cases SET reporter = '-' WHERE id = ANY (ARRAY(
            SELECT c.id FROM office.cases c
            WHERE c.reporter <> '-' AND c.state IN ('published', 'closed') AND c.received_at <= least($1::timestamptz, $2)
              AND NOT EXISTS (SELECT FROM office.case_certificates x JOIN ca.revocations r ON r.serial = x.serial
                              WHERE x.case_id = c.id AND r.not_after > $1) LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'proposals.arguments' THEN $q$
        UPDATE office.proposals SET arguments = '{}' WHERE id = ANY (ARRAY(
            SELECT id FROM office.proposals WHERE arguments <> '{}' AND proposed_at <= least($1::timestamptz, $2) LIMIT $3))
        RETURNING id::text, contract_id$q$
    -- What its notice was written from goes with it.
    WHEN 'deliveries.body' THEN $q$
        WITH gone AS (
            UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL,
                personal_data_destroyed_at = $2
            WHERE id = ANY (ARRAY(
                SELECT id FROM office.deliveries
                WHERE personal_data_destroyed_at IS NULL AND delivered_at <= $1 LIMIT $3))
            RETURNING id::text, notice_id
        ), emptied AS (
            UPDATE office.notices SET given = '{}' WHERE id = ANY (ARRAY(SELECT notice_id FROM gone))
        )
        SELECT id::text, NULL::uuid FROM gone$q$
    -- Nobody sends them any more: whoever is at it has lost the lease.
    WHEN 'deliveries.address' THEN $q$
        UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL, locked_until = NULL,
            fence = fence + 1, state = CASE WHEN state IN ('waiting', 'person') THEN 'dropped' ELSE state END,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT d.id FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id
            WHERE d.personal_data_destroyed_at IS NULL AND d.delivered_at IS NULL AND n.queued_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Of which no letter is left. What was never addressed is never written.
    WHEN 'notices.given' THEN $q$
        UPDATE office.notices SET given = '{}', addressed_at = coalesce(addressed_at, $2) WHERE id = ANY (ARRAY(
            SELECT n.id FROM office.notices n WHERE n.given <> '{}' AND n.queued_at <= $1 AND NOT EXISTS (
                SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.personal_data_destroyed_at IS NULL) LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'contacts.postal_address' THEN $q$
        UPDATE office.contacts SET postal_address = NULL, stale_since = NULL WHERE customer_id = ANY (ARRAY(
            SELECT customer_id FROM office.contacts
            WHERE customer_id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
                AND postal_address IS NOT NULL LIMIT $3))
        RETURNING customer_id::text, NULL::uuid$q$
    WHEN 'recipients.email' THEN $q$
        UPDATE office.recipients SET name = '-', email = '-' WHERE contract_id = ANY (ARRAY(
            SELECT contract_id FROM office.recipients WHERE contract_id = ANY (ARRAY(SELECT office.contracts_silent($1, $2)))
                AND email <> '-' LIMIT $3))
            AND email <> '-'
        RETURNING contract_id::text, contract_id$q$
    WHEN 'customers.contact_email' THEN $q$
        UPDATE gate.customers SET contact_email = NULL WHERE id = ANY (ARRAY(
            SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
                AND contact_email IS NOT NULL LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Of accounts that were deactivated, or whose customer is past.
    WHEN 'accounts.contacts' THEN $q$
        UPDATE acme.accounts SET contacts = '{}' WHERE id = ANY (ARRAY(
            SELECT id FROM acme.accounts WHERE contacts <> '{}' AND (
                deactivated_at <= least($1::timestamptz, $2) OR binding_key_id IN (
                    SELECT k.id FROM gate.contracts c JOIN gate.binding_keys k ON k.contract_id = c.id
                    WHERE c.customer_id = ANY (ARRAY(SELECT office.customers_silent($1))))) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Who applied and never had a contract is in no books.
    WHEN 'applicants.name' THEN $q$
        UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT u.id FROM gate.customers u WHERE u.id = ANY (ARRAY(SELECT office.customers_silent($1)))
                AND u.personal_data_destroyed_at IS NULL AND NOT EXISTS (
                SELECT FROM gate.contracts c WHERE c.customer_id = u.id AND c.accepted_at IS NOT NULL) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Their name stays on papers and in books as long as those are kept.
    WHEN 'customers.name' THEN $q$
        UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent($1)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'ceremonies.transcript' THEN $q$
        UPDATE office.ceremonies SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.ceremonies WHERE personal_data_destroyed_at IS NULL AND ended_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'root_crls.transcript' THEN $q$
        UPDATE office.root_crls SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.root_crls WHERE personal_data_destroyed_at IS NULL AND signed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    END;
BEGIN
    RETURN QUERY EXECUTE statement USING office.kept_since(wanted, instant), instant, most;
END $$;

CREATE OR REPLACE FUNCTION gate.named_is_there() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing text;
BEGIN
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        EXECUTE format('SELECT a.id::text FROM (SELECT DISTINCT %1$I AS id FROM added WHERE %1$I IS NOT NULL) AS a'
            ' WHERE NOT EXISTS (SELECT FROM %2$s AS t WHERE t.id = a.id OFFSET 0) LIMIT 1', TG_ARGV[i], TG_ARGV[i + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '% % of %.% is not in %', TG_ARGV[i], missing, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[i + 1]
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

DROP TRIGGER added ON office.bank_lines;
DROP TRIGGER changed ON office.bank_lines;
ALTER TABLE office.bank_lines DROP COLUMN state, DROP COLUMN note, DROP COLUMN receipt_id;
CREATE INDEX bank_lines_of_file ON office.bank_lines (file_id, id);
CREATE INDEX bank_lines_cancelling ON office.bank_lines (file_id, id) WHERE cancels;
CREATE TRIGGER added AFTER INSERT ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts');
CREATE TRIGGER changed AFTER UPDATE ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts');
CREATE TRIGGER added AFTER INSERT ON office.line_outcomes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('line_id', 'office.bank_lines', 'receipt_id', 'gate.receipts');
CREATE TRIGGER changed AFTER UPDATE ON office.line_outcomes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('line_id', 'office.bank_lines', 'receipt_id', 'gate.receipts');
CREATE TRIGGER stays BEFORE DELETE OR UPDATE OF id ON office.bank_lines FOR EACH ROW EXECUTE FUNCTION gate.stays();
CREATE TRIGGER stay BEFORE TRUNCATE ON office.bank_lines FOR EACH STATEMENT EXECUTE FUNCTION gate.stays();

DROP INDEX office.screenings_pending;
CREATE INDEX screenings_pending ON office.screenings (id) WHERE verdict = 'pending';
