-- Certificates and CRLs that a restored backup does not know, taken in again: which files, and the two people who had it
-- done. Nothing of a decision is left, nor of an order; their contract is known, or is not.
CREATE TABLE office.certificate_imports (
    id uuid PRIMARY KEY,
    file_sha256 bytea NOT NULL CHECK (octet_length(file_sha256) = 32),
    imported_by_first uuid NOT NULL REFERENCES gate.persons,
    imported_by_second uuid NOT NULL REFERENCES gate.persons,
    imported_at timestamptz NOT NULL,
    CHECK (imported_by_first <> imported_by_second)
);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.certificate_imports
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('imported_by_first', 'imported_by_second');

-- A record is signed because a decision admits it, or was signed and came back through an import; then nobody signs it again.
ALTER TABLE ca.to_be_signed ALTER COLUMN admission_id DROP NOT NULL;
ALTER TABLE ca.to_be_signed ADD COLUMN import_id uuid REFERENCES office.certificate_imports;
ALTER TABLE ca.to_be_signed
    ADD CONSTRAINT to_be_signed_admitted_or_imported CHECK (num_nonnulls(admission_id, import_id) = 1),
    ADD CONSTRAINT to_be_signed_imported_as_signed CHECK (import_id IS NULL OR state = 'signed');

ALTER TABLE acme.issuances DROP CONSTRAINT issuances_pkey;
ALTER TABLE acme.issuances DROP CONSTRAINT issuances_to_be_signed_id_key;
ALTER TABLE acme.issuances ALTER COLUMN order_id DROP NOT NULL;
ALTER TABLE acme.issuances ALTER COLUMN account_id DROP NOT NULL;
ALTER TABLE acme.issuances
    ADD CONSTRAINT issuances_pkey PRIMARY KEY (to_be_signed_id),
    ADD CONSTRAINT issuances_order_id_key UNIQUE (order_id),
    ADD CONSTRAINT issuances_order_and_account CHECK ((order_id IS NULL) = (account_id IS NULL));

-- A certificate or precertificate that was signed, and came back: its record is there, if it is not already, with the
-- certificate, its contract, and the question what OCSP answers. One whose serial number came back on a CRL is that of the
-- revocation. What a decision of this database admitted is left as it is.
CREATE FUNCTION ca.import_certificate(of_import uuid, made uuid, issuer smallint, number bytea, profile_name text, bytes bytea,
    held text[], spki bytea, since timestamptz, until timestamptz, of_shard smallint, certificate bytea, precertificate bytea,
    contract uuid, signed timestamptz, at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known uuid;
BEGIN
    SELECT t.id INTO known FROM ca.serials s JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
    WHERE s.serial = number AND s.issuer_id = issuer AND t.import_id IS NOT NULL;
    IF known IS NULL THEN
        known := made;
        INSERT INTO ca.serials AS s (serial, to_be_signed_id, issuer_id) VALUES (number, made, issuer)
        ON CONFLICT (serial) DO UPDATE SET to_be_signed_id = made WHERE s.issuer_id = issuer
            AND NOT EXISTS (SELECT FROM ca.to_be_signed t WHERE t.id = s.to_be_signed_id)
            AND EXISTS (SELECT FROM ca.revocations r WHERE r.serial = number);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'serial number % is another''s', encode(number, 'hex') USING ERRCODE = 'unique_violation';
        END IF;
        UPDATE ca.revocations SET to_be_signed_id = made, not_after = until WHERE serial = number;
        INSERT INTO ca.to_be_signed (id, issuer_id, import_id, serial, profile, tbs, names, spki_sha256, not_before, not_after,
            shard, state, deadline_at, created_at)
        VALUES (made, issuer, of_import, number, profile_name, bytes, held, spki, since, until, of_shard, 'signed', at, signed);
        INSERT INTO acme.issuances (to_be_signed_id, contract_id) SELECT made, contract WHERE contract IS NOT NULL;
        IF position('\x06082b06010505073001'::bytea IN bytes) > 0 THEN
            INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at) VALUES (number, issuer, until, at)
            ON CONFLICT (serial) DO UPDATE SET not_after = until, due_at = at;
        END IF;
    END IF;
    INSERT INTO ca.certificates (id, issuer_id, serial, der, names, spki_sha256, not_before, not_after, shard, signed_at)
    SELECT known, issuer, number, certificate, held, spki, since, until, of_shard, signed WHERE certificate IS NOT NULL;
    INSERT INTO ca.precertificates (id, der, signed_at, spki_sha256)
    SELECT known, precertificate, signed, spki WHERE precertificate IS NOT NULL;
END $$;

-- Serial numbers of which no more came back than that they are revoked: theirs for ever. They are answered about where
-- certificates of their issuing CA are.
CREATE FUNCTION ca.import_serials(issuer smallint, numbers bytea[], ids uuid[], until timestamptz, at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO ca.serials (serial, to_be_signed_id, issuer_id) SELECT n.serial, n.id, issuer FROM unnest(numbers, ids) AS n(serial, id);
    INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at) SELECT n, issuer, until, at FROM unnest(numbers) AS n
    WHERE EXISTS (SELECT FROM ca.ocsp_responses WHERE issuer_id = issuer);
$$;
REVOKE ALL ON FUNCTION ca.import_certificate, ca.import_serials FROM PUBLIC;

-- As they were, but that what came back is stored whatever happened to its key or its issuing CA: it was signed before.
CREATE OR REPLACE FUNCTION acme.certificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    issuance acme.issuances;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7106, NEW.issuer_id);
    IF EXISTS (SELECT FROM ca.authority_revocations WHERE issuer_id = NEW.issuer_id AND cross_id IS NULL)
        AND NOT EXISTS (SELECT FROM ca.to_be_signed WHERE id = NEW.id AND import_id IS NOT NULL) THEN
        RAISE EXCEPTION 'C-160: issuing CA is revoked' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(NEW.spki_sha256));
    IF EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = NEW.spki_sha256)
        AND NOT EXISTS (SELECT FROM ca.to_be_signed WHERE id = NEW.id AND import_id IS NOT NULL) THEN
        RAISE EXCEPTION 'C-076: key is blocked' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO issuance FROM acme.issuances WHERE to_be_signed_id = NEW.id;
    IF issuance.order_id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE acme.orders SET status = 'valid', certificate_id = NEW.id
    WHERE id = issuance.order_id AND status = 'processing';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'order % is not processing', issuance.order_id USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM acme.jobs WHERE kind = 'issue' AND subject = issuance.order_id::text AND NOT dead;
    IF NOT EXISTS (SELECT FROM gate.contract_starts WHERE contract_id = issuance.contract_id) THEN
        INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)
        VALUES (issuance.contract_id, NEW.id, NEW.signed_at) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            PERFORM gate.bill_start(issuance.contract_id, NEW.signed_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ca.precertificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed ca.to_be_signed;
BEGIN
    SELECT * INTO signed FROM ca.to_be_signed WHERE id = NEW.id;
    PERFORM pg_advisory_xact_lock_shared(7106, signed.issuer_id);
    IF signed.import_id IS NULL
        AND EXISTS (SELECT FROM ca.authority_revocations WHERE issuer_id = signed.issuer_id AND cross_id IS NULL) THEN
        RAISE EXCEPTION 'C-160: issuing CA is revoked' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(signed.spki_sha256));
    IF signed.import_id IS NULL AND EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = signed.spki_sha256) THEN
        RAISE EXCEPTION 'C-076: key is blocked' USING ERRCODE = 'check_violation';
    END IF;
    IF position('\x06082b06010505073001'::bytea IN signed.tbs) > 0 THEN
        PERFORM FROM ca.serials WHERE serial = signed.serial FOR UPDATE; -- as in ca.ocsp_wanted
        INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
        VALUES (signed.serial, signed.issuer_id, signed.not_after, NEW.signed_at) ON CONFLICT (serial) DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

GRANT SELECT, INSERT ON office.certificate_imports TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION ca.import_certificate, ca.import_serials TO keiyaku_operator;
-- a CRL that is made before `keiyaku check --restored` gives no number again either
GRANT EXECUTE ON FUNCTION keiyaku.cluster_identity TO keiyaku_sign;
