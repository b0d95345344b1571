-- Revocation by the Terms (Article 11): cases, what was known when, decisions of two people, problem reports.
CREATE TABLE office.cases (
    id uuid PRIMARY KEY,
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'), -- contract_gate/articles/article_11_revocation.GROUNDS
    underlying text CHECK (underlying ~ '^[a-z_]+$'), -- of A11.4.3
    contract_id uuid REFERENCES gate.contracts, -- what it covers: exactly one of these five
    customer_id uuid REFERENCES gate.customers,
    spki_sha256 bytea CHECK (octet_length(spki_sha256) = 32),
    serials bytea[] CHECK (cardinality(serials) > 0),
    issuer_id smallint REFERENCES ca.issuers,
    reporter text NOT NULL CHECK (reporter <> ''),
    note text NOT NULL,
    asked_code smallint CHECK (asked_code IN (1, 3, 4, 5)),
    cps_demands boolean NOT NULL DEFAULT false,
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided', 'executing', 'revoked', 'published', 'closed')),
    attention boolean NOT NULL, -- a person has yet to look at it
    notice_id uuid REFERENCES office.notices, -- before revoking (T11-5)
    notice_failed text,
    executed_at timestamptz,
    published_at timestamptz,
    result_notice_id uuid REFERENCES office.notices,
    deadline_at timestamptz, -- for published revocation, as the Terms and the BR count it; null: no clock runs
    CHECK (num_nonnulls(contract_id, customer_id, spki_sha256, serials, issuer_id) = 1),
    CHECK ((state IN ('revoked', 'published')) = (executed_at IS NOT NULL)),
    CHECK ((state = 'published') = (published_at IS NOT NULL))
);
CREATE INDEX cases_open ON office.cases (received_at) WHERE state NOT IN ('published', 'closed') OR attention;
CREATE INDEX cases_of_contract ON office.cases (contract_id);

-- When and how the CA came to know (T11-9). Insert-only: no later row takes an earlier one back.
CREATE TABLE office.awareness (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES office.cases,
    kind text NOT NULL CHECK (kind IN ('request', 'report', 'own_evidence', 'recorded', 'confirmed')),
    known_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX awareness_of_case ON office.awareness (case_id);

-- Decisions of two different people: that a breach is material (T11-12), and to revoke (T11-7).
CREATE TABLE office.case_decisions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES office.cases,
    kind text NOT NULL CHECK (kind IN ('material', 'revoke')),
    by_first uuid NOT NULL REFERENCES gate.persons,
    by_second uuid NOT NULL REFERENCES gate.persons,
    reason text NOT NULL CHECK (reason <> ''),
    code smallint CHECK (code IN (1, 3, 4, 5, 9)),
    deadline_at timestamptz, -- as shown to them
    decided_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_kind text CHECK (end_kind IN ('withdrawn', 'lapsed')),
    ended_by_first uuid REFERENCES gate.persons,
    ended_by_second uuid REFERENCES gate.persons,
    CHECK (by_first <> by_second),
    CHECK (ended_by_first <> ended_by_second),
    CHECK ((ended_at IS NULL) = (end_kind IS NULL)),
    CHECK (end_kind <> 'withdrawn' OR ended_by_first IS NOT NULL),
    CHECK ((ended_by_first IS NULL) = (ended_by_second IS NULL))
);
CREATE UNIQUE INDEX case_decisions_live ON office.case_decisions (case_id, kind) WHERE ended_at IS NULL;

-- What a case revoked. The instants of T11-11 are those of ca.revocations.
CREATE TABLE office.case_certificates (
    case_id uuid NOT NULL REFERENCES office.cases,
    serial bytea NOT NULL REFERENCES ca.revocations,
    contract_id uuid REFERENCES gate.contracts,
    PRIMARY KEY (case_id, serial)
);
CREATE INDEX case_certificates_by_serial ON office.case_certificates (serial);

-- Revocations through ACME until the office has made a case of each (T11-5): none is lost, and ACME waits for nobody.
CREATE TABLE office.acme_revocations (
    serial bytea PRIMARY KEY REFERENCES ca.revocations,
    recorded_at timestamptz NOT NULL,
    taken_at timestamptz -- into a case; null: not yet
);
CREATE INDEX acme_revocations_new ON office.acme_revocations (recorded_at) WHERE taken_at IS NULL;
CREATE FUNCTION office.revoked_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at) VALUES (NEW.serial, NEW.revoked_at);
    RETURN NULL;
END $$;
CREATE TRIGGER revoked_through_acme AFTER INSERT ON ca.revocations
    FOR EACH ROW WHEN (NEW.requested_by LIKE 'account:%' OR NEW.requested_by LIKE 'key:%')
    EXECUTE FUNCTION office.revoked_through_acme();
REVOKE ALL ON FUNCTION office.revoked_through_acme FROM PUBLIC;

-- Problem reports, day and night (C-161, C-162): a preliminary report to reporter and subscriber within 24 hours.
CREATE TABLE office.problem_reports (
    id uuid PRIMARY KEY,
    reporter text NOT NULL CHECK (reporter <> ''),
    email text NOT NULL CHECK (email <> ''),
    what text NOT NULL CHECK (what <> ''),
    serials bytea[] NOT NULL CHECK (cardinality(serials) > 0),
    received_at timestamptz NOT NULL,
    taken_by uuid NOT NULL REFERENCES gate.persons,
    preliminary_at timestamptz,
    findings text,
    answered_by uuid REFERENCES gate.persons,
    closed_at timestamptz,
    case_id uuid REFERENCES office.cases,
    CHECK ((preliminary_at IS NULL) = (findings IS NULL)),
    CHECK ((preliminary_at IS NULL) = (answered_by IS NULL)),
    CHECK (closed_at IS NULL OR preliminary_at IS NOT NULL)
);
CREATE INDEX problem_reports_open ON office.problem_reports (received_at) WHERE closed_at IS NULL;

-- Which thresholds of a deadline the officers were told of: each once.
CREATE TABLE office.deadline_warnings (
    subject_id uuid NOT NULL,
    threshold integer NOT NULL, -- seconds left
    warned_at timestamptz NOT NULL,
    PRIMARY KEY (subject_id, threshold)
);

-- The CA's own cause (A11.4.8): new certificates of these contracts cost nothing and no payment blocks them (T11-13).
CREATE TABLE gate.free_reissues (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    case_id uuid NOT NULL REFERENCES office.cases,
    granted_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > granted_at)
);

CREATE INDEX issuances_of_contract ON acme.issuances (contract_id);

-- The nearest deadline of a revocation or problem report, and how many are overdue: for `keiyaku check` and the metrics.
CREATE FUNCTION keiyaku.deadlines(at timestamptz, OUT nearest timestamptz, OUT overdue bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT min(d.until), count(*) FILTER (WHERE d.until < at) FROM (
        SELECT deadline_at FROM office.cases WHERE state NOT IN ('published', 'closed') AND deadline_at IS NOT NULL
        UNION ALL
        SELECT received_at + interval '24 hours' FROM office.problem_reports
        WHERE closed_at IS NULL AND preliminary_at IS NULL) AS d(until)
$$;
REVOKE ALL ON FUNCTION keiyaku.deadlines FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keiyaku.deadlines TO keiyaku_acme, keiyaku_work, keiyaku_operator;

-- revocation: officers' commands and the office's sweeps
GRANT SELECT ON gate.free_reissues TO keiyaku_acme, keiyaku_work, keiyaku_office, keiyaku_operator;
GRANT INSERT ON gate.free_reissues TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (granted_at, ends_at, case_id) ON gate.free_reissues TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.cases, office.awareness, office.case_decisions, office.case_certificates,
    office.problem_reports, office.deadline_warnings TO keiyaku_office, keiyaku_operator;
GRANT SELECT, UPDATE (taken_at) ON office.acme_revocations TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (state, attention, notice_id, notice_failed, executed_at, published_at, result_notice_id, deadline_at)
    ON office.cases TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (ended_at, end_kind, ended_by_first, ended_by_second) ON office.case_decisions
    TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (preliminary_at, findings, answered_by, closed_at, case_id) ON office.problem_reports
    TO keiyaku_office, keiyaku_operator;
GRANT SELECT ON ca.serials, ca.to_be_signed, ca.certificates, ca.revocations, ca.blocked_keys, ca.issuers,
    acme.issuances TO keiyaku_office;
GRANT INSERT ON ca.revocations, ca.blocked_keys, acme.jobs TO keiyaku_office;
GRANT SELECT (kind, subject, dead) ON acme.jobs TO keiyaku_office;
GRANT UPDATE (reason, published_at) ON ca.revocations TO keiyaku_office;
