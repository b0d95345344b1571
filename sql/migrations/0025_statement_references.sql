-- References of rows that come by the thousand, checked once a statement.

-- What rows of a statement name is there, looked for in all of them at once: a foreign key asks for each row, which took a
-- third of the time of an import. What is named so stays (gate.stays), so that nothing else can break the reference.
-- The arguments are column and table in turn.
CREATE FUNCTION gate.named_is_there() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    missing uuid;
BEGIN
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        EXECUTE format('SELECT a.id FROM (SELECT DISTINCT %1$I AS id FROM added WHERE %1$I IS NOT NULL) AS a'
            ' WHERE NOT EXISTS (SELECT FROM %2$s AS t WHERE t.id = a.id) LIMIT 1', TG_ARGV[i], TG_ARGV[i + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '% % of %.% is not in %', TG_ARGV[i], missing, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[i + 1]
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Rows of the table are never deleted and keep their ids, whoever asks.
CREATE FUNCTION gate.stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% stay, with their ids', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
REVOKE ALL ON FUNCTION gate.named_is_there, gate.stays FROM PUBLIC;

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['gate.contracts', 'gate.invoices', 'gate.receipts', 'gate.bank_accounts',
        'office.bank_files'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE DELETE OR UPDATE OF id ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION gate.stays()', named);
        EXECUTE format('CREATE TRIGGER stay BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION gate.stays()', named);
    END LOOP;
END $$;

ALTER TABLE office.bank_lines DROP CONSTRAINT bank_lines_file_id_fkey, DROP CONSTRAINT bank_lines_bank_account_id_fkey,
    DROP CONSTRAINT bank_lines_receipt_id_fkey;
CREATE TRIGGER added AFTER INSERT ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts', 'receipt_id', 'gate.receipts');
CREATE TRIGGER changed AFTER UPDATE ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts', 'receipt_id', 'gate.receipts');

ALTER TABLE office.screenings DROP CONSTRAINT screenings_contract_id_fkey;
CREATE TRIGGER added AFTER INSERT ON office.screenings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('contract_id', 'gate.contracts');
CREATE TRIGGER changed AFTER UPDATE ON office.screenings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('contract_id', 'gate.contracts');
-- a screening that begins names nobody yet
DROP TRIGGER person_present ON office.screenings;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.screenings
    FOR EACH ROW WHEN (NEW.checked_by IS NOT NULL) EXECUTE FUNCTION gate.person_present('checked_by');

ALTER TABLE gate.payment_matches DROP CONSTRAINT payment_matches_invoice_id_fkey,
    DROP CONSTRAINT payment_matches_receipt_id_fkey;
CREATE OR REPLACE FUNCTION gate.open_amount() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    billed uuid[];
    paying uuid[];
    held bigint;
    spent uuid;
BEGIN
    SELECT array_agg(DISTINCT invoice_id), array_agg(DISTINCT receipt_id) FILTER (WHERE undone_at IS NULL)
    INTO billed, paying FROM changed;
    PERFORM FROM gate.invoices WHERE id = ANY (billed) ORDER BY id FOR UPDATE;
    GET DIAGNOSTICS held = ROW_COUNT;
    PERFORM FROM gate.receipts WHERE id = ANY (paying) ORDER BY id FOR UPDATE;
    IF held < cardinality(billed) OR EXISTS (SELECT FROM changed c
        WHERE NOT EXISTS (SELECT FROM gate.receipts r WHERE r.id = c.receipt_id)) THEN
        RAISE EXCEPTION 'a match names an invoice or a receipt that is not there' USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT r.id INTO spent FROM gate.receipts r LEFT JOIN (
        SELECT u.receipt_id, sum(u.amount_yen) AS yen FROM (
            SELECT receipt_id, amount_yen FROM gate.payment_matches WHERE receipt_id = ANY (paying) AND undone_at IS NULL
            UNION ALL SELECT receipt_id, amount_yen FROM office.refunds WHERE receipt_id = ANY (paying)) AS u
        GROUP BY u.receipt_id) AS used ON used.receipt_id = r.id
    WHERE r.id = ANY (paying) AND (r.cancelled_at IS NOT NULL OR used.yen > r.amount_yen) LIMIT 1;
    IF spent IS NOT NULL THEN
        RAISE EXCEPTION 'more is matched than receipt % holds', spent USING ERRCODE = 'check_violation';
    END IF;
    PERFORM gate.recount(billed);
    RETURN NULL;
END $$;

-- one random value for all contracts of a statement; the next version of a revision finds room beside it
ALTER TABLE gate.revisions SET (fillfactor = 50);
CREATE OR REPLACE FUNCTION gate.invoices_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    billed uuid[] := (SELECT array_agg(contract_id) FROM (SELECT contract_id FROM before UNION SELECT contract_id FROM after) AS both_versions);
BEGIN
    WITH RECURSIVE line AS (
        SELECT unnest(billed) AS id UNION SELECT c.id FROM line JOIN gate.contracts c ON c.predecessor_id = line.id
    )
    INSERT INTO gate.revisions (contract_id, revision) SELECT id, (SELECT gen_random_uuid()) FROM line ORDER BY id
    ON CONFLICT (contract_id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;

-- what is past its retention is found without reading what is not
CREATE INDEX contracts_ended ON gate.contracts (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX deliveries_past ON office.deliveries (delivered_at) WHERE personal_data_destroyed_at IS NULL;
