-- Certificates of issuing CAs, cross certificates too, that two people had revoked (BR 4.9.1.2): from decided_at on nothing
-- is issued below an issuing CA's own certificate, and every later CRL of the root has the entry.
CREATE TABLE ca.authority_revocations (
    serial bytea NOT NULL CHECK (octet_length(serial) BETWEEN 1 AND 20),
    root_id smallint NOT NULL REFERENCES ca.issuers, -- who signed it, and on whose CRL it is
    issuer_id smallint NOT NULL REFERENCES ca.issuers, -- whose certificate it is
    cross_id smallint REFERENCES ca.cross_certificates, -- which of its cross certificates; null: its own
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'), -- ca/authority_grounds.py
    reason smallint NOT NULL CHECK (reason IN (1, 3, 4, 5, 9)), -- never absent of a CA (BR 7.2.2, C-140)
    note text NOT NULL CHECK (note <> ''),
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    requested_at timestamptz NOT NULL, -- when the CA was asked, or knew
    decided_at timestamptz NOT NULL CHECK (decided_at >= requested_at),
    deadline_at timestamptz NOT NULL, -- for the CRL that shows it
    not_after timestamptz NOT NULL,
    published_at timestamptz,
    PRIMARY KEY (root_id, serial),
    CHECK (first_person <> second_person)
);
CREATE UNIQUE INDEX authority_revocations_own ON ca.authority_revocations (issuer_id) WHERE cross_id IS NULL;
CREATE UNIQUE INDEX authority_revocations_cross ON ca.authority_revocations (cross_id);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE OF first_person, second_person ON ca.authority_revocations
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('first_person', 'second_person');
GRANT SELECT (issuer_id, cross_id) ON ca.authority_revocations TO keiyaku_acme, keiyaku_work, keiyaku_sign;
GRANT SELECT, INSERT ON ca.authority_revocations TO keiyaku_operator;
GRANT UPDATE (published_at) ON ca.authority_revocations TO keiyaku_operator;
