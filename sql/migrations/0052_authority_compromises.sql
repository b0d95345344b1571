-- Revoked certificates of issuing CAs whose key was found compromised later, by two people: from the root's next CRL on
-- their entry says so (C-143).
CREATE TABLE ca.authority_compromises (
    root_id smallint NOT NULL,
    serial bytea NOT NULL,
    reason smallint NOT NULL DEFAULT 1 CHECK (reason = 1), -- in place of the revocation's
    note text NOT NULL CHECK (note <> ''),
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    known_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL CHECK (decided_at >= known_at),
    deadline_at timestamptz NOT NULL, -- for the CRL that shows it
    PRIMARY KEY (root_id, serial),
    FOREIGN KEY (root_id, serial) REFERENCES ca.authority_revocations,
    CHECK (first_person <> second_person)
);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE OF first_person, second_person ON ca.authority_compromises
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('first_person', 'second_person');
GRANT SELECT, INSERT ON ca.authority_compromises TO keiyaku_operator;
