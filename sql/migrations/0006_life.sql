-- The life of a contract: application, documents, review, acceptance, renewal, end (articles 1 to 4, 12 to 15).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keiyaku_compliance') THEN
        CREATE ROLE keiyaku_compliance LOGIN;
    END IF;
END $$;

ALTER TABLE gate.plans ADD COLUMN offered_from timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE gate.plans ADD COLUMN offered_until timestamptz NOT NULL DEFAULT 'infinity';
ALTER TABLE gate.contracts ADD COLUMN link text NOT NULL DEFAULT 'renewal' CHECK (link IN ('renewal', 'change'));
ALTER TABLE gate.contracts DROP CONSTRAINT contracts_predecessor_id_key;
CREATE UNIQUE INDEX contracts_successor ON gate.contracts (predecessor_id)
    WHERE state NOT IN ('withdrawn', 'rejected') AND (end_cause IS NULL OR end_cause = 'expired');

-- Which later contract serves the binding keys and accounts of a contract, from when (T12-7): one row for each contract
-- before it in the line, so that the gate asks once. `ends_at`: a successor that ended early gives them back.
CREATE TABLE gate.successions (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    successor_id uuid NOT NULL REFERENCES gate.contracts,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (contract_id, successor_id),
    CHECK (contract_id <> successor_id)
);
CREATE INDEX successions_serving ON gate.successions (contract_id, starts_at DESC);

GRANT SELECT ON gate.successions TO keiyaku_acme, keiyaku_work, keiyaku_operator;

-- What an application states (T1-4, T4-1, T4-9, T8-14, T8-16). A payer or dealer named here is named in writing.
CREATE TABLE office.applications (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    own_use boolean NOT NULL CHECK (own_use),
    representative text NOT NULL,
    applicant_id uuid NOT NULL REFERENCES gate.persons,
    servers text[] NOT NULL DEFAULT '{}',
    dealer text,
    payer text,
    stated_at timestamptz NOT NULL
);

-- Persons whom the customer named in writing to be handed binding keys (T4-2).
CREATE TABLE office.requesters (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    person_id uuid NOT NULL REFERENCES gate.persons,
    named_by uuid NOT NULL REFERENCES gate.persons,
    named_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (contract_id, person_id)
);

-- Documents, each encrypted under a key of its own: without that key nothing reads the rest (T4-3, T4-7).
CREATE TABLE office.documents (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL,
    issued_on date NOT NULL,
    received_on date NOT NULL CHECK (received_on >= issued_on),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    sealed_key bytea,
    sealed_content bytea,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    destroy_at timestamptz,
    destroyed_at timestamptz,
    CHECK ((destroyed_at IS NULL) = (sealed_key IS NOT NULL)),
    CHECK ((destroyed_at IS NULL) = (sealed_content IS NOT NULL))
);
CREATE INDEX documents_of_contract ON office.documents (contract_id);
CREATE INDEX documents_to_destroy ON office.documents (destroy_at) WHERE destroyed_at IS NULL;

-- The call that proves the applicant's authority, to a number from an independent source (T4-3).
CREATE TABLE office.call_backs (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    number_source text NOT NULL,
    confirmed boolean NOT NULL,
    called_by uuid NOT NULL REFERENCES gate.persons,
    called_at timestamptz NOT NULL
);
CREATE INDEX call_backs_of_contract ON office.call_backs (contract_id);

-- "Other organisation" is eligible when the CA accepts it (T3-1).
CREATE TABLE office.eligibility_approvals (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    grounds text NOT NULL,
    approved_by uuid NOT NULL REFERENCES gate.persons,
    approved_at timestamptz NOT NULL
);

-- An application that formed no contract (T4-7): kept for ever, unlike its documents.
CREATE TABLE office.rejections (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    reason_code text NOT NULL,
    rejected_by_first uuid NOT NULL REFERENCES gate.persons,
    rejected_by_second uuid NOT NULL REFERENCES gate.persons,
    rejected_at timestamptz NOT NULL,
    CHECK (rejected_by_first <> rejected_by_second)
);

-- How a contract ended before its time: who asked or decided (T11-4, T13-2).
CREATE TABLE office.endings (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    cause text NOT NULL CHECK (cause IN ('cancelled', 'rescinded', 'service_ended')),
    clause text NOT NULL,
    asked_by uuid REFERENCES gate.persons,
    decided_by_first uuid REFERENCES gate.persons,
    decided_by_second uuid REFERENCES gate.persons,
    ended_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((decided_by_first IS NULL) = (decided_by_second IS NULL)),
    CHECK ((cause = 'cancelled') = (asked_by IS NOT NULL)),
    CHECK (cause = 'cancelled' OR decided_by_first IS NOT NULL)
);

-- The last certificate is gone and none has followed yet (T12-3).
CREATE TABLE office.reissues_pending (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    since timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > since),
    closed_at timestamptz,
    PRIMARY KEY (contract_id, since)
);
CREATE UNIQUE INDEX reissues_pending_open ON office.reissues_pending (contract_id) WHERE closed_at IS NULL;

-- Who is screened for a contract (T13-1), and with what answer. Sources and grounds: compliance only (T13-3).
CREATE TABLE office.screenings (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    role text NOT NULL CHECK (role IN ('customer', 'representative', 'applicant', 'requester', 'payer')),
    subject text NOT NULL,
    added_at timestamptz NOT NULL,
    verdict text NOT NULL DEFAULT 'pending' CHECK (verdict IN ('pending', 'clear', 'hit')),
    source text,
    grounds text,
    checked_by uuid REFERENCES gate.persons,
    checked_at timestamptz,
    UNIQUE (contract_id, role, subject),
    CHECK ((verdict = 'pending') = (checked_by IS NULL)),
    CHECK ((verdict = 'pending') = (source IS NULL)),
    CHECK ((verdict = 'pending') = (checked_at IS NULL)),
    CHECK ((verdict = 'hit') = (grounds IS NOT NULL))
);

-- Standing consent to renew under a plan (T12-4): a renewal may then be applied for without the customer's hand.
CREATE TABLE office.renewal_consents (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    plan_id uuid NOT NULL REFERENCES gate.plans,
    person_id uuid NOT NULL REFERENCES gate.persons,
    consented_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);

-- Written consent of the other side to a transfer, recorded by two people (T15-1).
CREATE TABLE office.assignments (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    to_customer_id uuid NOT NULL REFERENCES gate.customers,
    document_sha256 bytea NOT NULL CHECK (octet_length(document_sha256) = 32),
    recorded_by_first uuid NOT NULL REFERENCES gate.persons,
    recorded_by_second uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, to_customer_id),
    CHECK (recorded_by_first <> recorded_by_second)
);

-- What a daily job has announced already, once for a contract (T12-8, T12-6).
CREATE TABLE office.announcements (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL CHECK (kind IN ('lapse', 'renewal')),
    announced_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, kind)
);

-- A contract goes on as §0.3 says, and only so; ended, withdrawn and rejected are final. It stays with its customer
-- unless two people recorded the other side's written consent (T15-1).
CREATE FUNCTION gate.contract_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('applied', 'under_review'), ('applied', 'withdrawn'),
        ('under_review', 'awaiting_customer'), ('under_review', 'withdrawn'), ('under_review', 'rejected'),
        ('under_review', 'accepted'), ('awaiting_customer', 'under_review'), ('awaiting_customer', 'withdrawn'),
        ('awaiting_customer', 'rejected'), ('accepted', 'ended')) THEN
        RAISE EXCEPTION 'contract % cannot go from % to %', OLD.handle, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.customer_id <> OLD.customer_id AND NOT EXISTS (
        SELECT FROM office.assignments a WHERE a.contract_id = OLD.id AND a.to_customer_id = NEW.customer_id) THEN
        RAISE EXCEPTION 'T15-1: contract % is not transferable', OLD.handle USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_moves BEFORE UPDATE OF state, customer_id ON gate.contracts
    FOR EACH ROW EXECUTE FUNCTION gate.contract_moves();
REVOKE ALL ON FUNCTION gate.contract_moves FROM PUBLIC;

-- the life of a contract: the office's use cases and its daily jobs; of screenings, what is not compliance's (T13-3)
GRANT SELECT ON gate.plans, gate.contracts, gate.contract_names, gate.contract_starts,
    gate.consents, gate.review_items, gate.successions, gate.readings TO keiyaku_office;
GRANT UPDATE (state, ended_at, end_cause) ON gate.contracts TO keiyaku_office;
GRANT INSERT, UPDATE (ends_at) ON gate.successions TO keiyaku_operator;
GRANT UPDATE (ends_at) ON gate.successions TO keiyaku_office;
GRANT UPDATE ON gate.plans TO keiyaku_operator;
GRANT SELECT, INSERT ON office.applications, office.requesters, office.documents, office.call_backs,
    office.eligibility_approvals, office.rejections, office.endings, office.reissues_pending, office.renewal_consents,
    office.assignments, office.announcements TO keiyaku_operator;
GRANT SELECT ON office.applications, office.requesters, office.endings, office.renewal_consents TO keiyaku_office;
GRANT SELECT, INSERT ON office.announcements, office.reissues_pending TO keiyaku_office;
GRANT UPDATE (closed_at) ON office.reissues_pending TO keiyaku_office, keiyaku_operator;
GRANT SELECT (id, contract_id, destroy_at, destroyed_at) ON office.documents TO keiyaku_office;
GRANT UPDATE (sealed_key, sealed_content, destroyed_at) ON office.documents TO keiyaku_office;
GRANT UPDATE (servers, dealer, payer) ON office.applications TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.requesters, office.renewal_consents TO keiyaku_operator;
GRANT UPDATE (sealed_key, sealed_content, destroy_at, destroyed_at) ON office.documents TO keiyaku_operator;
GRANT INSERT ON office.screenings TO keiyaku_operator;
GRANT SELECT (id, contract_id, role, subject, added_at, verdict, checked_at) ON office.screenings TO keiyaku_operator;
GRANT UPDATE (verdict, source, grounds, checked_by, checked_at) ON office.screenings TO keiyaku_operator;
GRANT SELECT ON acme.issuances TO keiyaku_office;
GRANT SELECT (id, serial, not_after, state) ON ca.to_be_signed TO keiyaku_office;
GRANT SELECT (serial) ON ca.revocations TO keiyaku_office;
GRANT SELECT (id, handle) ON gate.persons TO keiyaku_compliance;
GRANT SELECT (id, handle) ON gate.contracts TO keiyaku_compliance;
GRANT SELECT ON office.screenings TO keiyaku_compliance;
GRANT USAGE ON SCHEMA gate, office TO keiyaku_compliance;
