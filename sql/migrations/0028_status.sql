-- Status services: compromises proven later, OCSP, what was published where, and the root's next CRLs.

-- Since when a key was compromised, if that was proven to be earlier: the CRL's and OCSP's revocation date (C-143).
ALTER TABLE ca.revocations ADD COLUMN compromised_at timestamptz,
    ADD CONSTRAINT revocations_compromised CHECK (
        compromised_at IS NULL OR (reason IS NOT DISTINCT FROM 1 AND compromised_at <= revoked_at));

-- Certificates of OCSP responders, each with the process that has its key in memory (C-118). Their serial
-- numbers are in ca.serials too.
CREATE TABLE ca.responders (
    id uuid PRIMARY KEY,
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    serial bytea NOT NULL UNIQUE REFERENCES ca.serials,
    held_by text NOT NULL,
    certificate bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL CHECK (not_after > not_before),
    made_at timestamptz NOT NULL
);

-- The answer about each serial number whose certificate, or precertificate, names an OCSP responder; without this_update
-- it has yet to be signed. It is signed anew from due_at on.
CREATE TABLE ca.ocsp_responses (
    serial bytea PRIMARY KEY REFERENCES ca.serials,
    issuer_id smallint NOT NULL,
    not_after timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    this_update timestamptz,
    next_update timestamptz,
    by_sha1 bytea,
    by_sha256 bytea,
    CHECK (num_nulls(this_update, next_update, by_sha1, by_sha256) IN (0, 4))
);
CREATE INDEX ocsp_responses_due ON ca.ocsp_responses (issuer_id, due_at);

-- A record that may have been signed and has the access method OCSP in its bytes wants an answer (C-125, C-147).
CREATE FUNCTION ca.ocsp_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
    VALUES (NEW.serial, NEW.issuer_id, NEW.not_after, NEW.created_at) ON CONFLICT (serial) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER ocsp_wanted AFTER UPDATE OF state ON ca.to_be_signed FOR EACH ROW
    WHEN (OLD.state = 'admitted' AND NEW.state <> 'admitted'
        AND position('\x06082b06010505073001'::bytea IN NEW.tbs) > 0)
    EXECUTE FUNCTION ca.ocsp_wanted();

-- What was revoked, or is revoked otherwise now, is answered anew.
CREATE FUNCTION ca.ocsp_outdated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE ca.ocsp_responses SET due_at = NEW.revoked_at WHERE serial = NEW.serial;
    RETURN NULL;
END $$;
CREATE TRIGGER ocsp_outdated AFTER INSERT OR UPDATE OF reason, compromised_at ON ca.revocations
    FOR EACH ROW EXECUTE FUNCTION ca.ocsp_outdated();

-- What a directory or bucket holds, and since when. `number` is a CRL's, 0 of everything else.
CREATE TABLE ca.publications (
    target text NOT NULL,
    path text NOT NULL,
    number bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    published_at timestamptz NOT NULL,
    PRIMARY KEY (target, path)
);

-- CRLs of a root after its first: recorded with the two people before the root signs them (C-117). A number that was
-- recorded is never used again.
CREATE TABLE office.root_crls (
    id uuid PRIMARY KEY,
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    number bigint NOT NULL CHECK (number > 0),
    tbs bytea NOT NULL,
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    prepared_at timestamptz NOT NULL,
    transcript text,
    signed_at timestamptz,
    UNIQUE (issuer_id, number),
    CHECK (first_person <> second_person),
    CHECK ((transcript IS NULL) = (signed_at IS NULL))
);

-- status services
GRANT UPDATE (compromised_at) ON ca.revocations TO keiyaku_acme, keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON ca.responders TO keiyaku_sign;
GRANT INSERT ON ca.serials TO keiyaku_sign;
GRANT SELECT ON ca.ocsp_responses TO keiyaku_sign, keiyaku_status, keiyaku_work, keiyaku_operator;
GRANT UPDATE (due_at, this_update, next_update, by_sha1, by_sha256) ON ca.ocsp_responses TO keiyaku_sign;
GRANT SELECT ON ca.responders TO keiyaku_work, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE ON ca.publications TO keiyaku_work;
GRANT SELECT ON ca.publications TO keiyaku_operator;
GRANT DELETE ON ca.crls TO keiyaku_work; -- what newer ones have replaced long ago; that it was made stays evidence
GRANT SELECT, INSERT ON office.root_crls TO keiyaku_operator;
GRANT UPDATE (transcript, signed_at) ON office.root_crls TO keiyaku_operator;
