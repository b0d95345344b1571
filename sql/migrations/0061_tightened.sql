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
