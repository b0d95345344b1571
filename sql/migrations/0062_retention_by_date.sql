-- Who has the password of keiyaku_office destroys no more than what is past its retention: functions of the owner's know each
-- field's date (T16-2; design §9).
-- How far the clock of this program may be ahead of the database's: nothing, but where tests, and `keiyaku dev --at`, live in
-- years to come. Nobody but the owner sets it.
CREATE TABLE keiyaku.clock (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    ahead interval NOT NULL DEFAULT '0'
);
INSERT INTO keiyaku.clock DEFAULT VALUES;


-- Contracts of which nothing said in an application or review is kept any longer: ended, and their last certificate over, by
-- `since`; or never formed, and their documents destroyed by now (T4-7).
CREATE OR REPLACE FUNCTION office.contracts_past(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM gate.contracts c WHERE c.ended_at <= since AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > since)
    UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts c ON c.id = e.contract_id
    WHERE e.destroy_at <= instant AND c.state IN ('withdrawn', 'rejected')
$$;

-- Contracts that ended by `since` and were paid, or were never formed: nobody is written to about them any longer, once
-- no younger letter about them waits.
CREATE OR REPLACE FUNCTION office.contracts_silent(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM (
        SELECT id FROM gate.contracts WHERE ended_at <= since
        UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts a ON a.id = e.contract_id
        WHERE e.destroy_at <= instant AND a.state IN ('withdrawn', 'rejected')) AS c
    WHERE NOT EXISTS (SELECT FROM gate.invoices i WHERE i.contract_id = c.id AND i.open_yen > 0)
      AND NOT EXISTS (
        SELECT FROM office.notices n WHERE n.contract_id = c.id AND n.queued_at > since AND (n.addressed_at IS NULL
            OR EXISTS (SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.state IN ('waiting', 'person'))))
$$;

-- What of a field began its retention at this instant or before is past it; years are those of Japan, as
-- contract_gate/articles/article_16_secrecy.py has them. Of an instant to come nothing is said.
CREATE FUNCTION office.kept_since(wanted text, instant timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept integer := (SELECT y.years FROM (VALUES
        ('documents.content', 2), ('applications.representative', 2), ('screenings.subject', 2), ('holds.reason', 2),
        ('invoice_papers.buyer', 7), ('receipts.remitter', 7), ('bank_lines.remitter', 7), ('payer_aliases.name', 2),
        ('dealer_aliases.name', 2), ('problem_reports.reporter', 2), ('key_proofs.reporter', 2), ('cases.reporter', 2),
        ('proposals.arguments', 7), ('deliveries.body', 7), ('deliveries.address', 7), ('notices.given', 7),
        ('contacts.postal_address', 2), ('recipients.email', 2), ('customers.contact_email', 2), ('accounts.contacts', 2),
        ('applicants.name', 2), ('customers.name', 7), ('ceremonies.transcript', 22), ('root_crls.transcript', 22),
        ('requesters.name', 2), ('persons.name', 7)
        ) AS y(field, years) WHERE y.field = wanted);
BEGIN
    IF kept IS NULL OR instant > clock_timestamp() + interval '1 hour' + (SELECT ahead FROM keiyaku.clock) THEN
        RAISE EXCEPTION 'nothing of % is past its retention at %', wanted, instant USING ERRCODE = 'check_violation';
    END IF;
    RETURN (instant AT TIME ZONE 'Asia/Tokyo' - make_interval(years => kept)) AT TIME ZONE 'Asia/Tokyo';
END $$;

-- Personal data past its retention is destroyed, the row stays (T16-2): of a field, up to so many rows, by their ids. The
-- office's role writes none of these columns but through here. When the last certificate of a contract, or a customer's last
-- contract, is past: office.contracts_past, contracts_silent and customers_silent. The rows are chosen once, as an array: a
-- sub-select with a limit would be run again for each row of a table that the planner takes for small.
-- In each statement $1 kept since, $2 now, $3 most; each is planned for these.
CREATE FUNCTION office.destroy_past(wanted text, instant timestamptz, most integer)
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
            SELECT id FROM office.bank_lines
            WHERE personal_data_destroyed_at IS NULL AND booked_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND state IN ('matched', 'cancelled', 'dismissed') LIMIT $3))
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

-- Documents of an application that came to nothing, whose day has come (T4-7): key and content go, hash and kind stay.
CREATE FUNCTION office.destroy_documents(instant timestamptz, of_contract uuid, most integer)
RETURNS TABLE (id uuid, contract_id uuid) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.documents d SET sealed_key = NULL, sealed_content = NULL, destroyed_at = instant
    WHERE d.id = ANY (ARRAY(SELECT x.id FROM office.documents x JOIN gate.contracts c ON c.id = x.contract_id
        WHERE x.destroyed_at IS NULL AND x.destroy_at <= instant AND (of_contract IS NULL OR x.contract_id = of_contract)
            AND c.state IN ('withdrawn', 'rejected')
            AND instant <= clock_timestamp() + interval '1 hour' + (SELECT ahead FROM keiyaku.clock)
        ORDER BY x.destroy_at LIMIT most FOR UPDATE OF x SKIP LOCKED))
    RETURNING d.id, d.contract_id
$$;

-- Who may have a pseudonym by now, in order of id from one on, at most so many, held so that nobody names them newly
-- meanwhile: who left so long ago, or people of customers, of applications and contracts that are past. `gone`: those whom no
-- record names that is still kept; they have a pseudonym from now on, and what names them by id stays.
CREATE FUNCTION office.pseudonymise(wanted text, instant timestamptz, behind uuid, most integer, OUT looked_at integer,
    OUT last uuid, OUT gone uuid[]) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamptz := office.kept_since(wanted, instant);
    past uuid[];
    who uuid[];
    -- what people of customers are named by: any other record keeps these, while those who left the CA are kept by few
    of_customers text[] := CASE wanted WHEN 'requesters.name' THEN ARRAY['gate.consents.person_id',
        'office.applications.applicant_id', 'office.requesters.person_id', 'office.requesters.named_by',
        'office.endings.asked_by', 'office.renewal_consents.person_id', 'office.seals.requested_by',
        'office.change_reports.reported_by'] END;
BEGIN
    IF wanted = 'persons.name' THEN
        who := ARRAY(SELECT p.id FROM gate.persons p WHERE p.left_at <= since AND p.personal_data_destroyed_at IS NULL
                         AND p.id > behind ORDER BY p.id LIMIT most FOR UPDATE);
    ELSIF wanted = 'requesters.name' THEN
        past := ARRAY(SELECT office.contracts_past(since, since));
        who := ARRAY(SELECT p.id FROM gate.persons p WHERE p.personal_data_destroyed_at IS NULL AND p.id = ANY (ARRAY(
                SELECT a.applicant_id FROM office.applications a WHERE a.contract_id = ANY (past) AND a.applicant_id > behind
                UNION SELECT q.person_id FROM office.requesters q WHERE q.contract_id = ANY (past) AND q.person_id > behind
                UNION SELECT s.person_id FROM gate.consents s WHERE s.contract_id = ANY (past) AND s.person_id > behind))
            ORDER BY p.id LIMIT most FOR UPDATE);
    END IF;
    looked_at := cardinality(who);
    last := who[looked_at];
    WITH named AS (
        UPDATE gate.persons p SET handle = 'gone-' || replace(p.id::text, '-', ''), name = '-',
            personal_data_destroyed_at = instant
        WHERE p.id = ANY (who) AND p.id <> ALL (ARRAY(SELECT gate.still_named(
            who, office.kept_since('documents.content', instant), of_customers)))
        RETURNING p.id
    )
    SELECT coalesce(array_agg(named.id), '{}') INTO gone FROM named;
END $$;
REVOKE ALL ON FUNCTION office.kept_since, office.destroy_past, office.destroy_documents, office.pseudonymise FROM PUBLIC;
GRANT EXECUTE ON FUNCTION office.destroy_past, office.pseudonymise TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.destroy_documents TO keiyaku_office, keiyaku_operator;

REVOKE ALL ON FUNCTION office.contracts_past, office.contracts_silent, office.customers_silent, gate.still_named
    FROM keiyaku_office;
REVOKE UPDATE (handle, name, personal_data_destroyed_at) ON gate.persons FROM keiyaku_office;
REVOKE UPDATE (handle, contact_email, personal_data_destroyed_at) ON gate.customers FROM keiyaku_office;
REVOKE UPDATE (remitter, personal_data_destroyed_at) ON gate.receipts FROM keiyaku_office;
REVOKE SELECT (personal_data_destroyed_at), UPDATE (reason, personal_data_destroyed_at) ON gate.holds FROM keiyaku_office;
REVOKE UPDATE (remitter, remitter_code, edi, personal_data_destroyed_at) ON office.bank_lines FROM keiyaku_office;
REVOKE UPDATE (name, key, personal_data_destroyed_at) ON office.payer_aliases, office.dealer_aliases FROM keiyaku_office;
REVOKE UPDATE (payer, personal_data_destroyed_at) ON office.applications FROM keiyaku_office;
REVOKE UPDATE (arguments) ON office.proposals FROM keiyaku_office;
REVOKE UPDATE (reporter) ON office.cases FROM keiyaku_office;
REVOKE UPDATE (transcript, personal_data_destroyed_at) ON office.ceremonies, office.root_crls FROM keiyaku_office;
REVOKE SELECT (contacts, deactivated_at), UPDATE (contacts) ON acme.accounts FROM keiyaku_office;
REVOKE UPDATE (sealed_key, sealed_content, destroyed_at) ON office.documents FROM keiyaku_office, keiyaku_operator;
REVOKE UPDATE (reporter, email, what, personal_data_destroyed_at) ON office.problem_reports FROM keiyaku_office;
REVOKE UPDATE (reporter, email, personal_data_destroyed_at) ON office.key_proofs FROM keiyaku_office;
REVOKE UPDATE (buyer, payer, personal_data_destroyed_at) ON office.invoice_papers FROM keiyaku_office;
REVOKE UPDATE (subject, personal_data_destroyed_at) ON office.screenings FROM keiyaku_office;

-- what a letter said, and to whom it was queued, stays as it was written
REVOKE UPDATE ON office.notices, office.deliveries FROM keiyaku_office, keiyaku_operator;
GRANT UPDATE (addressed_at) ON office.notices TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (address, state, attempts, next_at, locked_until, fence, last_error, handed_at, first_viewed_at, posted_on,
    bounced_at, delivered_at) ON office.deliveries TO keiyaku_office, keiyaku_operator;
