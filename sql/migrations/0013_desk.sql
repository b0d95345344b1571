-- The desk's daily work: one queue, absences, re-validation, people who leave, reviews of who may do what, auditors.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keiyaku_auditor') THEN
        CREATE ROLE keiyaku_auditor LOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA gate, ca, acme, office, keiyaku TO keiyaku_auditor;
GRANT EXECUTE ON FUNCTION keiyaku.uuid7_floor TO keiyaku_auditor;

-- Once they left they decide nothing.
ALTER TABLE gate.persons ADD COLUMN left_at timestamptz;

-- Two people confirm a hold (T3-4). What was confirmed before is in evidence.
ALTER TABLE gate.holds
    ADD COLUMN confirmed_by_first uuid REFERENCES gate.persons,
    ADD COLUMN confirmed_by_second uuid REFERENCES gate.persons,
    ADD COLUMN confirmed_at timestamptz;
UPDATE gate.holds h SET confirmed_at = e.recorded_at,
    confirmed_by_first = split_part(e.actor, ':', 2)::uuid, confirmed_by_second = (e.said ->> 'second')::uuid
FROM (SELECT recorded_at, actor, convert_from(content, 'UTF8')::jsonb AS said FROM evidence.records
      WHERE kind = 'hold.confirmed') AS e
WHERE (e.said ->> 'hold')::uuid = h.id;
ALTER TABLE gate.holds
    ADD CONSTRAINT holds_confirmed_by_two CHECK (confirmed_by_first <> confirmed_by_second),
    ADD CONSTRAINT holds_confirmed_whole
        CHECK (num_nonnulls(confirmed_at, confirmed_by_first, confirmed_by_second) IN (0, 3)),
    ADD CONSTRAINT holds_confirmed CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL);

-- office: the desk ------------------------------------------------------------------------------------------------
-- Who is away, and who does their work meanwhile. The newest row that covers a day counts.
CREATE TABLE office.absences (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES gate.persons,
    deputy_id uuid NOT NULL REFERENCES gate.persons,
    from_on date NOT NULL,
    until_on date NOT NULL CHECK (until_on >= from_on),
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz, -- back before, or recorded by mistake
    CHECK (person_id <> deputy_id)
);
CREATE INDEX absences_of_person ON office.absences (person_id, until_on);

-- What people arranged about something that waits (office.waiting): whose it is, who does it now, when to look again.
CREATE TABLE office.tasks (
    kind text NOT NULL,
    subject text NOT NULL,
    owner_id uuid REFERENCES gate.persons,
    acting_id uuid REFERENCES gate.persons, -- as evidence says; the owner, or who stands in for them
    snoozed_until timestamptz,
    done_at timestamptz, -- looked at; of kinds that no command of their own ends
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX tasks_owned ON office.tasks (owner_id) WHERE owner_id IS NOT NULL;

-- Review data of a running contract will be too old on `fails_on` (T4-4): new review items are wanted before.
CREATE TABLE office.revalidations (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    fails_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (contract_id, fails_on)
);
CREATE UNIQUE INDEX revalidations_open ON office.revalidations (contract_id) WHERE closed_at IS NULL;

-- People who left, and who saw to it that every access of theirs outside this database is gone (C-176: 24 hours).
CREATE TABLE office.departures (
    person_id uuid PRIMARY KEY REFERENCES gate.persons,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    removed_by uuid REFERENCES gate.persons,
    removed_at timestamptz,
    CHECK (person_id <> recorded_by),
    CHECK (person_id <> removed_by),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE INDEX departures_open ON office.departures (recorded_at) WHERE removed_at IS NULL;

-- Quarterly reviews of who may do what (C-176), by two people, so that nobody alone reviews themselves.
CREATE TABLE office.access_reviews (
    id uuid PRIMARY KEY,
    reviewed_by_first uuid NOT NULL REFERENCES gate.persons,
    reviewed_by_second uuid NOT NULL REFERENCES gate.persons,
    entries integer NOT NULL CHECK (entries > 0),
    list_sha256 bytea NOT NULL CHECK (octet_length(list_sha256) = 32),
    findings text NOT NULL CHECK (findings <> ''),
    reviewed_at timestamptz NOT NULL,
    CHECK (reviewed_by_first <> reviewed_by_second)
);

-- Who left decides nothing: no row names them newly, whoever writes it (C-176). The columns are the trigger's arguments.
CREATE FUNCTION gate.person_present() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    named text;
    who uuid;
BEGIN
    FOREACH named IN ARRAY TG_ARGV LOOP
        who := (to_jsonb(NEW) ->> named)::uuid;
        CONTINUE WHEN who IS NULL OR (TG_OP = 'UPDATE' AND to_jsonb(OLD) ->> named = who::text);
        IF (SELECT left_at FROM gate.persons WHERE id = who FOR SHARE) IS NOT NULL THEN
            RAISE EXCEPTION 'C-176: person % has left', who USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.person_present FROM PUBLIC;
DO $$
DECLARE
    decided text;
    people text;
BEGIN
    FOREACH decided IN ARRAY ARRAY['gate.contracts', 'gate.consents', 'gate.review_items', 'gate.reviewed_subjects',
        'gate.holds', 'gate.suspensions', 'gate.readings', 'office.requesters', 'office.call_backs',
        'office.eligibility_approvals', 'office.rejections', 'office.endings', 'office.screenings', 'office.assignments',
        'office.terms_changes', 'office.maintenance', 'office.service_end', 'office.adjustments', 'office.refunds',
        'office.case_decisions', 'office.problem_reports', 'office.change_reports', 'office.consultations',
        'office.tokens', 'office.proposals', 'office.absences', 'office.tasks', 'office.departures',
        'office.access_reviews'] LOOP
        SELECT string_agg(quote_literal(a.attname), ', ' ORDER BY a.attname) INTO people
        FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        WHERE f.conrelid = decided::regclass AND f.confrelid = 'gate.persons'::regclass
            AND (decided, a.attname) <> ('office.departures', 'person_id');
        EXECUTE format('CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION gate.person_present(%s)', decided, people);
    END LOOP;
END $$;

-- Who does a person's work on a day: they, or the first of their deputies who is there; null: nobody.
CREATE FUNCTION office.acting(person uuid, today date) RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH RECURSIVE line AS (
        SELECT person AS id, 0 AS steps
        UNION ALL
        SELECT away.deputy_id, line.steps + 1 FROM line CROSS JOIN LATERAL (
            SELECT a.deputy_id FROM office.absences a
            WHERE a.person_id = line.id AND today BETWEEN a.from_on AND a.until_on AND a.ended_at IS NULL
            ORDER BY a.id DESC LIMIT 1) AS away
        WHERE line.steps < 5
    )
    SELECT line.id FROM line JOIN gate.persons p ON p.id = line.id
    WHERE p.left_at IS NULL AND NOT EXISTS (SELECT FROM office.absences a
        WHERE a.person_id = line.id AND today BETWEEN a.from_on AND a.until_on AND a.ended_at IS NULL)
    ORDER BY line.steps LIMIT 1
$$;

-- Everything that waits for a person, each with its deadline. binding: by the Terms, the BRs or law; else it is the
-- desk's own aim. Holds are left out: they are compliance's (T13-3). Work starts at `since`.
CREATE VIEW office.waiting AS
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
    FROM office.proposals WHERE confirmed_at IS NULL AND withdrawn_at IS NULL
    UNION ALL
    SELECT 'bank_line', l.id::text, NULL, f.imported_at, f.imported_at + interval '3 days', false
    FROM office.bank_lines l JOIN office.bank_files f ON f.id = l.file_id WHERE l.state = 'waiting'
    UNION ALL
    SELECT 'rest', i.number, i.contract_id, max(m.matched_at), max(m.matched_at) + interval '5 days', false
    FROM gate.invoices i JOIN gate.payment_matches m ON m.invoice_id = i.id AND m.undone_at IS NULL
    WHERE i.open_yen > 0 GROUP BY i.id
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

CREATE INDEX screenings_pending ON office.screenings (contract_id) WHERE verdict = 'pending';
CREATE INDEX contracts_waiting ON gate.contracts (applied_at) WHERE state IN ('applied', 'under_review');
CREATE INDEX contacts_stale ON office.contacts (stale_since) WHERE stale_since IS NOT NULL;
CREATE INDEX proposals_open ON office.proposals (expires_at) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX problem_reports_received ON office.problem_reports (received_at);
CREATE INDEX revocations_requested ON ca.revocations (requested_at);

-- the desk, and who leaves it
GRANT UPDATE (confirmed_by_first, confirmed_by_second, confirmed_at) ON gate.holds TO keiyaku_office;
GRANT UPDATE (left_at) ON gate.persons TO keiyaku_operator;
GRANT SELECT ON office.waiting TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.absences, office.tasks, office.revalidations, office.departures, office.access_reviews
    TO keiyaku_operator;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_operator;
GRANT UPDATE (owner_id, acting_id, snoozed_until, done_at, changed_at) ON office.tasks TO keiyaku_operator;
GRANT UPDATE (closed_at) ON office.revalidations TO keiyaku_operator, keiyaku_office;
GRANT UPDATE (removed_by, removed_at) ON office.departures TO keiyaku_operator;
GRANT SELECT ON office.absences, office.tasks TO keiyaku_office;
GRANT UPDATE (acting_id, changed_at) ON office.tasks TO keiyaku_office;
GRANT SELECT, INSERT ON office.revalidations TO keiyaku_office;

-- auditors read, and write nothing; of people and customers what tells them apart, not who they are (T16-3)
GRANT SELECT (id, handle, organisation, created_at, left_at) ON gate.persons TO keiyaku_auditor;
GRANT SELECT (id, kind) ON gate.customers TO keiyaku_auditor;
GRANT SELECT ON gate.contracts, gate.contract_starts, gate.readings, ca.certificates, ca.revocations, acme.issuances,
    office.case_certificates, office.departures, office.access_reviews, office.requesters TO keiyaku_auditor;
GRANT SELECT (id, ground, received_at, state, published_at, deadline_at) ON office.cases TO keiyaku_auditor;
GRANT SELECT (id, received_at, preliminary_at) ON office.problem_reports TO keiyaku_auditor;
GRANT SELECT (person_id, service, role, customer_id, created_at, expires_at, withdrawn_at, last_used_on)
    ON office.tokens TO keiyaku_auditor;
