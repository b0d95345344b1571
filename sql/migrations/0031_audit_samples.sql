-- The self-audit: at least each quarter a random sample of what was issued is examined anew (BR 8.7, C-175).

-- A seed that nobody knew before the period was over: the first checkpoint after it.
CREATE INDEX checkpoints_by_instant ON evidence.checkpoints (sealed_at);

CREATE TABLE office.audit_samples (
    id uuid PRIMARY KEY,
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL CHECK (until_at > from_at),
    percent smallint NOT NULL CHECK (percent BETWEEN 3 AND 100),
    seed bytea NOT NULL CHECK (octet_length(seed) BETWEEN 16 AND 64),
    seed_source text NOT NULL CHECK (seed_source <> ''),
    population integer NOT NULL CHECK (population >= 0),
    population_sha256 bytea NOT NULL CHECK (octet_length(population_sha256) = 32),
    drawn_by uuid NOT NULL REFERENCES gate.persons,
    drawn_at timestamptz NOT NULL
);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.audit_samples
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('drawn_by');

-- What was drawn, before anybody looked at it; then who linted it and what was wrong.
CREATE TABLE office.sampled_certificates (
    sample_id uuid NOT NULL REFERENCES office.audit_samples,
    serial bytea NOT NULL REFERENCES ca.serials,
    linted_by text[],
    faults text[],
    audited_at timestamptz,
    PRIMARY KEY (sample_id, serial),
    CHECK (num_nulls(linted_by, faults, audited_at) IN (0, 3))
);

GRANT SELECT, INSERT ON office.audit_samples, office.sampled_certificates TO keiyaku_operator;
GRANT UPDATE (linted_by, faults, audited_at) ON office.sampled_certificates TO keiyaku_operator;
GRANT SELECT ON office.audit_samples, office.sampled_certificates TO keiyaku_auditor;
