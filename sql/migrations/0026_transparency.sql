-- Certificate Transparency (RFC 6962): lists of logs, precertificates, and the one final record that SCTs lead to.
-- Lists of logs as they were read; the newest by its own date counts, so an older file never replaces a newer one (C-130).
CREATE TABLE ca.log_lists (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    content bytea NOT NULL,
    listed_at timestamptz NOT NULL,
    source text NOT NULL,
    read_at timestamptz NOT NULL
);

-- A precertificate as it was signed, from when on it counts as issued: it can be revoked, and CRLs show it (C-125). Its
-- record stays `admitted` until the certificate itself is stored, or is void and then revoked.
CREATE TABLE ca.precertificates (
    id uuid NOT NULL REFERENCES ca.to_be_signed,
    der bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- The to-be-signed bytes of the certificate that goes with a precertificate: one at most (C-124). The signer signs them
-- only if they are the precertificate's with the SCT list in the poison's place (C-122). signing_at: as in ca.to_be_signed.
CREATE TABLE ca.final_records (
    id uuid NOT NULL REFERENCES ca.precertificates,
    tbs bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    signing_at timestamptz,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- No precertificate is stored for a key that was blocked meanwhile (C-076), as no certificate is. Its status is answered
-- from now on, also if there never is a certificate (C-125).
CREATE FUNCTION ca.precertificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    signed ca.to_be_signed;
BEGIN
    SELECT * INTO signed FROM ca.to_be_signed WHERE id = NEW.id;
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(signed.spki_sha256));
    IF EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = signed.spki_sha256) THEN
        RAISE EXCEPTION 'C-076: key is blocked' USING ERRCODE = 'check_violation';
    END IF;
    IF position('\x06082b06010505073001'::bytea IN signed.tbs) > 0 THEN
        INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
        VALUES (signed.serial, signed.issuer_id, signed.not_after, NEW.signed_at) ON CONFLICT (serial) DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER precertificate_stored AFTER INSERT ON ca.precertificates
    FOR EACH ROW EXECUTE FUNCTION ca.precertificate_stored();
REVOKE ALL ON FUNCTION ca.precertificate_stored FROM PUBLIC;

GRANT SELECT ON ca.log_lists, ca.precertificates, ca.final_records
    TO keiyaku_acme, keiyaku_work, keiyaku_sign, keiyaku_operator;
GRANT INSERT ON ca.log_lists TO keiyaku_work;
GRANT INSERT ON ca.final_records TO keiyaku_acme, keiyaku_work;
GRANT INSERT ON ca.precertificates TO keiyaku_sign;
GRANT UPDATE (signing_at) ON ca.final_records TO keiyaku_sign;
