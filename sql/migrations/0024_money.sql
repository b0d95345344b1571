-- Money that two people move, whoever bills it; who may call the API; what evidence of a contract is found by.

-- Tax billed above what the rates in force ask, by a rate that fell (T8-11). Two people credit it or leave it: nothing
-- moves by itself. overtaken: the rates changed again before anybody decided.
CREATE TABLE office.tax_credits (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES gate.invoices, -- the fee's
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    basis_points integer NOT NULL,
    found_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('credited', 'declined', 'overtaken')),
    adjustment_id uuid REFERENCES office.adjustments,
    decided_by_first uuid REFERENCES gate.persons,
    decided_by_second uuid REFERENCES gate.persons,
    ended_at timestamptz,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (coalesce(outcome = 'credited', false) = (adjustment_id IS NOT NULL)),
    CHECK (num_nonnulls(decided_by_first, decided_by_second)
        = CASE WHEN outcome IN ('credited', 'declined') THEN 2 ELSE 0 END)
);
CREATE UNIQUE INDEX tax_credits_open ON office.tax_credits (invoice_id) WHERE outcome IS NULL;
CREATE INDEX tax_credits_of_invoice ON office.tax_credits (invoice_id);

-- What two people made of the fee of a contract that ended early (Article 9): the figures as they were that day, and what
-- goes back, at most the ceiling of Article 25. The money itself moves by credits and refunds.
CREATE TABLE office.settlements (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    end_cause text NOT NULL,
    ended_on date NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('nothing_owed', 'whole_fee_owed', 'proposal')),
    owed_yen integer NOT NULL CHECK (owed_yen >= 0),
    open_yen integer NOT NULL CHECK (open_yen >= 0),
    ceiling_yen integer CHECK (ceiling_yen >= 0),
    returned_yen integer NOT NULL CHECK (returned_yen >= 0),
    reason text NOT NULL CHECK (reason <> ''),
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((outcome = 'proposal') = (ceiling_yen IS NOT NULL)),
    CHECK (returned_yen <= coalesce(ceiling_yen, 0))
);
CREATE INDEX settlements_decided ON office.settlements (decided_at);

-- Names under which a dealer pays, as office.payer_aliases has those of customers. One sum may pay for many (T8-16).
CREATE TABLE office.dealer_aliases (
    id uuid PRIMARY KEY,
    dealer text NOT NULL CHECK (dealer <> ''), -- as the applications name it
    name text NOT NULL,
    key text NOT NULL CHECK (key <> ''),
    added_by uuid NOT NULL REFERENCES gate.persons,
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX dealer_aliases_live ON office.dealer_aliases (dealer, key) WHERE removed_at IS NULL;
CREATE INDEX dealer_aliases_by_key ON office.dealer_aliases ("left"(key, 8)) WHERE removed_at IS NULL;
CREATE INDEX invoices_of_dealer ON gate.invoices (dealer) WHERE open_yen > 0 AND dealer IS NOT NULL;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.tax_credits
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('decided_by_first', 'decided_by_second');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.settlements
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('decided_by_first', 'decided_by_second');

-- the corrected invoice counts what was credited; the payer is named where a reading says so
CREATE OR REPLACE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    invoice uuid := keiyaku.uuid7(at);
    paper text := gate.next_number(CASE invoice_kind WHEN 'fee' THEN 'F' ELSE 'D' END);
    -- of a difference only the tax that was not billed yet is asked
    total integer := (SELECT sum(t) FROM unnest(bill.taxes) t) + CASE invoice_kind
        WHEN 'fee' THEN (SELECT sum(b) FROM unnest(bill.bases) b)
        ELSE -(SELECT coalesce(sum(CASE i.kind WHEN 'fee' THEN (SELECT sum(t) FROM unnest(p.taxes) t) ELSE i.total_yen END), 0)
               FROM gate.invoices i JOIN office.invoice_papers p ON p.invoice_id = i.id WHERE i.contract_id = contract)
            + (SELECT coalesce(sum(t.amount_yen), 0) FROM office.tax_credits t JOIN gate.invoices i ON i.id = t.invoice_id
               WHERE i.contract_id = contract AND t.outcome = 'credited') END;
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
    UNION ALL
    SELECT 'consultation', contract_id::text, contract_id, set_at,
        review_on::timestamp AT TIME ZONE 'Asia/Tokyo', false
    FROM office.consultations WHERE ended_at IS NULL
    UNION ALL
    SELECT 'application', id::text, id, applied_at, applied_at + interval '5 days', false
    FROM gate.contracts WHERE state IN ('applied', 'under_review')
    UNION ALL
    SELECT 'screening', contract_id::text, contract_id, min(added_at), min(added_at) + interval '2 days', false
    FROM office.screenings WHERE verdict = 'pending' GROUP BY contract_id
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

-- money that two people move, through the commands and the API; dealers' names
GRANT SELECT ON office.tax_credits TO keiyaku_operator, keiyaku_office;
GRANT INSERT ON office.tax_credits TO keiyaku_office;
GRANT UPDATE (amount_yen, found_at) ON office.tax_credits TO keiyaku_office;
GRANT UPDATE (outcome, adjustment_id, decided_by_first, decided_by_second, ended_at) ON office.tax_credits
    TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.settlements TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.dealer_aliases TO keiyaku_operator;
GRANT UPDATE (removed_at) ON office.dealer_aliases TO keiyaku_operator;
GRANT SELECT ON office.dealer_aliases, office.sellers TO keiyaku_office;
GRANT SELECT, INSERT ON office.adjustments TO keiyaku_office;
GRANT INSERT ON office.refunds TO keiyaku_office;

-- Two different people give somebody a role with the CA (T17-1); tokens made before by one are withdrawn.
UPDATE office.tokens SET withdrawn_at = now() WHERE role NOT IN ('applicant', 'requester') AND withdrawn_at IS NULL;
ALTER TABLE office.tokens
    ADD COLUMN granted_by_first uuid REFERENCES gate.persons,
    ADD COLUMN granted_by_second uuid REFERENCES gate.persons,
    ADD CHECK (granted_by_first <> granted_by_second),
    ADD CONSTRAINT tokens_of_the_ca_by_two CHECK (role IN ('applicant', 'requester') OR withdrawn_at IS NOT NULL
        OR num_nulls(granted_by_first, granted_by_second) = 0);
DROP TRIGGER person_present ON office.tokens;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.tokens
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('granted_by_first', 'granted_by_second', 'person_id');

-- evidence and invoices of a contract are looked up, not read to their end
CREATE INDEX records_of_contract ON evidence.records (contract_id, id) WHERE contract_id IS NOT NULL;
CREATE INDEX invoices_of_contract ON gate.invoices (contract_id);
CREATE INDEX contracts_of_the_end ON gate.contracts (ended_at) WHERE end_cause = 'service_ended';
CREATE INDEX refunds_of_adjustment ON office.refunds (adjustment_id) WHERE adjustment_id IS NOT NULL;

-- screenings through the API, as by command; of their findings nothing is read (T13-3)
GRANT UPDATE (verdict, checked_by, checked_at) ON office.screenings TO keiyaku_office;
