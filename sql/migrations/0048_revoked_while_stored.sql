-- Whoever revokes an issuing CA holds its lock alone: nothing of it is stored after their commit (C-160).
CREATE OR REPLACE FUNCTION acme.certificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    issuance acme.issuances;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7106, NEW.issuer_id);
    IF EXISTS (SELECT FROM ca.authority_revocations WHERE issuer_id = NEW.issuer_id AND cross_id IS NULL) THEN
        RAISE EXCEPTION 'C-160: issuing CA is revoked' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(NEW.spki_sha256));
    IF EXISTS (SELECT FROM ca.blocked_keys WHERE spki_sha256 = NEW.spki_sha256) THEN
        RAISE EXCEPTION 'C-076: key is blocked' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO issuance FROM acme.issuances WHERE to_be_signed_id = NEW.id;
    IF issuance IS NULL THEN
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
SET search_path = pg_catalog AS $$
DECLARE
    signed ca.to_be_signed;
BEGIN
    SELECT * INTO signed FROM ca.to_be_signed WHERE id = NEW.id;
    PERFORM pg_advisory_xact_lock_shared(7106, signed.issuer_id);
    IF EXISTS (SELECT FROM ca.authority_revocations WHERE issuer_id = signed.issuer_id AND cross_id IS NULL) THEN
        RAISE EXCEPTION 'C-160: issuing CA is revoked' USING ERRCODE = 'check_violation';
    END IF;
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
