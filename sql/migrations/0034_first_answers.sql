-- The first OCSP answer waits for a revocation of its serial number that is not committed yet: else it said good for days.
CREATE OR REPLACE FUNCTION ca.ocsp_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM ca.serials WHERE serial = NEW.serial FOR UPDATE;
    INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
    VALUES (NEW.serial, NEW.issuer_id, NEW.not_after, NEW.created_at) ON CONFLICT (serial) DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ca.precertificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        PERFORM FROM ca.serials WHERE serial = signed.serial FOR UPDATE; -- as in ca.ocsp_wanted
        INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
        VALUES (signed.serial, signed.issuer_id, signed.not_after, NEW.signed_at) ON CONFLICT (serial) DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
