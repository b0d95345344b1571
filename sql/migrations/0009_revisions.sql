-- Which facts a process has kept of a contract are current.
CREATE INDEX contracts_after ON gate.contracts (predecessor_id) WHERE predecessor_id IS NOT NULL;

-- What tells a process that the facts it has kept of a contract are current (contract_gate/kept.py): a random value, so
-- that neither a restore nor a failover brings one back, made anew by triggers on the tables of facts. A fact of a
-- contract counts for those that follow it too. The nil id stands for what counts for every contract.
CREATE TABLE gate.revisions (
    contract_id uuid PRIMARY KEY,
    revision uuid NOT NULL
);
INSERT INTO gate.revisions SELECT id, gen_random_uuid() FROM gate.contracts
UNION ALL VALUES ('00000000-0000-0000-0000-000000000000'::uuid, gen_random_uuid());
CREATE FUNCTION gate.facts_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    WITH RECURSIVE line AS (
        SELECT coalesce((row ->> TG_ARGV[0])::uuid, '00000000-0000-0000-0000-000000000000') AS id
        FROM unnest(ARRAY[to_jsonb(OLD), to_jsonb(NEW)]) AS row WHERE row IS NOT NULL
        UNION SELECT c.id FROM line JOIN gate.contracts c ON c.predecessor_id = line.id
    )
    INSERT INTO gate.revisions (contract_id, revision) SELECT id, gen_random_uuid() FROM line ORDER BY id
    ON CONFLICT (contract_id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;
DO $$
DECLARE
    facts text;
BEGIN
    FOREACH facts IN ARRAY ARRAY['contract_starts', 'contract_names', 'consents', 'review_items', 'reviewed_subjects',
        'binding_keys', 'holds', 'information_changes', 'successions', 'free_reissues'] LOOP
        EXECUTE format('CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.%I'
            ' FOR EACH ROW EXECUTE FUNCTION gate.facts_changed(%L)', facts, 'contract_id');
    END LOOP;
    CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.contracts
        FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('id');
    FOREACH facts IN ARRAY ARRAY['bank_accounts', 'holidays', 'suspensions', 'readings', 'tax_rates'] LOOP
        EXECUTE format('CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.%I'
            ' FOR EACH ROW EXECUTE FUNCTION gate.facts_changed()', facts);
    END LOOP;
END $$;
-- The same for all rows of a statement at once: a batch of bookings changes as many invoices.
CREATE FUNCTION gate.invoices_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    billed uuid[] := (SELECT array_agg(contract_id) FROM (SELECT contract_id FROM before UNION SELECT contract_id FROM after) AS both_versions);
BEGIN
    WITH RECURSIVE line AS (
        SELECT unnest(billed) AS id UNION SELECT c.id FROM line JOIN gate.contracts c ON c.predecessor_id = line.id
    )
    INSERT INTO gate.revisions (contract_id, revision) SELECT id, gen_random_uuid() FROM line ORDER BY id
    ON CONFLICT (contract_id) DO UPDATE SET revision = excluded.revision;
    RETURN NULL;
END $$;
CREATE TRIGGER invoices_changed AFTER UPDATE ON gate.invoices REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION gate.invoices_changed();
CREATE TRIGGER facts_changed AFTER INSERT OR DELETE ON gate.invoices
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('contract_id');

REVOKE ALL ON FUNCTION gate.facts_changed, gate.invoices_changed FROM PUBLIC;
GRANT SELECT ON gate.revisions TO keiyaku_acme, keiyaku_work, keiyaku_operator;
