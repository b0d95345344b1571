-- Personal data of everybody past its retention goes (T16-2): what had no date gets one, and what went is on record.

-- Applications that formed no contract: rejected or withdrawn, and when what they stated goes (T4-7, R-5).
CREATE TABLE office.application_ends (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    ended_at timestamptz NOT NULL,
    destroy_at timestamptz NOT NULL CHECK (destroy_at >= ended_at)
);
CREATE INDEX application_ends_due ON office.application_ends (destroy_at);
INSERT INTO office.application_ends (contract_id, ended_at, destroy_at)
SELECT c.id, was.ended_at, greatest(was.ended_at, d.destroy_at) FROM gate.contracts c
LEFT JOIN office.rejections r ON r.contract_id = c.id
CROSS JOIN LATERAL (SELECT coalesce(r.rejected_at, (
    SELECT max(e.recorded_at) FROM evidence.records e WHERE e.contract_id = c.id AND e.kind = 'contract.withdrawn'),
    c.applied_at) AS ended_at) AS was
LEFT JOIN LATERAL (SELECT max(x.destroy_at) AS destroy_at FROM office.documents x WHERE x.contract_id = c.id) AS d ON true
WHERE c.state IN ('rejected', 'withdrawn');

-- How many rows lost a field, and when.
CREATE TABLE office.destructions (
    field text NOT NULL,
    destroyed_at timestamptz NOT NULL,
    rows integer NOT NULL CHECK (rows > 0),
    PRIMARY KEY (field, destroyed_at)
);

ALTER TABLE gate.persons ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE gate.customers ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE gate.holds ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE gate.receipts ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.bank_lines ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.payer_aliases ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.dealer_aliases ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.ceremonies ADD COLUMN personal_data_destroyed_at timestamptz;
ALTER TABLE office.root_crls ADD COLUMN personal_data_destroyed_at timestamptz;

CREATE INDEX persons_past ON gate.persons (left_at) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX receipts_past ON gate.receipts (value_on) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX bank_lines_past ON office.bank_lines (booked_on) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX notices_past ON office.notices (queued_at) WHERE given <> '{}';

-- dropped: past its retention before it was delivered; nobody sends it any more
ALTER TABLE office.deliveries DROP CONSTRAINT deliveries_state_check, ADD CONSTRAINT deliveries_state_check
    CHECK (state IN ('waiting', 'person', 'handed', 'delivered', 'dropped'));

-- Contracts of which nothing said in an application or review is kept any longer: ended, and their last certificate over, by
-- `since`; or never formed, and their documents destroyed by now (T4-7).
CREATE FUNCTION office.contracts_past(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM gate.contracts c WHERE c.ended_at <= since AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > since)
    UNION ALL SELECT e.contract_id FROM office.application_ends e WHERE e.destroy_at <= instant
$$;

-- Contracts that ended by `since` and were paid, or were never formed: nobody is written to about them any longer, once
-- no younger letter about them waits.
CREATE FUNCTION office.contracts_silent(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM (
        SELECT id FROM gate.contracts WHERE ended_at <= since
        UNION ALL SELECT contract_id FROM office.application_ends WHERE destroy_at <= instant) AS c
    WHERE NOT EXISTS (SELECT FROM gate.invoices i WHERE i.contract_id = c.id AND i.open_yen > 0)
      AND NOT EXISTS (
        SELECT FROM office.notices n WHERE n.contract_id = c.id AND n.queued_at > since AND (n.addressed_at IS NULL
            OR EXISTS (SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.state IN ('waiting', 'person'))))
$$;

-- Customers all of whose contracts were such by `since`, or who never applied for one.
CREATE FUNCTION office.customers_silent(since timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.customer_id FROM gate.contracts c
    LEFT JOIN office.contracts_silent(since, since) AS silent(id) ON silent.id = c.id
    GROUP BY c.customer_id HAVING count(*) = count(silent.id)
    UNION ALL SELECT u.id FROM gate.customers u WHERE u.created_at <= since
        AND NOT EXISTS (SELECT FROM gate.contracts c WHERE c.customer_id = u.id)
$$;

-- Which of these people records name that are still kept: of a contract that was not past by `since`, or the transcripts of
-- ceremonies. Of people of customers (`of_customers`: the columns that name those, as schema.table.column) any other record
-- too: whoever decides for the CA goes by the day they left. Found in the catalog, so that no table is forgotten.
CREATE FUNCTION gate.still_named(people uuid[], since timestamptz, of_customers text[]) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    past uuid[] := ARRAY(SELECT office.contracts_past(since, since));
    found record;
    kept text;
BEGIN
    FOR found IN
        SELECT n.nspname || '.' || t.relname AS named, a.attname AS col, EXISTS (SELECT FROM pg_attribute k
            WHERE k.attrelid = t.oid AND k.attname = 'contract_id' AND NOT k.attisdropped) AS of_contract
        FROM pg_constraint f JOIN pg_class t ON t.oid = f.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = f.conkey[1]
        WHERE f.confrelid = 'gate.persons'::regclass AND f.contype = 'f' AND f.conparentid = 0
    LOOP
        kept := CASE
            WHEN found.named = 'office.ceremony_steps' THEN 'EXISTS (SELECT FROM office.ceremonies c'
                ' WHERE c.id = t.ceremony_id AND c.personal_data_destroyed_at IS NULL)'
            WHEN found.named = 'office.root_crls' THEN 't.personal_data_destroyed_at IS NULL'
            WHEN found.named = 'office.tokens' AND of_customers IS NOT NULL
                THEN 't.customer_id IS NULL OR coalesce(t.withdrawn_at, t.expires_at) > $3'
            WHEN found.named || '.' || found.col <> ALL (of_customers) THEN 'true'
            WHEN found.named = 'gate.contracts' THEN 't.id <> ALL ($2)'
            WHEN found.of_contract THEN 't.contract_id <> ALL ($2)'
            ELSE 'false' END;
        RETURN QUERY EXECUTE format('SELECT DISTINCT t.%1$I FROM %2$s AS t WHERE t.%1$I = ANY ($1) AND (%3$s)',
            found.col, found.named, kept) USING people, past, since;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION office.contracts_past, office.contracts_silent, office.customers_silent, gate.still_named FROM PUBLIC;

-- retention: the worker destroys, and says how much; operators read what went
GRANT SELECT, INSERT ON office.application_ends TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE (rows) ON office.destructions TO keiyaku_office;
GRANT SELECT ON office.destructions TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION office.contracts_past, office.contracts_silent, office.customers_silent, gate.still_named
    TO keiyaku_office;
GRANT UPDATE (handle, name, personal_data_destroyed_at) ON gate.persons TO keiyaku_office;
GRANT UPDATE (handle, contact_email, personal_data_destroyed_at) ON gate.customers TO keiyaku_office;
GRANT UPDATE (remitter, personal_data_destroyed_at) ON gate.receipts TO keiyaku_office;
GRANT SELECT (personal_data_destroyed_at), UPDATE (reason, personal_data_destroyed_at) ON gate.holds TO keiyaku_office;
GRANT UPDATE (remitter, remitter_code, edi, personal_data_destroyed_at) ON office.bank_lines TO keiyaku_office;
GRANT UPDATE (name, key, removed_at, personal_data_destroyed_at) ON office.payer_aliases, office.dealer_aliases
    TO keiyaku_office;
GRANT UPDATE (payer) ON office.applications TO keiyaku_office;
GRANT UPDATE (arguments) ON office.proposals TO keiyaku_office;
GRANT UPDATE (reporter) ON office.cases TO keiyaku_office;
GRANT SELECT (id, transcript, ended_at, personal_data_destroyed_at), UPDATE (transcript, personal_data_destroyed_at)
    ON office.ceremonies TO keiyaku_office;
GRANT SELECT (id, transcript, signed_at, personal_data_destroyed_at), UPDATE (transcript, personal_data_destroyed_at)
    ON office.root_crls TO keiyaku_office;
GRANT SELECT (id, contacts, deactivated_at), UPDATE (contacts) ON acme.accounts TO keiyaku_office;
