-- The JSON API: tokens, proposals, answers that are given again, and what its process may do.
-- A problem report from the open intake was taken by nobody.
ALTER TABLE office.problem_reports ALTER COLUMN taken_by DROP NOT NULL;

-- Tokens of the JSON API: of a natural person, or of a service, which cannot decide. Only the hash is kept; the secret
-- has 256 random bits. Customers' roles are bound to their customer.
CREATE TABLE office.tokens (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    person_id uuid REFERENCES gate.persons,
    service text CHECK (service ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    role text NOT NULL CHECK (role IN
        ('applicant', 'requester', 'officer', 'approver', 'compliance', 'operator', 'auditor')),
    customer_id uuid REFERENCES gate.customers,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    withdrawn_at timestamptz,
    last_used_on date, -- coarse: one write a day
    CHECK (num_nonnulls(person_id, service) = 1),
    CHECK ((role IN ('applicant', 'requester')) = (customer_id IS NOT NULL))
);

-- Decisions that one person proposed and another confirms (2p). Which use case `kind` names: office/use_cases/proposals.py.
CREATE TABLE office.proposals (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]+[.][a-z_]+$'),
    contract_id uuid REFERENCES gate.contracts,
    arguments jsonb NOT NULL,
    proposed_by uuid NOT NULL REFERENCES gate.persons,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > proposed_at),
    confirmed_by uuid REFERENCES gate.persons,
    confirmed_at timestamptz,
    withdrawn_by uuid REFERENCES gate.persons,
    withdrawn_at timestamptz,
    CHECK (proposed_by <> confirmed_by),
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    CHECK (num_nonnulls(confirmed_at, withdrawn_at) <= 1),
    CHECK (confirmed_at < expires_at)
);

-- Answers to calls that create, so that a call repeated under its key is answered again and not done again.
-- `sealed`: encrypted under a key made of the token, which nobody keeps: an answer may hold a secret.
CREATE TABLE office.idempotency_keys (
    token_id uuid NOT NULL REFERENCES office.tokens,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    sealed bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (token_id, key)
);
CREATE INDEX idempotency_keys_old ON office.idempotency_keys (answered_at);
CREATE FUNCTION office.forget_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    WITH gone AS (
        DELETE FROM office.idempotency_keys WHERE (token_id, key) IN (
            SELECT token_id, key FROM office.idempotency_keys WHERE answered_at < before
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Whether somebody at that network may hand in another problem report now; if so it is counted.
CREATE FUNCTION office.take_report(network text, at timestamptz) RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT acme.take(NULL, ARRAY['problem_reports'], ARRAY[network], ARRAY[20], ARRAY[interval '1 hour'], at)
$$;
REVOKE ALL ON FUNCTION office.forget_answers, office.take_report FROM PUBLIC;

-- the JSON API: what its operations do, as the operators' commands may; of holds never the grounds (T13-3)
GRANT SELECT, INSERT ON office.proposals, office.idempotency_keys TO keiyaku_office;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_by, withdrawn_at) ON office.proposals TO keiyaku_office;
GRANT SELECT ON office.tokens TO keiyaku_office;
GRANT UPDATE (last_used_on) ON office.tokens TO keiyaku_office;
GRANT SELECT, INSERT ON office.tokens TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.tokens TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION office.forget_answers, office.take_report TO keiyaku_office;
GRANT SELECT ON gate.persons, gate.customers, gate.texts, gate.reviewed_subjects, gate.binding_uses, gate.receipts,
    gate.payment_matches, gate.information_changes, gate.suspensions, gate.bank_days, evidence.records TO keiyaku_office;
GRANT SELECT (id, kid, contract_id, label, names, uses_max, created_at, expires_at, withdrawn_at) ON gate.binding_keys
    TO keiyaku_office;
GRANT SELECT (id, contract_id, kind, status, set_at, lifted_at) ON gate.holds TO keiyaku_office;
GRANT INSERT ON gate.persons, gate.customers, gate.contracts, gate.contract_names, gate.consents, gate.review_items,
    gate.reviewed_subjects, gate.binding_keys, gate.receipts, gate.payment_matches, gate.holds, gate.bank_days,
    gate.successions TO keiyaku_office;
GRANT UPDATE (accepted_at, accepted_by_first, accepted_by_second) ON gate.contracts TO keiyaku_office;
GRANT UPDATE (removed_at) ON gate.contract_names TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON gate.binding_keys TO keiyaku_office;
GRANT UPDATE (status, lifted_by_first, lifted_by_second, lifted_at) ON gate.holds TO keiyaku_office;
GRANT UPDATE (covered_through) ON gate.bank_accounts TO keiyaku_office;
GRANT UPDATE (undone_at) ON gate.payment_matches TO keiyaku_office;
GRANT UPDATE (cancelled_at) ON gate.receipts TO keiyaku_office;
GRANT SELECT, INSERT ON office.applications, office.requesters, office.call_backs, office.rejections, office.endings,
    office.documents TO keiyaku_office;
GRANT SELECT ON office.eligibility_approvals, office.assignments TO keiyaku_office;
GRANT UPDATE (destroy_at) ON office.documents TO keiyaku_office;
GRANT INSERT ON office.screenings TO keiyaku_office;
GRANT SELECT (id, contract_id, role, subject, added_at, verdict, checked_at) ON office.screenings TO keiyaku_office;
GRANT SELECT, INSERT ON office.bank_files, office.bank_file_periods, office.bank_lines TO keiyaku_office;
GRANT SELECT ON office.bank_dialects, office.virtual_accounts, office.payer_aliases TO keiyaku_office;
GRANT UPDATE (booked_at) ON office.bank_files TO keiyaku_office;
GRANT UPDATE (state, note, receipt_id) ON office.bank_lines TO keiyaku_office;
GRANT SELECT ON gate.holds TO keiyaku_compliance;
