-- 1. Every function of ours that names its search path looks into the session's temporary schema last. Where pg_temp is not
-- named it comes first, for tables and types: whoever may run a function of the owner's, or a trigger, could put a type of
-- their own under `uuid` or `text`, and have its check run with the owner's rights (CVE-2007-2138).
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('keiyaku', 'evidence', 'gate', 'ca', 'acme', 'office')
            AND 'search_path=pg_catalog' = ANY (p.proconfig)
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', each);
    END LOOP;
END $$;

-- 2. One text of a kind counts from an instant on, or nobody could say which: two first Terms could be stored at once.
ALTER TABLE gate.texts ADD CONSTRAINT texts_in_force UNIQUE (kind, effective_at);
CREATE UNIQUE INDEX terms_changes_in_force ON office.terms_changes (effective_at) WHERE withdrawn_at IS NULL;

-- 3. A certificate that is stored while its key is blocked waited for the key's lock with its serial number held, which whoever
-- blocked the key waited for: PostgreSQL undid one of them.
CREATE OR REPLACE FUNCTION ca.ocsp_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(NEW.spki_sha256));
    PERFORM FROM ca.serials WHERE serial = NEW.serial FOR UPDATE;
    INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
    VALUES (NEW.serial, NEW.issuer_id, NEW.not_after, NEW.created_at) ON CONFLICT (serial) DO NOTHING;
    RETURN NULL;
END $$;
