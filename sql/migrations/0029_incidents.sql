-- Compromised keys reported with a proof, and bulk revocations that are planned, paced and rehearsed (C-162, C-163, C-166).

-- Whoever sent this has the private key: it is compromised, and blocked for ever (C-076).
CREATE TABLE office.key_proofs (
    id uuid PRIMARY KEY,
    spki bytea NOT NULL,
    spki_sha256 bytea NOT NULL CHECK (octet_length(spki_sha256) = 32),
    kind text NOT NULL CHECK (kind IN ('csr', 'statement')),
    proof bytea NOT NULL, -- the CSR in DER, or the signature of the statement
    reporter text NOT NULL CHECK (reporter <> ''),
    email text NOT NULL CHECK (email <> ''),
    received_at timestamptz NOT NULL,
    case_id uuid REFERENCES office.cases, -- null: no certificate of the key was left to revoke
    personal_data_destroyed_at timestamptz -- T16-2; the row stays
);
CREATE INDEX key_proofs_of_key ON office.key_proofs (spki_sha256);

-- Incidents: many certificates revoked for one cause, or rehearsed to be (`drill`). `begun_by_…`: of a drill; who decided
-- a true one, its case says. No revocation before `next_at`, whoever goes on with it.
CREATE TABLE office.incidents (
    id uuid PRIMARY KEY,
    drill boolean NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'),
    query text NOT NULL CHECK (query <> ''), -- what was asked for, in words
    explanation_url text CHECK (explanation_url ~ '^https?://'),
    known_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    planned_by uuid NOT NULL REFERENCES gate.persons,
    planned_at timestamptz NOT NULL,
    per_second integer CHECK (per_second BETWEEN 1 AND 1000),
    wait interval CHECK (wait >= interval '0'),
    begun_by_first uuid REFERENCES gate.persons,
    begun_by_second uuid REFERENCES gate.persons,
    begun_at timestamptz,
    windows_at timestamptz,
    next_at timestamptz,
    paused_at timestamptz,
    finished_at timestamptz,
    UNIQUE (id, drill),
    CHECK (begun_by_first <> begun_by_second),
    CHECK (num_nulls(per_second, wait, begun_at) IN (0, 3)),
    CHECK (drill OR begun_by_first IS NULL),
    CHECK (NOT drill OR num_nulls(begun_by_first, begun_by_second, begun_at) IN (0, 3)),
    CHECK (num_nulls(windows_at, next_at) IN (0, 2)),
    CHECK (finished_at IS NULL OR windows_at IS NOT NULL)
);
CREATE INDEX incidents_under_way ON office.incidents (planned_at) WHERE finished_at IS NULL;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.incidents
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('begun_by_first', 'begun_by_second', 'planned_by');

-- The plan's list: no later certificate is added to it. Of a drill all that happens is written here.
CREATE TABLE office.incident_certificates (
    incident_id uuid NOT NULL REFERENCES office.incidents,
    serial bytea NOT NULL REFERENCES ca.serials,
    contract_id uuid REFERENCES gate.contracts,
    not_after timestamptz NOT NULL,
    window_at timestamptz, -- since when clients are told to renew at once
    revoked_at timestamptz,
    PRIMARY KEY (incident_id, serial)
);
CREATE INDEX incident_certificates_windows ON office.incident_certificates (incident_id, serial) WHERE window_at IS NULL;
CREATE INDEX incident_certificates_left ON office.incident_certificates (incident_id, serial) WHERE revoked_at IS NULL;

-- A case may cover what an incident lists. No case covers a drill, and nothing else revokes: a drill touches nothing live.
ALTER TABLE office.cases ADD COLUMN incident_id uuid UNIQUE;
ALTER TABLE office.cases ADD COLUMN incident_is_drill boolean CHECK (NOT incident_is_drill);
ALTER TABLE office.cases ADD FOREIGN KEY (incident_id, incident_is_drill) REFERENCES office.incidents (id, drill);
ALTER TABLE office.cases DROP CONSTRAINT cases_check,
    ADD CONSTRAINT cases_check
        CHECK (num_nonnulls(contract_id, customer_id, spki_sha256, serials, issuer_id, incident_id) = 1),
    ADD CONSTRAINT cases_check3 CHECK ((incident_id IS NULL) = (incident_is_drill IS NULL));

-- incidents: people plan and decide them, the worker goes on with them; anybody proves that a key is compromised
GRANT SELECT, INSERT ON office.key_proofs TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (reporter, email, personal_data_destroyed_at) ON office.key_proofs TO keiyaku_office;
GRANT SELECT, INSERT ON office.incidents, office.incident_certificates TO keiyaku_operator;
GRANT SELECT ON office.incidents, office.incident_certificates TO keiyaku_office;
GRANT UPDATE (per_second, wait, begun_by_first, begun_by_second, begun_at, windows_at, next_at, paused_at, finished_at)
    ON office.incidents TO keiyaku_operator;
GRANT UPDATE (windows_at, next_at, finished_at) ON office.incidents TO keiyaku_office;
GRANT UPDATE (window_at, revoked_at) ON office.incident_certificates TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE (starts_at, ends_at, explanation_url) ON acme.renewal_windows TO keiyaku_office;
