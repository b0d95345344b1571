-- Changes, succession, secrecy, suspension, service end, liability, subcontractors, seal, consultation.

-- Changes that customers report, with proof (A6.1), and the three instants of which the latest is their effect (T6-2).
-- `block_id`: what the gate sees of it (G8); null: it touches neither a live certificate nor the next one (T6-4).
CREATE TABLE office.change_reports (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    item text NOT NULL CHECK (item IN ('name', 'address', 'representative', 'succession')),
    organization text,
    state_or_province text,
    locality text,
    document_id uuid NOT NULL REFERENCES office.documents,
    block_id uuid UNIQUE REFERENCES gate.information_changes,
    handling text NOT NULL CHECK (handling IN ('register', 'new_contract')),
    succeeded_on date, -- the legal effective date (T6-3)
    late_case_id uuid REFERENCES office.cases,
    reported_by uuid NOT NULL REFERENCES gate.persons,
    arrived_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    confirmed_by uuid REFERENCES gate.persons,
    confirmed_from text,
    done_at timestamptz,
    done_by uuid REFERENCES gate.persons,
    CHECK ((item = 'succession') = (succeeded_on IS NOT NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_from IS NULL)),
    CHECK ((done_at IS NULL) = (done_by IS NULL)),
    CHECK (done_at IS NULL OR confirmed_at IS NOT NULL)
);
CREATE INDEX change_reports_of_contract ON office.change_reports (contract_id);

-- What the corporate-number register said last of a customer (T6-5). It never changes what the CA has reviewed.
CREATE TABLE office.register_states (
    customer_id uuid PRIMARY KEY REFERENCES gate.customers,
    name text NOT NULL,
    prefecture text NOT NULL,
    city text NOT NULL,
    street text NOT NULL,
    closed_on date,
    successor text,
    checked_at timestamptz NOT NULL
);

-- The seal (Web ステッカー) is off until the customer asks for it (T1-3). Whether it is valid is never stored (T19-2).
CREATE TABLE office.seals (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    token text NOT NULL UNIQUE CHECK (length(token) >= 22),
    requested_by uuid NOT NULL REFERENCES gate.persons,
    requested_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    deletion_notice_id uuid REFERENCES office.notices -- after the end (T19-1)
);

-- The seal was asked for from the customer's own host after the end (T19-3): one row a host and day, JST.
CREATE TABLE office.seal_uses (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    host text NOT NULL,
    used_on date NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, used_on, host)
);

-- The suspensions by which the service ends (T23-3).
ALTER TABLE gate.suspensions DROP CONSTRAINT suspensions_clause_check;
ALTER TABLE gate.suspensions ADD CONSTRAINT suspensions_clause_check
    CHECK (clause IN ('A10.1', 'A22.1', 'A22.2', 'A23.1'));
ALTER TABLE office.service_end ADD COLUMN suspension_id uuid UNIQUE REFERENCES gate.suspensions;

-- Timers of a customer that the operator lets run longer because of a suspension (T10-3).
CREATE TABLE office.timer_extensions (
    id uuid PRIMARY KEY,
    suspension_id uuid NOT NULL REFERENCES gate.suspensions,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    timer text NOT NULL CHECK (timer IN ('lapse', 'reissue')),
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    extended_by uuid NOT NULL REFERENCES gate.persons,
    extended_at timestamptz NOT NULL
);
CREATE INDEX timer_extensions_of_contract ON office.timer_extensions (contract_id, timer);

-- What the CA may have to pay (Article 25): the inputs, what a person answered to each exclusion, and who (T25-3).
CREATE TABLE office.liability_proposals (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    incident_on date NOT NULL,
    damage_yen bigint NOT NULL CHECK (damage_yen >= 0),
    received_fee_yen integer NOT NULL CHECK (received_fee_yen >= 0),
    term_months integer NOT NULL,
    term_end date NOT NULL,
    ceiling_yen integer NOT NULL CHECK (ceiling_yen BETWEEN 0 AND received_fee_yen),
    proposed_yen integer NOT NULL CHECK (proposed_yen BETWEEN 0 AND ceiling_yen),
    excluded_by text[] NOT NULL,
    terms_version text NOT NULL,
    answered_by uuid NOT NULL REFERENCES gate.persons,
    proposed_at timestamptz NOT NULL
);
CREATE INDEX liability_proposals_of_contract ON office.liability_proposals (contract_id);

-- Subcontractors (T17-1). The domain is never theirs to validate: there is no such role.
CREATE TABLE office.subcontractors (
    id uuid PRIMARY KEY,
    organisation text NOT NULL UNIQUE CHECK (organisation <> ''),
    role text NOT NULL CHECK (role IN ('review_support', 'call_back', 'hosting', 'mail', 'printing', 'support')),
    from_on date NOT NULL,
    until_on date,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    CHECK (until_on >= from_on)
);

-- Doubt or dispute (T28-1): pauses reminders, what is automatic, and decisions under A11.4.4; nothing else.
CREATE TABLE office.consultations (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    reason text NOT NULL CHECK (reason <> ''),
    owner_id uuid NOT NULL REFERENCES gate.persons,
    review_on date NOT NULL,
    set_by uuid NOT NULL REFERENCES gate.persons,
    set_at timestamptz NOT NULL,
    ended_by uuid REFERENCES gate.persons,
    ended_at timestamptz,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX consultations_live ON office.consultations (contract_id) WHERE ended_at IS NULL;

-- Leaks of personal data (T16-2) and their two reports.
CREATE TABLE office.leaks (
    id uuid PRIMARY KEY,
    found_at timestamptz NOT NULL,
    malicious boolean NOT NULL,
    affected text NOT NULL CHECK (affected <> ''),
    measures text NOT NULL CHECK (measures <> ''),
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    preliminary_due_at timestamptz NOT NULL,
    final_due_at timestamptz NOT NULL,
    preliminary_at timestamptz,
    final_at timestamptz,
    CHECK (final_at IS NULL OR preliminary_at IS NOT NULL)
);
CREATE INDEX leaks_open ON office.leaks (found_at) WHERE final_at IS NULL;

CREATE OR REPLACE FUNCTION keiyaku.deadlines(at timestamptz, OUT nearest timestamptz, OUT overdue bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT min(d.until), count(*) FILTER (WHERE d.until < at) FROM (
        SELECT deadline_at FROM office.cases WHERE state NOT IN ('published', 'closed') AND deadline_at IS NOT NULL
        UNION ALL
        SELECT received_at + interval '24 hours' FROM office.problem_reports
        WHERE closed_at IS NULL AND preliminary_at IS NULL
        UNION ALL
        SELECT CASE WHEN preliminary_at IS NULL THEN preliminary_due_at ELSE final_due_at END FROM office.leaks
        WHERE final_at IS NULL) AS d(until)
$$;

-- When personal data of a row was destroyed, the row staying (T16-2).
ALTER TABLE office.problem_reports ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.invoice_papers ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.applications ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.deliveries ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.screenings ADD COLUMN personal_data_destroyed_at timestamptz;

-- changes, seal, suspension, service end, liability, subcontractors, consultation, leaks
GRANT SELECT, INSERT ON office.change_reports, office.seals, office.timer_extensions, office.liability_proposals,
    office.subcontractors, office.consultations, office.leaks TO keiyaku_operator;
GRANT SELECT ON office.register_states, office.seal_uses TO keiyaku_operator;
GRANT UPDATE (block_id, late_case_id, confirmed_at, confirmed_by, confirmed_from, done_at, done_by)
    ON office.change_reports TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.seals TO keiyaku_operator;
GRANT UPDATE (until_on) ON office.subcontractors TO keiyaku_operator;
GRANT UPDATE (review_on, ended_by, ended_at) ON office.consultations TO keiyaku_operator;
GRANT UPDATE (preliminary_at, final_at) ON office.leaks TO keiyaku_operator;
GRANT UPDATE (ends_at) ON office.reissues_pending TO keiyaku_operator;
GRANT UPDATE (representative) ON office.applications TO keiyaku_operator;
GRANT SELECT ON office.seals, office.timer_extensions, office.consultations, office.subcontractors TO keiyaku_office;
GRANT UPDATE (deletion_notice_id) ON office.seals TO keiyaku_office;
GRANT SELECT, INSERT ON office.seal_uses TO keiyaku_office;
GRANT SELECT, INSERT, UPDATE ON office.register_states TO keiyaku_office;
GRANT SELECT (corporate_number) ON gate.customers TO keiyaku_office;
GRANT INSERT ON gate.information_changes, gate.suspensions, office.endings TO keiyaku_office;
GRANT SELECT ON gate.information_changes, gate.suspensions, office.invoice_papers TO keiyaku_office;
GRANT UPDATE (representative, personal_data_destroyed_at) ON office.applications TO keiyaku_office;
GRANT UPDATE (reporter, email, what, personal_data_destroyed_at) ON office.problem_reports TO keiyaku_office;
GRANT UPDATE (buyer, payer, personal_data_destroyed_at) ON office.invoice_papers TO keiyaku_office;
GRANT SELECT (id, contract_id, added_at, personal_data_destroyed_at) ON office.screenings TO keiyaku_office;
GRANT UPDATE (subject, source, grounds, personal_data_destroyed_at) ON office.screenings TO keiyaku_office;
