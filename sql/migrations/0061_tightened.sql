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

-- 4. How a bank writes its files is corrected by two people, for files to come; what was imported stays as it was read.
ALTER TABLE office.bank_dialects
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN corrected_by_first uuid REFERENCES gate.persons,
    ADD COLUMN corrected_by_second uuid REFERENCES gate.persons,
    DROP CONSTRAINT bank_dialects_pkey,
    ADD PRIMARY KEY (bank_account_id, set_at),
    DROP CONSTRAINT bank_dialects_bank_branch_kind_number_key,
    ADD CONSTRAINT bank_dialects_by_two CHECK (corrected_by_first <> corrected_by_second),
    ADD CONSTRAINT bank_dialects_whole CHECK (num_nulls(corrected_by_first, corrected_by_second) IN (0, 2));
CREATE UNIQUE INDEX bank_dialects_live ON office.bank_dialects (bank_account_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX bank_dialects_numbers ON office.bank_dialects (bank, branch, kind, number) WHERE ended_at IS NULL;
GRANT UPDATE (ended_at) ON office.bank_dialects TO keiyaku_operator;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.bank_dialects
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('corrected_by_first', 'corrected_by_second');
