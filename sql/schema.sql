-- The whole schema today. migrations/ lead here; a test compares their sum with this file.
--
--   keiyaku   housekeeping: migrations and partitions
--   evidence  what was decided, sealed and chained (insert-only)
--   gate      contracts and what the gate may look at; its decisions
--   ca        issuers, what was signed, what was revoked
--   acme      accounts, orders, authorizations, nonces, jobs
--   office    what people do with contracts, beyond the facts the gate looks at
--
-- Big tables are partitioned by range of their UUIDv7 id on months, so that keys stay one column.
-- What is unique for ever (serial, order -> to-be-signed, replaced certificate, key) is in small unpartitioned tables.

-- roles: one per kind of process, least grants (at the end of this file) ------------------------------------------
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['acme', 'office', 'status', 'work', 'sign', 'seal', 'operator', 'compliance',
        'auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keiyaku_' || name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', 'keiyaku_' || name);
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA keiyaku;
CREATE SCHEMA evidence;
CREATE SCHEMA gate;
CREATE SCHEMA ca;
CREATE SCHEMA acme;
CREATE SCHEMA office;

-- keiyaku ---------------------------------------------------------------------------------------------------------
CREATE TABLE keiyaku.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- What tells this cluster from a copy of it: its identifier and timeline, and when the inode of PG_VERSION was last
-- changed, a file that PostgreSQL never writes again (left out where we may not ask).
CREATE FUNCTION keiyaku.cluster_identity() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made text := 'unknown';
BEGIN
    BEGIN
        made := extract(epoch FROM (pg_stat_file('PG_VERSION')).change)::text;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    RETURN format('%s/%s/%s', (SELECT system_identifier FROM pg_control_system()),
                  (SELECT timeline_id FROM pg_control_checkpoint()), made);
END $$;

-- The cluster that the operators know of. While this is another one, a backup was restored: nothing is sealed, and so
-- nothing is issued, until `keiyaku check --restored` (design §3).
CREATE TABLE keiyaku.cluster (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    identity text NOT NULL,
    crl_floor bigint NOT NULL DEFAULT 0, -- CRL numbers go on above it: those after the backup may have been published
    recorded_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO keiyaku.cluster (identity) VALUES (keiyaku.cluster_identity());

-- How far the clock of this program may be ahead of the database's: nothing, but where tests, and `keiyaku dev --at`, live in
-- years to come. Nobody but the owner sets it.
CREATE TABLE keiyaku.clock (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    ahead interval NOT NULL DEFAULT '0'
);
INSERT INTO keiyaku.clock DEFAULT VALUES;

-- The instant that somebody gives, held to the database's clock: within a minute of it, where no program's may be ahead of
-- it. Who has a role's password alone cannot call an expired token alive, or yesterday's answer a day old.
CREATE FUNCTION keiyaku.as_of(instant timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
    SELECT least(greatest(instant, statement_timestamp() - off), statement_timestamp() + off)
    FROM (SELECT ahead + interval '1 minute' AS off FROM keiyaku.clock) AS far
$$;
REVOKE ALL ON FUNCTION keiyaku.as_of FROM PUBLIC;

-- The column that is named is written once, with the instant of the database's clock: its retention begins then (T16-2).
CREATE FUNCTION keiyaku.by_the_clock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was timestamptz := to_jsonb(OLD) ->> TG_ARGV[0];
    given timestamptz := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF was IS NOT NULL AND was IS DISTINCT FROM given THEN
        RAISE EXCEPTION '% of %.% stays', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    IF was IS NULL AND given IS NOT NULL THEN
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], keiyaku.as_of(given)));
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION keiyaku.by_the_clock FROM PUBLIC;


-- The smallest UUIDv7 of the millisecond that an instant lies in: the bound of a partition, where a range of ids begins.
CREATE FUNCTION keiyaku.uuid7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

CREATE FUNCTION keiyaku.partitioned_tables() RETURNS SETOF regclass LANGUAGE sql STABLE AS $$
    SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'p' AND n.nspname IN ('evidence', 'gate', 'ca', 'acme')
      AND (SELECT partstrat FROM pg_partitioned_table WHERE partrelid = c.oid) = 'r'
    ORDER BY 1
$$;

-- Monthly partitions of every big table exist from the month of `at` to `months` later. Says how many it made. Each is a
-- table of its own for each big table: no more than three years at once, that begin within two years of the clock.
CREATE FUNCTION keiyaku.ensure_partitions(at timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent regclass;
    first_day timestamptz;
    child text;
    schema_name text;
    made integer := 0;
BEGIN
    IF months NOT BETWEEN 0 AND 36 THEN
        RAISE EXCEPTION 'partitions for % months: make those of 0 to 36 at once', months USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF at NOT BETWEEN keiyaku.as_of('-infinity') - interval '2 years' AND keiyaku.as_of('infinity') + interval '2 years' THEN
        RAISE EXCEPTION 'partitions from % on: that is not within two years of the clock', at
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(7101);
    FOR parent IN SELECT keiyaku.partitioned_tables() LOOP
        SELECT n.nspname INTO schema_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = parent;
        FOR i IN 0..months LOOP
            first_day := (date_trunc('month', at AT TIME ZONE 'UTC') + make_interval(months => i)) AT TIME ZONE 'UTC';
            child := (SELECT relname FROM pg_class WHERE oid = parent) || to_char(first_day AT TIME ZONE 'UTC', '_YYYY_MM');
            IF to_regclass(format('%I.%I', schema_name, child)) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)'
                    -- a row with its facts or certificate stays whole: compressing it costs more than it saves
                    ' WITH (toast_tuple_target = 8160, fillfactor = %s)',
                    schema_name, child, parent, keiyaku.uuid7_floor(first_day),
                    keiyaku.uuid7_floor((first_day AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'),
                    -- rows that are updated in place find room beside themselves
                    CASE WHEN schema_name = 'acme' THEN 60 ELSE 100 END);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- How many whole months after `at`, without a gap, every big table has a partition for.
CREATE FUNCTION keiyaku.months_ahead(at timestamptz) RETURNS integer LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(min(ahead), 0)::integer FROM (
        SELECT (SELECT coalesce(min(m.i), 25) - 1 FROM generate_series(1, 24) AS m(i) WHERE NOT EXISTS (
                   SELECT FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
                   WHERE h.inhparent = t AND c.relname LIKE '%' || to_char(
                       date_trunc('month', at AT TIME ZONE 'UTC') + make_interval(months => m.i), '_YYYY_MM'))) AS ahead
        FROM keiyaku.partitioned_tables() AS t) AS tables
$$;

-- evidence --------------------------------------------------------------------------------------------------------
-- One row per thing decided, written in the transaction of the thing decided; no row, no deed. Insert-only.
-- A batch seals all rows of a range of transaction ids that have all ended, so no row needs a mark of its own.
-- `era` grows when a logical dump is restored into a new cluster, whose transaction ids start again.
CREATE TABLE evidence.records (
    id uuid NOT NULL,
    era smallint NOT NULL DEFAULT 1,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    contract_id uuid,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX records_by_transaction ON evidence.records (era, transaction_id);
CREATE INDEX records_of_contract ON evidence.records (contract_id, id) WHERE contract_id IS NOT NULL;

-- A signed, chained batch. `leaves` is id (16 octets) + SHA-256 (32 octets) per record, in order of id.
CREATE TABLE evidence.checkpoints (
    number bigint PRIMARY KEY CHECK (number > 0),
    era smallint NOT NULL,
    from_transaction xid8 NOT NULL,
    to_transaction xid8 NOT NULL,
    record_count integer NOT NULL CHECK (record_count > 0),
    leaves bytea NOT NULL CHECK (octet_length(leaves) = 48 * record_count),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    sealed_at timestamptz NOT NULL,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    signature bytea NOT NULL
);

-- Everything committed before this instant is sealed; issuance stops when it is more than a minute ago (design §6).
CREATE TABLE evidence.seal_state (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    sealed_through_at timestamptz NOT NULL
);
INSERT INTO evidence.seal_state (sealed_through_at) VALUES ('-infinity');

-- A new era: after a restore transaction ids may come again that were used before. Returns its number.
CREATE FUNCTION evidence.begin_era() RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    era smallint;
BEGIN
    SET LOCAL lock_timeout = '5s';
    SELECT substring(pg_get_expr(d.adbin, d.adrelid) FROM '[0-9]+')::smallint + 1 INTO era
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = 'evidence.records'::regclass AND a.attname = 'era';
    EXECUTE format('ALTER TABLE evidence.records ALTER COLUMN era SET DEFAULT %s', era);
    RETURN era;
END $$;

-- gate ------------------------------------------------------------------------------------------------------------
-- Natural persons who decide, review or request. Referenced, never embedded in evidence (T16-3).
CREATE TABLE gate.persons (
    id uuid PRIMARY KEY,
    handle text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name text NOT NULL,
    organisation text NOT NULL,
    created_at timestamptz NOT NULL,
    left_at timestamptz, -- once they left they decide nothing
    personal_data_destroyed_at timestamptz -- T16-2: handle and name are a pseudonym since
);

CREATE TABLE gate.customers (
    id uuid PRIMARY KEY,
    handle text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name text NOT NULL CHECK (name <> ''),
    kind text NOT NULL CHECK (kind IN ('juridical_person', 'other_organisation', 'sole_proprietor')),
    corporate_number text CHECK (corporate_number ~ '^[0-9]{13}$'),
    based_in_japan boolean NOT NULL,
    contact_email text,
    created_at timestamptz NOT NULL,
    personal_data_destroyed_at timestamptz -- T16-2
);

-- Texts a customer agrees to: the Terms and the CP/CPS, by hash.
CREATE TABLE gate.texts (
    kind text NOT NULL CHECK (kind IN ('terms', 'cps')),
    version text NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    url text NOT NULL,
    effective_at timestamptz NOT NULL,
    PRIMARY KEY (kind, version),
    CONSTRAINT texts_in_force UNIQUE (kind, effective_at) -- one of a kind counts from an instant on
);

-- The version of the Terms in force at an instant, for every contract: none consents anew (T20-2). Null: none yet.
CREATE FUNCTION gate.terms_in_force(at timestamptz) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.version FROM gate.texts x WHERE x.kind = 'terms' AND x.effective_at <= at ORDER BY x.effective_at DESC LIMIT 1;
END;

-- The member of a JSON object that cites it, which follows another (T20-3); and a content with it in its place.
CREATE FUNCTION evidence.citation(at timestamptz) RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN convert_to(',"terms_version":' || coalesce(to_json(gate.terms_in_force(at))::text, 'null'), 'UTF8');
END $$;
CREATE FUNCTION evidence.cited(content bytea, place integer, citation bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN substring(content FOR place) || citation || substring(content FROM place + 1);

CREATE TABLE gate.plans (
    id uuid PRIMARY KEY,
    handle text NOT NULL UNIQUE,
    name text NOT NULL,
    fee_yen integer NOT NULL CHECK (fee_yen >= 0),
    term_months integer NOT NULL CHECK (term_months > 0),
    names_max integer NOT NULL CHECK (names_max > 0),
    offered_from timestamptz NOT NULL DEFAULT '-infinity',
    offered_until timestamptz NOT NULL DEFAULT 'infinity'
);

-- Price, months and number of names are frozen here at acceptance (T8-1), whatever becomes of the plan.
-- `number` is the contract's human number and the key of its advisory lock.
CREATE TABLE gate.contracts (
    id uuid PRIMARY KEY,
    number integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    handle text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    customer_id uuid NOT NULL REFERENCES gate.customers,
    plan_id uuid NOT NULL REFERENCES gate.plans,
    predecessor_id uuid REFERENCES gate.contracts,
    fee_yen integer NOT NULL CHECK (fee_yen >= 0),
    term_months integer NOT NULL CHECK (term_months > 0),
    names_max integer NOT NULL CHECK (names_max > 0),
    state text NOT NULL DEFAULT 'applied' CHECK (state IN
        ('applied', 'under_review', 'awaiting_customer', 'withdrawn', 'rejected', 'accepted', 'ended')),
    applied_at timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by_first uuid REFERENCES gate.persons,
    accepted_by_second uuid REFERENCES gate.persons,
    ended_at timestamptz,
    end_cause text CHECK (end_cause IN ('cancelled', 'rescinded', 'service_ended', 'lapsed', 'expired', 'revoked')),
    link text NOT NULL DEFAULT 'renewal' CHECK (link IN ('renewal', 'change')), -- to its predecessor (T12-6, T14-1)
    end_recorded_at timestamptz, -- by the database's clock: no retention begins before it (T16-2)
    CHECK ((state IN ('accepted', 'ended')) = (accepted_at IS NOT NULL)),
    CHECK ((accepted_at IS NULL) = (accepted_by_first IS NULL)),
    CHECK ((accepted_at IS NULL) = (accepted_by_second IS NULL)),
    CHECK (accepted_by_first <> accepted_by_second),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (end_cause IS NULL))
);
CREATE INDEX contracts_of_customer ON gate.contracts (customer_id);
CREATE INDEX contracts_after ON gate.contracts (predecessor_id) WHERE predecessor_id IS NOT NULL;
CREATE INDEX contracts_ended ON gate.contracts (ended_at) WHERE ended_at IS NOT NULL;
-- One successor at a time: an application that came to nothing leaves room for another.
CREATE UNIQUE INDEX contracts_successor ON gate.contracts (predecessor_id)
    WHERE state NOT IN ('withdrawn', 'rejected') AND (end_cause IS NULL OR end_cause = 'expired');

-- Which later contract serves the binding keys and accounts of a contract, from when (T12-7): one row for each contract
-- before it in the line, so that the gate asks once. `ends_at`: a successor that ended early gives them back.
CREATE TABLE gate.successions (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    successor_id uuid NOT NULL REFERENCES gate.contracts,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (contract_id, successor_id),
    CHECK (contract_id <> successor_id)
);
CREATE INDEX successions_serving ON gate.successions (contract_id, starts_at DESC);

-- The contract that the binding keys of a contract serve at an instant: its own, or the latest that follows it by then (T12-7).
CREATE FUNCTION gate.served_by(contract uuid, at timestamptz) RETURNS TABLE (contract_id uuid) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT n.successor_id FROM gate.successions n
        WHERE n.contract_id = contract AND n.starts_at <= at AND n.ends_at > at
        ORDER BY n.successor_id DESC LIMIT 1), contract);
END;

-- First final certificate of a contract: starts the paid term (T8-3, T12-2). Written with that certificate.
CREATE TABLE gate.contract_starts (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    certificate_id uuid NOT NULL,
    issued_at timestamptz NOT NULL
);

-- Names of the application (T4-8). host: that name; wildcard: that wildcard name ('*.…');
-- domain: the name, everything under it, wildcards included; network: every address inside it.
CREATE TABLE gate.contract_names (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL CHECK (kind IN ('host', 'wildcard', 'domain', 'network')),
    value text NOT NULL CHECK (value = lower(value)),
    network cidr CHECK ((kind = 'network') = (network IS NOT NULL)),
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX contract_names_live ON gate.contract_names (contract_id, value, kind) WHERE removed_at IS NULL;

-- T2-1: which texts, who, when, how.
CREATE TABLE gate.consents (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    terms_kind text NOT NULL DEFAULT 'terms' CHECK (terms_kind = 'terms'),
    terms_version text NOT NULL,
    cps_kind text NOT NULL DEFAULT 'cps' CHECK (cps_kind = 'cps'),
    cps_version text NOT NULL,
    person_id uuid NOT NULL REFERENCES gate.persons,
    channel text NOT NULL CHECK (channel IN ('web', 'paper', 'command_line')),
    consented_at timestamptz NOT NULL,
    FOREIGN KEY (terms_kind, terms_version) REFERENCES gate.texts,
    FOREIGN KEY (cps_kind, cps_version) REFERENCES gate.texts
);
CREATE INDEX consents_of_contract ON gate.consents (contract_id);

-- Review items (T4-3); the newest of a kind counts. obtained_on is the day the data was obtained, not used.
CREATE TABLE gate.review_items (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL CHECK (kind IN
        ('legal_existence', 'address', 'domain_right', 'applicant_authority', 'screening')),
    criteria_version text NOT NULL,
    source text NOT NULL,
    obtained_on date NOT NULL,
    checked_by uuid NOT NULL REFERENCES gate.persons,
    verdict text NOT NULL CHECK (verdict IN ('positive', 'negative', 'pending')),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX review_items_newest ON gate.review_items (contract_id, kind, obtained_on DESC, recorded_at DESC);

-- The reviewed subject: the only source of what a certificate says of the organisation (BR 7.1.4.2). Newest counts.
CREATE TABLE gate.reviewed_subjects (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    organization text NOT NULL CHECK (char_length(organization) BETWEEN 1 AND 64),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    state_or_province text CHECK (char_length(state_or_province) BETWEEN 1 AND 128),
    locality text CHECK (char_length(locality) BETWEEN 1 AND 128),
    checked_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    CHECK (state_or_province IS NOT NULL OR locality IS NOT NULL)
);
CREATE INDEX reviewed_subjects_newest ON gate.reviewed_subjects (contract_id, recorded_at DESC);

-- Contracts that a case names itself; of a customer whose data were learned to be old, those accepted with data reviewed until
-- then: what followed because of the change shows the new ones (T6-5, T14-2). `learned_at`: null for any other case.
CREATE FUNCTION gate.concerned(contract uuid, customer uuid, learned_at timestamptz)
RETURNS TABLE (id uuid, number integer, handle text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT k.id, k.number, k.handle FROM gate.contracts k
    WHERE k.id = contract OR (k.customer_id = customer AND (learned_at IS NULL OR coalesce((
        SELECT max(s.recorded_at) FROM gate.reviewed_subjects s
        WHERE s.contract_id = k.id AND s.recorded_at <= k.accepted_at), k.accepted_at) <= learned_at));
END;

-- Live link from ACME accounts to a contract (T4-2, design §5). names: an empty array means all names of the contract.
CREATE TABLE gate.binding_keys (
    id uuid PRIMARY KEY,
    kid text NOT NULL UNIQUE CHECK (kid ~ '^[!-~]{1,64}$'),
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    hmac_key bytea NOT NULL CHECK (octet_length(hmac_key) >= 32),
    label text NOT NULL,
    names text[] NOT NULL DEFAULT '{}',
    uses_max integer NOT NULL DEFAULT 2147483647 CHECK (uses_max > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    withdrawn_at timestamptz,
    UNIQUE (id, uses_max)
);
CREATE INDEX binding_keys_of_contract ON gate.binding_keys (contract_id);

-- A use is a new account. The foreign key carries uses_max here, so the check holds in any race.
CREATE TABLE gate.binding_uses (
    binding_key_id uuid NOT NULL,
    use_number integer NOT NULL CHECK (use_number > 0),
    uses_max integer NOT NULL,
    account_id uuid NOT NULL UNIQUE,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (binding_key_id, use_number),
    FOREIGN KEY (binding_key_id, uses_max) REFERENCES gate.binding_keys (id, uses_max),
    CHECK (use_number <= uses_max)
);

-- Money. open_yen is kept by the trigger below from the matches alone; nobody may write it.
CREATE TABLE gate.invoices (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    number text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('fee', 'difference')),
    issued_on date NOT NULL,
    due_on date NOT NULL CHECK (due_on >= issued_on),
    total_yen integer NOT NULL CHECK (total_yen > 0),
    open_yen integer NOT NULL,
    created_at timestamptz NOT NULL,
    dealer text, -- who bills it to the customer (T8-16); null: the CA
    dealer_states_default boolean NOT NULL DEFAULT false,
    CHECK (open_yen BETWEEN 0 AND total_yen)
) WITH (fillfactor = 50); -- its next version, paid, finds room beside it; what is open is in no index, for the same reason
CREATE INDEX invoices_of_contract ON gate.invoices (contract_id);
-- the journal: in its order, and apart what was dated in a month before it was recorded
CREATE INDEX invoices_issued ON gate.invoices (issued_on, created_at, id);
CREATE INDEX invoices_dated_back ON gate.invoices (created_at, id)
    WHERE issued_on < date_trunc('month', created_at AT TIME ZONE 'Asia/Tokyo')::date;
-- Those of them of which something is open, by triggers below: few beside what was ever paid. Nobody may write it.
CREATE TABLE gate.open_invoices (
    id uuid PRIMARY KEY REFERENCES gate.invoices,
    number text NOT NULL,
    issued_on date NOT NULL,
    due_on date NOT NULL,
    dealer text
);
CREATE INDEX open_invoices_due ON gate.open_invoices (due_on, number);
CREATE INDEX open_invoices_of_dealer ON gate.open_invoices (dealer) WHERE dealer IS NOT NULL;

CREATE TABLE gate.receipts (
    id uuid PRIMARY KEY,
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    value_on date NOT NULL,
    remitter text NOT NULL,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    personal_data_destroyed_at timestamptz, -- T16-2
    spent boolean NOT NULL DEFAULT false -- nothing is left of it, as a sweep saw; what leaves something again takes that back
);
CREATE INDEX receipts_unspent ON gate.receipts (value_on, id) WHERE NOT spent;
CREATE INDEX receipts_valued ON gate.receipts (value_on, recorded_at, id);
CREATE INDEX receipts_dated_back ON gate.receipts (recorded_at, id)
    WHERE value_on < date_trunc('month', recorded_at AT TIME ZONE 'Asia/Tokyo')::date;
CREATE INDEX receipts_cancelled ON gate.receipts (cancelled_at, id) WHERE cancelled_at IS NOT NULL;

CREATE TABLE gate.payment_matches (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    matched_at timestamptz NOT NULL,
    undone_at timestamptz
);
CREATE INDEX payment_matches_of_invoice ON gate.payment_matches (invoice_id);
CREATE INDEX payment_matches_of_receipt ON gate.payment_matches (receipt_id);
CREATE INDEX payment_matches_made ON gate.payment_matches (matched_at, id);
CREATE INDEX payment_matches_undone ON gate.payment_matches (undone_at, id) WHERE undone_at IS NOT NULL;

-- Once a statement, so that a batch of bookings costs one look: no receipt is spent twice nor after its cancellation, and
-- what is open follows; what a match names is there. Rows are locked in the order of ids, so that two bookings never
-- wait for each other.
CREATE FUNCTION gate.open_amount() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
CREATE TRIGGER matched AFTER INSERT ON gate.payment_matches REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gate.open_amount();
CREATE TRIGGER rematched AFTER UPDATE ON gate.payment_matches REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gate.open_amount();

-- A cancelled receipt (取消) reopens what it paid (T8-5).
CREATE FUNCTION gate.receipt_cancelled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.payment_matches SET undone_at = NEW.cancelled_at WHERE receipt_id = NEW.id AND undone_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER receipt_cancelled AFTER UPDATE OF cancelled_at ON gate.receipts
    FOR EACH ROW WHEN (OLD.cancelled_at IS NULL AND NEW.cancelled_at IS NOT NULL)
    EXECUTE FUNCTION gate.receipt_cancelled();

-- What a match gave back is left of its receipt again, and so is what was sent back of one that the bank took back.
CREATE FUNCTION gate.left_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.receipts SET spent = false WHERE id IN (SELECT receipt_id FROM changed WHERE undone_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION gate.taken_back() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.spent := false;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.left_again, gate.taken_back FROM PUBLIC;
CREATE TRIGGER unspent AFTER UPDATE ON gate.payment_matches REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gate.left_again();
CREATE TRIGGER taken_back BEFORE UPDATE OF cancelled_at ON gate.receipts
    FOR EACH ROW EXECUTE FUNCTION gate.taken_back();

-- Bank data (T8-6): the unbroken chain of days per account; a day beyond a gap waits in bank_days.
CREATE TABLE gate.bank_accounts (
    id uuid PRIMARY KEY,
    handle text NOT NULL UNIQUE,
    covered_from date NOT NULL,
    covered_through date NOT NULL CHECK (covered_through >= covered_from),
    closed_from date, -- by two people: days after the one before it are not awaited any more
    closed_by_first uuid REFERENCES gate.persons,
    closed_by_second uuid REFERENCES gate.persons,
    awaited_after date GENERATED ALWAYS AS (
        CASE WHEN covered_through >= closed_from - 1 THEN NULL ELSE covered_through END) STORED,
    CONSTRAINT bank_accounts_closed_by_two CHECK (closed_by_first <> closed_by_second),
    CONSTRAINT bank_accounts_closed_whole CHECK (num_nulls(closed_from, closed_by_first, closed_by_second) IN (0, 3))
);
CREATE TABLE gate.bank_days (
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    day date NOT NULL,
    source text NOT NULL,
    confirmed_by uuid REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (bank_account_id, day)
);

-- Days on which banks are closed beyond weekends and year end (T8-4): dated data, seeded and corrected by people.
CREATE TABLE gate.holidays (
    day date PRIMARY KEY,
    name text NOT NULL,
    removed_at timestamptz -- by people, before its day; nobody records it anew by itself
);

-- Conduct (Article 3) and anti-social (Article 13) holds, of a contract (G7).
CREATE TABLE gate.holds (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL CHECK (kind IN ('conduct', 'antisocial')),
    status text NOT NULL CHECK (status IN ('reported', 'suspected', 'confirmed', 'lifted')),
    item integer CHECK (item BETWEEN 1 AND 8),
    reason text NOT NULL,
    set_by uuid NOT NULL REFERENCES gate.persons,
    set_at timestamptz NOT NULL,
    lifted_by_first uuid REFERENCES gate.persons,
    lifted_by_second uuid REFERENCES gate.persons,
    lifted_at timestamptz,
    confirmed_by_first uuid REFERENCES gate.persons,
    confirmed_by_second uuid REFERENCES gate.persons,
    confirmed_at timestamptz,
    personal_data_destroyed_at timestamptz, -- T16-2
    CHECK (lifted_by_first <> lifted_by_second),
    CHECK ((status = 'lifted') = (lifted_at IS NOT NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_by_second IS NULL)),
    CHECK ((lifted_at IS NULL) = (lifted_by_first IS NULL)),
    CONSTRAINT holds_confirmed_by_two CHECK (confirmed_by_first <> confirmed_by_second),
    CONSTRAINT holds_confirmed_whole
        CHECK (num_nonnulls(confirmed_at, confirmed_by_first, confirmed_by_second) IN (0, 3)),
    CONSTRAINT holds_confirmed CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL)
);
CREATE INDEX holds_live ON gate.holds (contract_id) WHERE lifted_at IS NULL;

-- Reported changes of certificate information (T6-4, T11-2, T14-1): G8 while unresolved.
CREATE TABLE gate.information_changes (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    item text NOT NULL CHECK (item IN ('organization', 'address', 'representative', 'other')),
    in_certificate boolean NOT NULL,
    learned_at timestamptz NOT NULL,
    resolved_at timestamptz
);
CREATE INDEX information_changes_open ON gate.information_changes (contract_id) WHERE resolved_at IS NULL;

-- Suspension of the whole service (Articles 10, 22): G9.
CREATE TABLE gate.suspensions (
    id uuid PRIMARY KEY,
    clause text NOT NULL CHECK (clause IN ('A10.1', 'A22.1', 'A22.2', 'A23.1')),
    cause text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    set_by uuid NOT NULL REFERENCES gate.persons,
    CHECK (ends_at > starts_at)
);
CREATE INDEX suspensions_open ON gate.suspensions (ends_at);

-- Readings with a key (articles.md §0.3): dated rows. The newest effective one counts.
CREATE TABLE gate.readings (
    key text NOT NULL,
    effective_at timestamptz NOT NULL,
    value text NOT NULL,
    set_by_first uuid NOT NULL REFERENCES gate.persons,
    set_by_second uuid NOT NULL REFERENCES gate.persons,
    PRIMARY KEY (key, effective_at),
    CHECK (set_by_first <> set_by_second)
);

-- What the gate answered, with everything it looked at. admitted: names and not_after_limit are what may be signed.
CREATE TABLE gate.decisions (
    id uuid NOT NULL,
    contract_id uuid NOT NULL,
    binding_key_id uuid NOT NULL,
    stage text NOT NULL CHECK (stage IN ('new_authorization', 'new_order', 'finalize', 'before_signing')),
    outcome text NOT NULL CHECK (outcome IN ('admitted', 'refused')),
    gate text,
    "case" text,
    names text[] NOT NULL,
    not_after_limit timestamptz,
    facts bytea NOT NULL,
    findings bytea NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    CHECK ((outcome = 'refused') = (gate IS NOT NULL)),
    CHECK ((outcome = 'refused') = ("case" IS NOT NULL)),
    CHECK ((outcome = 'admitted') = (not_after_limit IS NOT NULL))
) PARTITION BY RANGE (id);

-- The page a refusal points to (T0-1): one address per contract and case, so the text never changes meanwhile.
CREATE TABLE gate.help_pages (
    token text PRIMARY KEY CHECK (length(token) >= 22),
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    gate text NOT NULL,
    "case" text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (contract_id, gate, "case")
);

-- ca --------------------------------------------------------------------------------------------------------------
CREATE TABLE ca.issuers (
    id smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('root', 'issuing')),
    parent_id smallint REFERENCES ca.issuers,
    certificate bytea NOT NULL,
    key_id bytea NOT NULL CHECK (octet_length(key_id) BETWEEN 20 AND 32),
    spki_sha256 bytea NOT NULL CHECK (octet_length(spki_sha256) = 32),
    shard_count smallint NOT NULL CHECK (shard_count BETWEEN 1 AND 1024),
    status_url text NOT NULL CHECK (status_url ~ '^http://[^/]+(/.*[^/])?$'),
    issues_from timestamptz, -- the newest of those whose time has come, and that are not revoked, issues (ca/issuers.py)
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'root') = (parent_id IS NULL)),
    CHECK ((kind = 'issuing') = (issues_from IS NOT NULL))
);

-- Other certificates of the same issuing key or its parent (cross certificates): what alternate chains are made of.
CREATE TABLE ca.cross_certificates (
    id smallint PRIMARY KEY,
    subject_issuer_id smallint NOT NULL REFERENCES ca.issuers,
    chain bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- Exactly one row for all that an order may ever have signed, revocable from then on (design §4.5).
-- issuer_id refers to ca.issuers without a foreign key here, in serials and in certificates: each row would lock the one
-- issuer's row, and many at once make multixacts of it. The signer signs for an issuer it holds the key of, no other.
-- admission_id: the decision that allows it; import_id: or that it was signed, and came back. The signer signs these bytes, and only while `admitted`. signing_at: since
-- when a key that signs differently each time may have signed them, while no certificate is known (PKCS#11; design §4.5).
CREATE TABLE ca.to_be_signed (
    id uuid NOT NULL,
    issuer_id smallint NOT NULL,
    admission_id uuid REFERENCES gate.decisions,
    serial bytea NOT NULL CHECK (octet_length(serial) BETWEEN 9 AND 20),
    profile text NOT NULL,
    tbs bytea NOT NULL,
    names text[] NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 100),
    spki_sha256 bytea NOT NULL CHECK (octet_length(spki_sha256) = 32),
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL CHECK (not_after > not_before),
    shard smallint NOT NULL,
    state text NOT NULL DEFAULT 'admitted' CHECK (state IN ('admitted', 'signed', 'void')),
    deadline_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    signing_at timestamptz,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- A record ends once, signed or void, and stays so, whoever asks.
CREATE FUNCTION ca.record_ended() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'record % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER record_ended BEFORE UPDATE OF state ON ca.to_be_signed
    FOR EACH ROW WHEN (OLD.state <> 'admitted' OR NEW.state = 'admitted') EXECUTE FUNCTION ca.record_ended();

-- Only the signer says that a record is signed, or may be: others make records, and void them with this.
CREATE FUNCTION ca.void_record(record_id uuid) RETURNS SETOF ca.to_be_signed LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    UPDATE ca.to_be_signed SET state = 'void' WHERE id = record_id AND state = 'admitted' RETURNING *
$$;
-- The record, locked until the transaction ends, if nobody has signed or voided it.
CREATE FUNCTION ca.open_record(record_id uuid) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT id FROM ca.to_be_signed WHERE id = record_id AND state = 'admitted' FOR NO KEY UPDATE
$$;
REVOKE ALL ON FUNCTION ca.void_record, ca.open_record FROM PUBLIC;

-- Serial numbers, unique for ever, with the record they belong to.
CREATE TABLE ca.serials (
    serial bytea PRIMARY KEY,
    to_be_signed_id uuid NOT NULL,
    issuer_id smallint NOT NULL
);

CREATE TABLE ca.certificates (
    id uuid NOT NULL REFERENCES ca.to_be_signed,
    issuer_id smallint NOT NULL,
    serial bytea NOT NULL,
    der bytea NOT NULL,
    names text[] NOT NULL,
    spki_sha256 bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    shard smallint NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX certificates_by_key ON ca.certificates (spki_sha256);

-- Insert-only, but for the upgrade to keyCompromise and the instant of publication. certificate_id is a to-be-signed
-- id: what may have been signed can be revoked although no certificate is known.
CREATE TABLE ca.revocations (
    serial bytea PRIMARY KEY REFERENCES ca.serials,
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    to_be_signed_id uuid NOT NULL,
    shard smallint NOT NULL,
    reason smallint CHECK (reason IN (1, 3, 4, 5, 9)),
    ground text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    revoked_at timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    published_at timestamptz,
    upgraded_by text, -- who had the code changed to keyCompromise later, and when
    upgraded_at timestamptz,
    compromised_at timestamptz, -- since when the key was, if that was proven to be earlier: the date shown (C-143)
    CONSTRAINT revocations_compromised CHECK (
        compromised_at IS NULL OR (reason IS NOT DISTINCT FROM 1 AND compromised_at <= revoked_at))
);
CREATE INDEX revocations_of_shard ON ca.revocations (issuer_id, shard);
CREATE INDEX revocations_unpublished ON ca.revocations (issuer_id, shard) WHERE published_at IS NULL;

CREATE TABLE ca.blocked_keys (
    spki_sha256 bytea PRIMARY KEY CHECK (octet_length(spki_sha256) = 32),
    cause text NOT NULL,
    blocked_at timestamptz NOT NULL
);

-- The number of a key's advisory lock.
CREATE FUNCTION ca.lock_of(spki_sha256 bytea) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ('x' || encode(substring(spki_sha256 FROM 1 FOR 4), 'hex'))::bit(32)::integer
$$;

CREATE TABLE ca.crls (
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    shard smallint NOT NULL,
    number bigint NOT NULL CHECK (number >= 0),
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    der bytea NOT NULL,
    PRIMARY KEY (issuer_id, shard, number)
);

-- acme ------------------------------------------------------------------------------------------------------------
-- Unlogged, so both are empty after a crash or failover: a new epoch and key are made, older nonces are badNonce.
CREATE UNLOGGED TABLE acme.nonce_epoch (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch integer NOT NULL,
    mac_key bytea NOT NULL CHECK (octet_length(mac_key) = 32)
);

CREATE TABLE acme.spent_nonces (
    slot smallint NOT NULL,
    nonce uuid NOT NULL,
    PRIMARY KEY (slot, nonce)
) PARTITION BY LIST (slot);
CREATE UNLOGGED TABLE acme.spent_nonces_0 PARTITION OF acme.spent_nonces FOR VALUES IN (0);
CREATE UNLOGGED TABLE acme.spent_nonces_1 PARTITION OF acme.spent_nonces FOR VALUES IN (1);
CREATE UNLOGGED TABLE acme.spent_nonces_2 PARTITION OF acme.spent_nonces FOR VALUES IN (2);
CREATE UNLOGGED TABLE acme.spent_nonces_3 PARTITION OF acme.spent_nonces FOR VALUES IN (3);

-- Empties the slot, if no nonce in it can still be valid (the caller's duty). TRUNCATE needs the owner.
CREATE FUNCTION acme.truncate_slot(slot smallint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET LOCAL lock_timeout = '1s';
    EXECUTE format('TRUNCATE acme.%I', 'spent_nonces_' || slot);
END $$;

CREATE TABLE acme.accounts (
    id uuid PRIMARY KEY,
    status text NOT NULL DEFAULT 'valid' CHECK (status IN ('valid', 'deactivated', 'revoked')),
    public_key bytea NOT NULL,
    thumbprint bytea NOT NULL UNIQUE CHECK (octet_length(thumbprint) = 32),
    contacts text[] NOT NULL,
    terms_agreed_at timestamptz NOT NULL,
    binding_key_id uuid NOT NULL REFERENCES gate.binding_keys,
    external_account_binding bytea,
    created_at timestamptz NOT NULL,
    deactivated_at timestamptz,
    CHECK ((status = 'valid') = (deactivated_at IS NULL))
);

-- Every key that is or was an account's: one key never serves two accounts, nor a certificate (RFC 8555 §11.1).
CREATE TABLE acme.account_keys (
    thumbprint bytea PRIMARY KEY CHECK (octet_length(thumbprint) = 32),
    spki_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(spki_sha256) = 32),
    account_id uuid NOT NULL REFERENCES acme.accounts,
    registered_at timestamptz NOT NULL,
    retired_at timestamptz
);

-- One row an identifier and account; its challenges are columns of it: at most one is ever answered.
-- tokens: at the place of each challenge type in protocol/objects.challenge_types; empty or none: it is not on offer.
-- subdomains: it covers names below its own (RFC 9444). Only what DNS proved covers more than one name (C-027), and
-- nothing makes a proof last longer than the Baseline Requirements let it (C-015, C-016, C-028).
-- `expired` and an order's `ready` are not stored: they follow from these columns and the time.
CREATE TABLE acme.authorizations (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    identifier_type text NOT NULL CHECK (identifier_type IN ('dns', 'ip')),
    identifier_value text NOT NULL,
    wildcard boolean NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'valid', 'invalid', 'deactivated', 'revoked')),
    tokens text[] NOT NULL,
    challenge_type text
        CHECK (challenge_type IN ('http-01', 'dns-01', 'tls-alpn-01', 'dns-account-01', 'dns-persist-01')),
    challenge_status text CHECK (challenge_status IN ('processing', 'valid', 'invalid')),
    challenge_error bytea,
    key_authorization text,
    responded_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    validated_at timestamptz,
    caa_checked_at timestamptz,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    subdomains boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id),
    CHECK ((challenge_type IS NULL) = (challenge_status IS NULL)),
    CHECK ((challenge_status = 'valid') = (validated_at IS NOT NULL)),
    CHECK (status <> 'valid' OR challenge_status = 'valid'),
    CHECK (NOT subdomains OR identifier_type = 'dns' AND NOT wildcard),
    CHECK (challenge_type IS NULL OR challenge_type LIKE 'dns-%' OR NOT (wildcard OR subdomains)),
    CHECK (validated_at IS NULL OR expires_at <= validated_at
        + CASE challenge_type WHEN 'dns-persist-01' THEN interval '240 hours' ELSE interval '4800 hours' END)
) PARTITION BY RANGE (id);
CREATE INDEX authorizations_valid ON acme.authorizations (account_id, identifier_value, wildcard)
    WHERE status = 'valid';

-- Stored: pending, processing, valid, invalid. `ready` is pending with every authorization valid (RFC 8555 §7.1.6).
CREATE TABLE acme.orders (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    admission_id uuid NOT NULL REFERENCES gate.decisions,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'valid', 'invalid')),
    names text[] NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 100),
    authorization_ids uuid[] NOT NULL,
    profile text NOT NULL,
    not_before timestamptz,
    not_after timestamptz,
    replaces text,
    error bytea,
    csr bytea,
    certificate_id uuid,
    fence integer NOT NULL DEFAULT 0,
    deadline_at timestamptz,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    CHECK ((status = 'valid') = (certificate_id IS NOT NULL)),
    CHECK (status <> 'processing' OR deadline_at IS NOT NULL)
) PARTITION BY RANGE (id);
CREATE INDEX orders_of_account ON acme.orders (account_id, id);

-- Order -> to-be-signed record: at most one, for ever. Of what came back through an import nobody knows the order.
CREATE TABLE acme.issuances (
    order_id uuid UNIQUE,
    to_be_signed_id uuid PRIMARY KEY,
    account_id uuid,
    contract_id uuid NOT NULL,
    CONSTRAINT issuances_order_and_account CHECK ((order_id IS NULL) = (account_id IS NULL))
);

-- Replaced certificate -> the order that replaces it (RFC 9773 §5); an order that ends invalid frees it.
CREATE TABLE acme.replacements (
    serial bytea PRIMARY KEY REFERENCES ca.serials,
    order_id uuid NOT NULL
);

-- Renewal windows set by an operator (incident) or by the management listener of `dev`.
CREATE TABLE acme.renewal_windows (
    serial bytea PRIMARY KEY REFERENCES ca.serials,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    explanation_url text
);

-- How often something may happen: the row of a limit and its subject says when all that was taken of it will have come
-- back (GCRA's theoretical arrival time), at the pace of `number`: when that changes, what was taken stays taken and
-- comes back at the new pace. Unlogged, so a crash forgives, and taking adds no flush.
CREATE UNLOGGED TABLE acme.limits (
    name text NOT NULL,
    subject text NOT NULL,
    full_at timestamptz NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    PRIMARY KEY (name, subject)
) WITH (fillfactor = 50);

-- A limit's number for one contract in place of the settings'. The newest row that has begun counts; 0: no limit;
-- null: the settings' again.
CREATE TABLE acme.limit_overrides (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    name text NOT NULL CHECK (name IN ('new_accounts', 'orders_of_account', 'orders_of_contract', 'orders_of_names',
        'failed_validations')),
    number integer CHECK (number >= 0),
    starts_at timestamptz NOT NULL,
    reason text NOT NULL,
    set_by uuid NOT NULL REFERENCES gate.persons,
    created_at timestamptz NOT NULL
);
CREATE INDEX limit_overrides_of_contract ON acme.limit_overrides (contract_id, name, starts_at, id);

-- Names that an account failed to validate: how often in a row and lately, and whether the pair is paused, in which
-- case `token` is that of the page that resumes it.
CREATE TABLE acme.failures (
    account_id uuid NOT NULL REFERENCES acme.accounts,
    name text NOT NULL,
    full_at timestamptz NOT NULL,
    consecutive integer NOT NULL CHECK (consecutive >= 0),
    first_failed_at timestamptz NOT NULL,
    token text UNIQUE,
    paused_at timestamptz,
    PRIMARY KEY (account_id, name),
    CHECK (paused_at IS NULL OR token IS NOT NULL)
);

-- Refusals by CAA of which the owner of a domain asks to be told (RFC 8659 §4.4). One a day of a domain and contract, one to
-- an address, ten of a contract. The address goes two days after the office has put the report into its outbox.
CREATE TABLE acme.caa_reports (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    domain text NOT NULL,
    address text,
    forbidden_at timestamptz NOT NULL,
    forbidden_on date NOT NULL,
    ordinal integer NOT NULL CHECK (ordinal BETWEEN 0 AND 9),
    told_at timestamptz,
    CHECK (address IS NOT NULL OR told_at IS NOT NULL),
    UNIQUE (contract_id, domain, forbidden_on),
    UNIQUE (contract_id, forbidden_on, ordinal)
);
CREATE UNIQUE INDEX caa_reports_of_address ON acme.caa_reports (lower(address), forbidden_on);
CREATE INDEX caa_reports_with_address ON acme.caa_reports (id) WHERE address IS NOT NULL;

-- The number of a limit for a contract at an instant: its own, else `preset`.
CREATE FUNCTION acme.limit_of(contract uuid, limit_name text, instant timestamptz, preset integer) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT o.number FROM acme.limit_overrides o
        WHERE o.contract_id = contract AND o.name = limit_name AND o.starts_at <= instant
        ORDER BY o.starts_at DESC, o.id DESC LIMIT 1), preset)
$$;

-- When all has come back, or `instant` if that is over, at the pace of another number.
CREATE FUNCTION acme.at_pace(full_at timestamptz, number integer, at_most integer, instant timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN full_at <= instant THEN instant WHEN number = at_most THEN full_at
        ELSE instant + (full_at - instant) * (number::double precision / at_most) END
$$;

-- Takes one of each limit for its subject, or none at all and answers false (protocol/limits.py has the arithmetic).
-- Two that share subjects must name them in the same order, so that neither waits for the other for ever.
CREATE FUNCTION acme.take(
    contract uuid, names text[], subjects text[], presets integer[], spans interval[], instant timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken interval[] := '{}';
    at_most integer;
    step interval;
BEGIN
    FOR i IN 1 .. cardinality(names) LOOP
        at_most := acme.limit_of(contract, names[i], instant, presets[i]);
        step := CASE WHEN at_most > 0 THEN spans[i] / at_most ELSE interval '0' END;
        taken := taken || step;
        CONTINUE WHEN at_most = 0;
        INSERT INTO acme.limits AS l (name, subject, full_at, number)
        VALUES (names[i], subjects[i], instant + step, at_most)
        ON CONFLICT (name, subject) DO UPDATE SET number = at_most,
            full_at = acme.at_pace(l.full_at, l.number, at_most, instant) + step
        WHERE acme.at_pace(l.full_at, l.number, at_most, instant) + step <= instant + spans[i];
        IF NOT FOUND THEN
            FOR j IN 1 .. i - 1 LOOP
                UPDATE acme.limits l SET full_at = l.full_at - taken[j] WHERE l.name = names[j] AND l.subject = subjects[j];
            END LOOP;
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- Whether issuance of an order may begin: null, or why not. Takes the contract's lock, shared, until the transaction ends,
-- and looks only then: each statement of a volatile function sees what was committed before it (design §4.4).
-- `revisions`: those at which the facts were read, or null: they were read under the lock.
-- Each authorization is looked up apart: asked together with its status, the index of all valid ones was read to its end.
CREATE FUNCTION acme.may_begin(
    contract_number integer, contract uuid, revisions uuid[], wanted uuid, account uuid, spki bytea, instant timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, contract_number);
    RETURN (SELECT CASE
        WHEN revisions IS NOT NULL AND 2 <> (SELECT count(*) FROM gate.revisions r
            WHERE r.contract_id IN (contract, '00000000-0000-0000-0000-000000000000') AND r.revision = ANY (revisions))
            THEN 'stale'
        WHEN EXISTS (SELECT FROM acme.account_keys k WHERE k.spki_sha256 = spki) THEN 'account_key'
        WHEN EXISTS (SELECT FROM ca.blocked_keys k WHERE k.spki_sha256 = spki) THEN 'blocked_key'
        WHEN NOT EXISTS (SELECT FROM acme.accounts a WHERE a.id = account AND a.status = 'valid')
            OR cardinality(o.authorization_ids) <> (SELECT count(*) FROM unnest(o.authorization_ids) AS w (listed)
                CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) AS z
                WHERE z.status = 'valid' AND z.expires_at > instant)
            THEN 'not_ready' END
        FROM (SELECT) AS one LEFT JOIN acme.orders o ON o.id = wanted);
END $$;

-- Whether the account's certificate of this issuer and serial is now replaced by the order: it shares a name with it, and
-- no other order that replaces it has come, or may come, to an end of its own (RFC 9773 §5).
CREATE FUNCTION acme.claim(
    replaced bytea, issuer_key_id bytea, account uuid, wanted_names text[], wanted uuid, instant timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO acme.replacements AS r (serial, order_id)
    SELECT s.serial, wanted FROM ca.serials s
    JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id AND i.account_id = account
    JOIN ca.certificates c ON c.id = s.to_be_signed_id AND c.names && wanted_names
    JOIN ca.issuers u ON u.id = s.issuer_id AND u.key_id = issuer_key_id
    WHERE s.serial = replaced
    ON CONFLICT (serial) DO UPDATE SET order_id = excluded.order_id
    WHERE EXISTS (
        SELECT FROM acme.orders o WHERE o.id = r.order_id AND (o.status = 'invalid' OR o.status = 'pending' AND (
            o.expires_at <= instant OR EXISTS (
                SELECT FROM unnest(o.authorization_ids) AS w (listed)
                CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) AS a
                WHERE a.status NOT IN ('pending', 'valid') OR a.expires_at <= instant))));
    RETURN FOUND;
END $$;

-- Forgets limits of which everything has come back, save those that somebody takes of now: it waits for nobody, so that
-- no order waits for it in a circle. Nobody else may delete.
CREATE FUNCTION acme.forget_limits(instant timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM acme.limits WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM acme.limits WHERE full_at <= keiyaku.as_of(instant) FOR UPDATE SKIP LOCKED))
$$;

-- Work that must happen (design §7). One live job per kind and subject. Leases use the database's clock.
CREATE TABLE acme.jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('validate', 'issue', 'crl')),
    subject text NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now(),
    deadline_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    fence integer NOT NULL DEFAULT 0,
    locked_by text,
    locked_until timestamptz,
    last_error text,
    dead boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX jobs_dedupe ON acme.jobs (kind, subject) WHERE NOT dead;
CREATE INDEX jobs_due ON acme.jobs (run_at, id) WHERE NOT dead;

-- A stored certificate makes its order valid, ends its job and starts its contract's term, in one transaction:
-- the signer's. The CA package knows no order, so the store ties them here. Nothing happens to an order that
-- the deadline sweeper ended first; its record is `void` then and no certificate can be stored. Whoever blocks a key
-- holds its lock alone: they find the certificate and revoke it, or it is never stored (C-076, C-163). Whoever revokes an
-- issuing CA holds its lock alone: nothing of it is stored after their commit (C-160).
CREATE FUNCTION acme.certificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE TRIGGER certificate_stored AFTER INSERT ON ca.certificates
    FOR EACH ROW EXECUTE FUNCTION acme.certificate_stored();

-- office: the life of a contract ---------------------------------------------------------------------------------
-- What an application states (T1-4, T4-1, T4-9, T8-14, T8-16). A payer or dealer named here is named in writing.
CREATE TABLE office.applications (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    own_use boolean NOT NULL CHECK (own_use),
    representative text NOT NULL,
    applicant_id uuid NOT NULL REFERENCES gate.persons,
    servers text[] NOT NULL DEFAULT '{}',
    dealer text,
    payer text,
    stated_at timestamptz NOT NULL,
    personal_data_destroyed_at timestamptz
);

-- Persons whom the customer named in writing to be handed binding keys (T4-2).
CREATE TABLE office.requesters (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    person_id uuid NOT NULL REFERENCES gate.persons,
    named_by uuid NOT NULL REFERENCES gate.persons,
    named_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (contract_id, person_id)
);
CREATE INDEX requesters_of_person ON office.requesters (person_id);

-- Documents, each encrypted under a key of its own: without that key nothing reads the rest (T4-3, T4-7).
CREATE TABLE office.documents (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL,
    issued_on date NOT NULL,
    received_on date NOT NULL CHECK (received_on >= issued_on),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    sealed_key bytea,
    sealed_content bytea,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    destroy_at timestamptz,
    destroyed_at timestamptz,
    CHECK ((destroyed_at IS NULL) = (sealed_key IS NOT NULL)),
    CHECK ((destroyed_at IS NULL) = (sealed_content IS NOT NULL))
);
CREATE INDEX documents_of_contract ON office.documents (contract_id);
CREATE INDEX documents_to_destroy ON office.documents (destroy_at) WHERE destroyed_at IS NULL;

-- The call that proves the applicant's authority, to a number from an independent source (T4-3).
CREATE TABLE office.call_backs (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    number_source text NOT NULL,
    confirmed boolean NOT NULL,
    called_by uuid NOT NULL REFERENCES gate.persons,
    called_at timestamptz NOT NULL
);
CREATE INDEX call_backs_of_contract ON office.call_backs (contract_id);

-- "Other organisation" is eligible when the CA accepts it (T3-1).
CREATE TABLE office.eligibility_approvals (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    grounds text NOT NULL,
    approved_by uuid NOT NULL REFERENCES gate.persons,
    approved_at timestamptz NOT NULL
);

-- An application that formed no contract (T4-7): kept for ever, unlike its documents.
CREATE TABLE office.rejections (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    reason_code text NOT NULL,
    rejected_by_first uuid NOT NULL REFERENCES gate.persons,
    rejected_by_second uuid NOT NULL REFERENCES gate.persons,
    rejected_at timestamptz NOT NULL,
    CHECK (rejected_by_first <> rejected_by_second)
);

-- How a contract ended before its time: who asked or decided (T11-4, T13-2).
CREATE TABLE office.endings (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    cause text NOT NULL CHECK (cause IN ('cancelled', 'rescinded', 'service_ended')),
    clause text NOT NULL,
    asked_by uuid REFERENCES gate.persons,
    decided_by_first uuid REFERENCES gate.persons,
    decided_by_second uuid REFERENCES gate.persons,
    ended_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((decided_by_first IS NULL) = (decided_by_second IS NULL)),
    CHECK ((cause = 'cancelled') = (asked_by IS NOT NULL)),
    CHECK (cause = 'cancelled' OR decided_by_first IS NOT NULL)
);

-- The last certificate is gone and none has followed yet (T12-3).
CREATE TABLE office.reissues_pending (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    since timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > since),
    closed_at timestamptz,
    PRIMARY KEY (contract_id, since)
);
CREATE UNIQUE INDEX reissues_pending_open ON office.reissues_pending (contract_id) WHERE closed_at IS NULL;

-- Who is screened for a contract (T13-1), and with what answer. Sources and grounds: compliance only (T13-3).
CREATE TABLE office.screenings (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('customer', 'representative', 'applicant', 'requester', 'payer')),
    subject text NOT NULL,
    added_at timestamptz NOT NULL,
    verdict text NOT NULL DEFAULT 'pending' CHECK (verdict IN ('pending', 'clear', 'hit')),
    source text,
    grounds text,
    checked_by uuid REFERENCES gate.persons,
    checked_at timestamptz,
    personal_data_destroyed_at timestamptz,
    UNIQUE (contract_id, role, subject),
    CHECK ((verdict = 'pending') = (checked_by IS NULL)),
    CHECK ((verdict = 'pending') = (source IS NULL)),
    CHECK ((verdict = 'pending') = (checked_at IS NULL)),
    CHECK ((verdict = 'hit') = (grounds IS NOT NULL))
);

-- Standing consent to renew under a plan (T12-4): a renewal may then be applied for without the customer's hand.
CREATE TABLE office.renewal_consents (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    plan_id uuid NOT NULL REFERENCES gate.plans,
    person_id uuid NOT NULL REFERENCES gate.persons,
    consented_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);

-- Written consent of the other side to a transfer, recorded by two people (T15-1).
CREATE TABLE office.assignments (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    to_customer_id uuid NOT NULL REFERENCES gate.customers,
    document_sha256 bytea NOT NULL CHECK (octet_length(document_sha256) = 32),
    recorded_by_first uuid NOT NULL REFERENCES gate.persons,
    recorded_by_second uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, to_customer_id),
    CHECK (recorded_by_first <> recorded_by_second)
);

-- What a daily job has announced already, once for a contract (T12-8, T12-6).
CREATE TABLE office.announcements (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    kind text NOT NULL CHECK (kind IN ('lapse', 'renewal')),
    announced_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, kind)
);

-- A contract goes on as §0.3 says, and only so; ended, withdrawn and rejected are final. It stays with its customer
-- unless two people recorded the other side's written consent (T15-1).
CREATE FUNCTION gate.contract_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('applied', 'under_review'), ('applied', 'withdrawn'),
        ('under_review', 'awaiting_customer'), ('under_review', 'withdrawn'), ('under_review', 'rejected'),
        ('under_review', 'accepted'), ('awaiting_customer', 'under_review'), ('awaiting_customer', 'withdrawn'),
        ('awaiting_customer', 'rejected'), ('accepted', 'ended')) THEN
        RAISE EXCEPTION 'contract % cannot go from % to %', OLD.handle, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.customer_id <> OLD.customer_id AND NOT EXISTS (
        SELECT FROM office.assignments a WHERE a.contract_id = OLD.id AND a.to_customer_id = NEW.customer_id) THEN
        RAISE EXCEPTION 'T15-1: contract % is not transferable', OLD.handle USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_moves BEFORE UPDATE OF state, customer_id ON gate.contracts
    FOR EACH ROW EXECUTE FUNCTION gate.contract_moves();

-- However early the end of a contract is said to be, its retention begins when that is said (T16-2).
CREATE FUNCTION gate.contract_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.end_recorded_at := keiyaku.as_of(NEW.ended_at);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.contract_ends FROM PUBLIC;
CREATE TRIGGER contract_ended BEFORE INSERT ON gate.contracts
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL OR NEW.end_recorded_at IS NOT NULL) EXECUTE FUNCTION gate.contract_ends();
CREATE TRIGGER contract_ends BEFORE UPDATE OF ended_at, end_recorded_at ON gate.contracts
    FOR EACH ROW EXECUTE FUNCTION gate.contract_ends();

-- office: notices --------------------------------------------------------------------------------------------------
-- Notices (Article 5): the outbox, a row written in the transaction of its cause. `given` holds the texts' values.
CREATE TABLE office.notices (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    clause text NOT NULL CHECK (clause ~ '^A[0-9.]+$'),
    contract_id uuid REFERENCES gate.contracts,
    customer_id uuid REFERENCES gate.customers,
    given jsonb NOT NULL DEFAULT '{}',
    queued_at timestamptz NOT NULL,
    addressed_at timestamptz -- its deliveries exist; null: not yet
);
CREATE INDEX notices_to_address ON office.notices (id) WHERE addressed_at IS NULL;
CREATE INDEX notices_of_contract ON office.notices (contract_id, id);
CREATE INDEX notices_bank_data ON office.notices ((given ->> 'covered_through')) WHERE kind = 'bank_data_missing';
CREATE INDEX notices_service_end ON office.notices (customer_id) WHERE kind = 'service_end'; -- T23-1

-- Invoices put their notice into the outbox themselves, in the transaction that stores a certificate: its evidence, which
-- office/use_cases/notify.py gives every other notice (T5-5).
CREATE FUNCTION office.invoice_notice_queued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(NEW.queued_at), 'notice.queued', NEW.contract_id, 'process:billing', NEW.queued_at,
        convert_to(jsonb_build_object('rule', CASE NEW.kind WHEN 'invoice_issued' THEN 'T8-3' ELSE 'T8-11' END,
            'clause', NEW.clause, 'notice', NEW.id, 'notice_kind', NEW.kind,
            'terms_version', gate.terms_in_force(NEW.queued_at))::text, 'UTF8'));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION office.invoice_notice_queued FROM PUBLIC;
CREATE TRIGGER invoice_notice_queued AFTER INSERT ON office.notices FOR EACH ROW
    WHEN (NEW.kind IN ('invoice_issued', 'difference_invoice_issued')) EXECUTE FUNCTION office.invoice_notice_queued();

-- How a customer wants to be written to, beside the e-mail address in gate.customers.
CREATE TABLE office.contacts (
    customer_id uuid PRIMARY KEY REFERENCES gate.customers,
    language text NOT NULL DEFAULT 'ja' CHECK (language IN ('ja', 'en')),
    postal_address text CHECK (postal_address <> ''),
    stale_since timestamptz -- a bounce (T5-3); null: good
);

-- Others who are told of a contract's money (T8-14, T8-16).
CREATE TABLE office.recipients (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    role text NOT NULL CHECK (role IN ('payer', 'dealer')),
    name text NOT NULL CHECK (name <> ''),
    email text NOT NULL CHECK (email <> ''),
    language text NOT NULL DEFAULT 'ja' CHECK (language IN ('ja', 'en')),
    PRIMARY KEY (contract_id, role)
);

-- One notice to one recipient by one channel. waiting: we must act; person: a person must; handed: the CA's own relay
-- has it; delivered: T5-2 to T5-4; dropped: not delivered within its retention (T16-2). `message_id` never changes, so
-- whoever gets a letter twice can tell.
CREATE TABLE office.deliveries (
    id uuid PRIMARY KEY,
    notice_id uuid NOT NULL REFERENCES office.notices,
    recipient text NOT NULL CHECK (recipient IN ('customer', 'payer', 'dealer', 'officers', 'reporter', 'public')),
    customer_id uuid REFERENCES gate.customers,
    channel text NOT NULL CHECK (channel IN ('email', 'paper', 'web')),
    state text NOT NULL CHECK (state IN ('waiting', 'person', 'handed', 'delivered', 'dropped')),
    address text NOT NULL, -- e-mail or postal address, or URL; '' where nobody knows one
    language text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    message_id text NOT NULL UNIQUE,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    locked_until timestamptz, -- the database's clock
    fence integer NOT NULL DEFAULT 0,
    last_error text,
    handed_at timestamptz,
    first_viewed_at timestamptz,
    posted_on date,
    bounced_at timestamptz,
    delivered_at timestamptz,
    personal_data_destroyed_at timestamptz,
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)),
    CHECK (posted_on IS NULL OR channel = 'paper'),
    CHECK (first_viewed_at IS NULL OR channel = 'web')
);
CREATE INDEX deliveries_of_notice ON office.deliveries (notice_id);
CREATE INDEX deliveries_waiting ON office.deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_for_people ON office.deliveries (id) WHERE state = 'person';
CREATE INDEX deliveries_past ON office.deliveries (delivered_at) WHERE personal_data_destroyed_at IS NULL; -- T16-2

-- A version of the Terms and the announcement that must be delivered before it counts (T20-1).
CREATE TABLE office.terms_changes (
    version text PRIMARY KEY,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    url text NOT NULL,
    change text NOT NULL CHECK (change <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    effective_at timestamptz NOT NULL,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    announced_by uuid NOT NULL REFERENCES gate.persons,
    announced_at timestamptz, -- the announcement's delivery; null: not yet
    withdrawn_at timestamptz
);
CREATE UNIQUE INDEX terms_changes_in_force ON office.terms_changes (effective_at) WHERE withdrawn_at IS NULL;

-- Planned maintenance (A22.2) and the notice of it; an emergency has a justification instead.
CREATE TABLE office.maintenance (
    id uuid PRIMARY KEY,
    reason text NOT NULL CHECK (reason <> ''),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    notice_id uuid UNIQUE REFERENCES office.notices,
    emergency text CHECK (emergency <> ''),
    planned_by uuid NOT NULL REFERENCES gate.persons,
    planned_at timestamptz NOT NULL,
    suspension_id uuid UNIQUE REFERENCES gate.suspensions, -- opened
    CHECK (notice_id IS NOT NULL OR emergency IS NOT NULL)
);

-- The end of the service (A23.1), decided by two people once, and the notice of it to every live contract.
CREATE TABLE office.service_end (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    cause text NOT NULL CHECK (cause <> ''),
    ends_on date NOT NULL,
    certificates text NOT NULL CHECK (certificates IN ('revoke', 'run_off')),
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    suspension_id uuid UNIQUE REFERENCES gate.suspensions, -- by which nothing is issued past the end (T23-3)
    CHECK (decided_by_first <> decided_by_second)
);

-- money -----------------------------------------------------------------------------------------------------------
-- Consumption tax by the day a service is complete (T8-8), in basis points. Two people add a rate before its day and may
-- remove it until something was billed with it. Who has no persons was written by the owner of the table, as the rates of
-- the law are, or before two people had to: no other role inserts.
CREATE TABLE gate.tax_rates (
    effective_on date NOT NULL,
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
    added_by_first uuid REFERENCES gate.persons,
    added_by_second uuid REFERENCES gate.persons,
    added_at timestamptz,
    removed_by_first uuid REFERENCES gate.persons,
    removed_by_second uuid REFERENCES gate.persons,
    removed_at timestamptz,
    CONSTRAINT tax_rates_added_by_two CHECK (added_by_first <> added_by_second),
    CONSTRAINT tax_rates_added_whole CHECK (num_nulls(added_by_first, added_by_second, added_at) IN (0, 3)),
    CONSTRAINT tax_rates_removed_by_two CHECK (removed_by_first <> removed_by_second),
    CONSTRAINT tax_rates_removed_whole CHECK (num_nulls(removed_by_first, removed_by_second, removed_at) IN (0, 3)),
    CONSTRAINT tax_rates_before_its_day
        CHECK (effective_on > (greatest(added_at, removed_at) AT TIME ZONE 'Asia/Tokyo')::date)
);
CREATE UNIQUE INDEX tax_rates_of_day ON gate.tax_rates (effective_on) WHERE removed_at IS NULL;
INSERT INTO gate.tax_rates (effective_on, basis_points)
VALUES ('1989-04-01', 300), ('1997-04-01', 500), ('2014-04-01', 800), ('2019-10-01', 1000);

-- What the fee comes to if the first certificate is signed on that day in Japan; the trigger of the store copies it
-- into an invoice (T8-3). One element a rate in each array.
CREATE TABLE gate.bill_drafts (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    signed_on date NOT NULL,
    due_on date NOT NULL,
    period_from date NOT NULL,
    period_end date NOT NULL,
    rates integer[] NOT NULL,
    months integer[] NOT NULL,
    bases integer[] NOT NULL,
    taxes integer[] NOT NULL,
    PRIMARY KEY (contract_id, signed_on)
);

-- An account that invoices name to be paid into (振込先); it never changes.
CREATE TABLE office.transfer_accounts (
    id uuid PRIMARY KEY,
    bank_account_id uuid REFERENCES gate.bank_accounts, -- it is one of ours
    bank text NOT NULL CHECK (bank ~ '^[0-9]{4}$'),
    bank_name text NOT NULL CHECK (bank_name <> ''),
    branch text NOT NULL CHECK (branch ~ '^[0-9]{3}$'),
    branch_name text NOT NULL CHECK (branch_name <> ''),
    kind text NOT NULL CHECK (kind IN ('1', '2', '4')),
    number text NOT NULL CHECK (number ~ '^[0-9]{7}$'),
    holder text NOT NULL CHECK (holder <> '')
);

-- Who issues invoices: the newest row in effect that two people set is frozen into each.
CREATE TABLE office.sellers (
    effective_at timestamptz PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    address text NOT NULL,
    registration_number text NOT NULL CHECK (registration_number ~ '^T[1-9][0-9]{12}$'),
    set_by uuid NOT NULL REFERENCES gate.persons,
    pay_into uuid REFERENCES office.transfer_accounts,
    confirmed_by uuid REFERENCES gate.persons
);
-- what one person set before counts for what was made then
ALTER TABLE office.sellers
    ADD CONSTRAINT sellers_by_two CHECK (confirmed_by IS NOT NULL AND confirmed_by <> set_by) NOT VALID;

-- The last number of a series, taken in the transaction of the paper, so that no number is ever missing.
CREATE TABLE office.number_series (
    series text PRIMARY KEY CHECK (series ~ '^[A-Z]$'),
    last_number integer NOT NULL
);
INSERT INTO office.number_series (series, last_number) VALUES ('F', 0), ('D', 0), ('C', 0);

-- What stands on a qualified invoice beside its amounts, frozen when it was made. One element a rate in each array.
CREATE TABLE office.invoice_papers (
    invoice_id uuid PRIMARY KEY REFERENCES gate.invoices,
    original_number text REFERENCES gate.invoices (number),
    seller text,
    seller_address text,
    registration_number text,
    buyer text NOT NULL,
    payer text,
    dealer text,
    period_from date NOT NULL,
    period_end date NOT NULL,
    rates integer[] NOT NULL,
    months integer[] NOT NULL,
    bases integer[] NOT NULL,
    taxes integer[] NOT NULL,
    personal_data_destroyed_at timestamptz,
    pay_into uuid REFERENCES office.transfer_accounts,
    carried boolean NOT NULL DEFAULT false -- into office.earnings
);
CREATE INDEX invoice_papers_uncarried ON office.invoice_papers (invoice_id) WHERE NOT carried;

-- What two people took off an invoice: a credit invoice (適格返還請求書), a write-off, a small difference.
CREATE TABLE office.adjustments (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES gate.invoices,
    kind text NOT NULL CHECK (kind IN ('credit', 'write_off', 'small_difference', 'recovery')),
    number text UNIQUE,
    amount_yen integer NOT NULL CHECK (amount_yen <> 0),
    tax_yen integer NOT NULL DEFAULT 0 CHECK (tax_yen BETWEEN least(amount_yen, 0) AND greatest(amount_yen, 0)),
    basis_points integer,
    reason text NOT NULL,
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    carried boolean NOT NULL DEFAULT false, -- into office.earnings
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((kind = 'credit') = (number IS NOT NULL)),
    CHECK ((kind = 'credit') = (basis_points IS NOT NULL)),
    CHECK ((kind = 'recovery') = (amount_yen < 0)) -- what was written off is paid after all: owed again so far
);
CREATE INDEX adjustments_of_invoice ON office.adjustments (invoice_id);
CREATE INDEX adjustments_decided ON office.adjustments (decided_at, id);
CREATE INDEX adjustments_uncarried ON office.adjustments (id) WHERE NOT carried;

-- What of fees was carried over: of all that was booked in one month, with terms of one length that end their months in the
-- same months, what of each contract month and of the last one is earned, credits taken off.
CREATE TABLE office.earnings (
    booked_in date NOT NULL,
    period_from date NOT NULL,
    term_months integer NOT NULL,
    part_yen bigint NOT NULL,
    last_yen bigint NOT NULL,
    PRIMARY KEY (booked_in, period_from, term_months)
);
-- Bases of fees, earned month by month of their terms, and of credits, below 0, which take it back, that were not carried
-- over yet. A term from the first of a month ends its months within them, any other in the months after, so that one day of
-- these stands for all. Division cuts towards 0.
CREATE VIEW office.uncarried AS
SELECT id, date_trunc('month', booked_on::timestamp)::date AS booked_in, date_trunc('month', period_from::timestamp)::date
    + CASE WHEN extract(day FROM period_from) = 1 THEN 0 ELSE 14 END AS period_from, term_months,
    (base_yen / term_months)::bigint AS part_yen, (base_yen - base_yen / term_months * (term_months - 1))::bigint AS last_yen
FROM (
    SELECT i.id, i.issued_on AS booked_on, p.period_from, c.term_months,
        (SELECT sum(b) FROM unnest(p.bases) b)::integer AS base_yen
    FROM office.invoice_papers p JOIN gate.invoices i ON i.id = p.invoice_id JOIN gate.contracts c ON c.id = i.contract_id
    WHERE NOT p.carried AND i.kind = 'fee'
    UNION ALL
    SELECT a.id, (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date, p.period_from, c.term_months, a.tax_yen - a.amount_yen
    FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id
    JOIN office.invoice_papers p ON p.invoice_id = i.id JOIN gate.contracts c ON c.id = i.contract_id
    WHERE NOT a.carried AND a.kind = 'credit' AND a.amount_yen > a.tax_yen
) AS fees;

-- Money sent back out of a receipt's unmatched rest (仮受金).
CREATE TABLE office.refunds (
    id uuid PRIMARY KEY,
    receipt_id uuid NOT NULL REFERENCES gate.receipts,
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    adjustment_id uuid REFERENCES office.adjustments,
    reason text NOT NULL,
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second)
);
CREATE INDEX refunds_of_receipt ON office.refunds (receipt_id);
CREATE INDEX refunds_of_adjustment ON office.refunds (adjustment_id) WHERE adjustment_id IS NOT NULL;
CREATE INDEX refunds_decided ON office.refunds (decided_at, id);

-- Tax billed above what the rates in force ask, by a rate that fell (T8-11). Two people credit it or leave it: nothing
-- moves by itself. overtaken: the rates changed again before anybody decided.
CREATE TABLE office.tax_credits (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES gate.invoices, -- the fee's
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    basis_points integer NOT NULL,
    found_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('credited', 'declined', 'overtaken')),
    adjustment_id uuid REFERENCES office.adjustments,
    decided_by_first uuid REFERENCES gate.persons,
    decided_by_second uuid REFERENCES gate.persons,
    ended_at timestamptz,
    rates integer[] NOT NULL, -- the right ones, by which the tax of the fee is billed once it is credited
    months integer[] NOT NULL, -- of each
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (coalesce(outcome = 'credited', false) = (adjustment_id IS NOT NULL)),
    CHECK (num_nonnulls(decided_by_first, decided_by_second)
        = CASE WHEN outcome IN ('credited', 'declined') THEN 2 ELSE 0 END)
);
CREATE UNIQUE INDEX tax_credits_open ON office.tax_credits (invoice_id) WHERE outcome IS NULL;
CREATE INDEX tax_credits_of_invoice ON office.tax_credits (invoice_id);

-- Two people add a rate. Null: that day has one, or somebody is nobody.
CREATE FUNCTION gate.add_tax_rate(day date, points integer, first uuid, second uuid, at timestamptz) RETURNS boolean
LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO gate.tax_rates (effective_on, basis_points, added_by_first, added_by_second, added_at)
    VALUES (day, points, first, second, keiyaku.as_of(at)) ON CONFLICT DO NOTHING RETURNING true
$$;

-- Two people remove a rate to come, unless papers were made with it: how many, invoices and credits of tax. Nor while first
-- certificates are being issued whose bill is drafted with it: of how many contracts. Null: there is no such rate.
CREATE FUNCTION gate.remove_tax_rate(day date, points integer, first uuid, second uuid, at timestamptz,
    OUT billed integer, OUT underway integer) LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamptz := keiyaku.as_of(at);
    since timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(7201, 3); -- who bills by the rates holds it shared, from reading them on
    SELECT coalesce(added_at, 'epoch') INTO since FROM gate.tax_rates
    WHERE effective_on = day AND basis_points = points AND removed_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT count(*) INTO billed FROM (
        SELECT p.period_end, p.rates FROM gate.invoices i JOIN office.invoice_papers p ON p.invoice_id = i.id
        WHERE i.id >= keiyaku.uuid7_floor(since)
        UNION ALL
        SELECT p.period_end, t.rates FROM office.tax_credits t JOIN office.invoice_papers p ON p.invoice_id = t.invoice_id
        WHERE t.outcome = 'credited' AND t.ended_at >= since) AS made
    WHERE made.period_end > day AND points = ANY (made.rates);
    SELECT count(DISTINCT d.contract_id) INTO underway FROM gate.bill_drafts d
    JOIN acme.issuances s ON s.contract_id = d.contract_id JOIN acme.orders o ON o.id = s.order_id
    WHERE d.signed_on >= (now AT TIME ZONE 'Asia/Tokyo')::date AND d.period_end > day AND points = ANY (d.rates)
        AND o.status = 'processing' AND NOT EXISTS (SELECT FROM gate.contract_starts c WHERE c.contract_id = d.contract_id);
    IF billed + underway = 0 THEN
        UPDATE gate.tax_rates SET removed_by_first = first, removed_by_second = second, removed_at = now
        WHERE effective_on = day AND removed_at IS NULL;
    END IF;
END $$;

-- No paper is made with a rate that was removed after its bill was drafted: it is drafted anew.
CREATE FUNCTION gate.rates_stand() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7201, 3);
    IF EXISTS (
        SELECT FROM gate.tax_rates x WHERE x.removed_at IS NOT NULL AND x.effective_on < NEW.period_end
            AND x.basis_points = ANY (NEW.rates) AND NOT EXISTS ( -- nor is it the rate of a day of the period all the same
                SELECT FROM gate.tax_rates y WHERE y.removed_at IS NULL AND y.basis_points = x.basis_points
                    AND y.effective_on < NEW.period_end AND NOT EXISTS (
                        SELECT FROM gate.tax_rates z WHERE z.removed_at IS NULL AND z.effective_on > y.effective_on
                            AND z.effective_on <= NEW.period_from))) THEN
        RAISE EXCEPTION 'T8-8: a rate of this paper was removed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rates_stand BEFORE INSERT ON office.invoice_papers FOR EACH ROW EXECUTE FUNCTION gate.rates_stand();

REVOKE ALL ON FUNCTION gate.add_tax_rate, gate.remove_tax_rate, gate.rates_stand FROM PUBLIC;

-- What two people made of the fee of a contract that ended early (Article 9): the figures as they were that day, and what
-- goes back, at most the ceiling of Article 25. The money itself moves by credits and refunds.
CREATE TABLE office.settlements (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    end_cause text NOT NULL,
    ended_on date NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('nothing_owed', 'whole_fee_owed', 'proposal')),
    owed_yen integer NOT NULL CHECK (owed_yen >= 0),
    open_yen integer NOT NULL CHECK (open_yen >= 0),
    ceiling_yen integer CHECK (ceiling_yen >= 0),
    returned_yen integer NOT NULL CHECK (returned_yen >= 0),
    reason text NOT NULL CHECK (reason <> ''),
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((outcome = 'proposal') = (ceiling_yen IS NOT NULL)),
    CHECK (returned_yen <= coalesce(ceiling_yen, 0))
);
CREATE INDEX settlements_decided ON office.settlements (decided_at);

-- Closed months: what is recorded later is dated in the month that is open then.
CREATE TABLE office.closed_months (
    month date PRIMARY KEY CHECK (month = date_trunc('month', month)),
    closed_by uuid NOT NULL REFERENCES gate.persons,
    closed_at timestamptz NOT NULL,
    CONSTRAINT closed_months_over CHECK (closed_at >= (month + interval '1 month') AT TIME ZONE 'Asia/Tokyo')
);

-- Reminders sent, so that no sweep sends one twice (T8-17).
CREATE TABLE office.reminders (
    invoice_id uuid NOT NULL REFERENCES gate.invoices,
    kind text NOT NULL CHECK (kind IN ('payment_reminder', 'payment_overdue')),
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, kind)
);

-- A UUIDv7 of an instant.
CREATE FUNCTION keiyaku.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- The next number of a series, as F00000001. Held until the transaction ends: a rollback gives it back.
CREATE FUNCTION gate.next_number(wanted text) RETURNS text LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.number_series SET last_number = last_number + 1 WHERE series = wanted
    RETURNING series || lpad(last_number::text, 8, '0')
$$;

-- What of invoices is open follows from their matches and from what two people took off; nobody may write it.
CREATE FUNCTION gate.recount(billed uuid[]) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE gate.invoices i SET open_yen = i.total_yen - off.yen FROM (
        SELECT wanted.id, coalesce(sum(taken.amount_yen), 0) AS yen FROM unnest(billed) AS wanted(id) LEFT JOIN (
            SELECT m.invoice_id, m.amount_yen FROM gate.payment_matches m JOIN gate.receipts r ON r.id = m.receipt_id
            WHERE m.invoice_id = ANY (billed) AND m.undone_at IS NULL AND r.cancelled_at IS NULL
            UNION ALL SELECT a.invoice_id, a.amount_yen FROM office.adjustments a WHERE a.invoice_id = ANY (billed)
        ) AS taken ON taken.invoice_id = wanted.id GROUP BY wanted.id) AS off
    WHERE i.id = off.id AND i.id = ANY (billed)
$$;

CREATE FUNCTION gate.adjusted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM gate.invoices WHERE id = NEW.invoice_id FOR UPDATE;
    PERFORM gate.recount(ARRAY[NEW.invoice_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER adjusted AFTER INSERT ON office.adjustments FOR EACH ROW EXECUTE FUNCTION gate.adjusted();

-- No more leaves a receipt than came in: by matches and by refunds.
CREATE FUNCTION gate.refunded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM gate.receipts WHERE id = NEW.receipt_id FOR UPDATE;
    IF gate.used_of(NEW.receipt_id) > (SELECT amount_yen FROM gate.receipts
                                       WHERE id = NEW.receipt_id AND cancelled_at IS NULL) IS NOT FALSE THEN
        RAISE EXCEPTION 'receipt % does not hold that much', NEW.receipt_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refunded AFTER INSERT ON office.refunds FOR EACH ROW EXECUTE FUNCTION gate.refunded();

CREATE FUNCTION gate.used_of(receipt uuid) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT sum(amount_yen) FROM gate.payment_matches WHERE receipt_id = receipt AND undone_at IS NULL), 0)
         + coalesce((SELECT sum(amount_yen) FROM office.refunds WHERE receipt_id = receipt), 0)
$$;

-- An invoice with its frozen paper, and its notice: all or none. The names of buyer, payer and dealer, the seller that two
-- people set and the account to pay into are those of this moment. Under a dealer the paper goes to that relation (T8-16);
-- the buyer stays the customer (T8-14).
CREATE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz, asked integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamptz := keiyaku.as_of(at);
    invoice uuid := keiyaku.uuid7(now);
    paper text := gate.next_number(CASE invoice_kind WHEN 'fee' THEN 'F' ELSE 'D' END);
    -- of a difference only the tax that was not billed yet is asked
    total integer := coalesce(asked, (SELECT sum(x) FROM unnest(bill.bases || bill.taxes) x));
    -- whom the paper names; the customer unless a reading says otherwise (T8-14)
    names text := (SELECT r.value FROM gate.readings r WHERE r.key = 'invoice.names' AND r.effective_at <= now
                   ORDER BY r.effective_at DESC LIMIT 1);
BEGIN
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at, dealer)
    SELECT invoice, contract, paper, invoice_kind, issued, bill.due_on, total, total, now,
        (SELECT a.dealer FROM office.applications a WHERE a.contract_id = contract);
    INSERT INTO office.invoice_papers (invoice_id, original_number, seller, seller_address, registration_number, buyer,
        payer, dealer, period_from, period_end, rates, months, bases, taxes, pay_into)
    SELECT invoice, original, s.name, s.address, s.registration_number,
        coalesce(CASE names WHEN 'payer' THEN a.payer END, u.name), a.payer, a.dealer, bill.period_from, bill.period_end,
        bill.rates, bill.months, bill.bases, bill.taxes, s.pay_into
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
    LEFT JOIN office.applications a ON a.contract_id = c.id
    LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= now AND e.confirmed_by IS NOT NULL
        ORDER BY e.effective_at DESC LIMIT 1) s ON true
    WHERE c.id = contract;
    INSERT INTO office.notices (id, kind, clause, contract_id, given, queued_at)
    VALUES (keiyaku.uuid7(now), CASE invoice_kind WHEN 'fee' THEN 'invoice_issued' ELSE 'difference_invoice_issued' END,
        'A8.1', contract, jsonb_build_object('invoice', paper, 'total_yen', total::text, 'due_on', bill.due_on::text), now);
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(now), 'invoice.issued', contract, 'process:billing', now, convert_to(jsonb_build_object(
        'rule', CASE invoice_kind WHEN 'fee' THEN 'T8-3' ELSE 'T8-11' END, 'clause', 'A8.1', 'invoice', paper,
        'issued_on', issued, 'due_on', bill.due_on, 'total_yen', total, 'rates', bill.rates, 'bases', bill.bases,
        'taxes', bill.taxes, 'terms_version', gate.terms_in_force(now))::text, 'UTF8'));
    RETURN paper;
END $$;

-- The fee of a contract falls due by the signing of its first final certificate, once (T8-3). None for a fee of 0, nor
-- where the fee was billed by hand before. Without a draft of that day nothing is stored: no certificate goes unbilled.
CREATE FUNCTION gate.bill_start(contract uuid, signed_at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed date := (signed_at AT TIME ZONE 'Asia/Tokyo')::date;
    fee integer := (SELECT fee_yen FROM gate.contracts WHERE id = contract);
    bill gate.bill_drafts;
BEGIN
    IF fee = 0 OR EXISTS (SELECT FROM gate.invoices WHERE contract_id = contract AND kind = 'fee') THEN
        RETURN;
    END IF;
    SELECT * INTO bill FROM gate.bill_drafts WHERE contract_id = contract AND signed_on = signed;
    IF bill.contract_id IS NULL OR (SELECT sum(b) FROM unnest(bill.bases) b) <> fee THEN
        RAISE EXCEPTION 'T8-3: no bill of % is drafted for %', contract, signed USING ERRCODE = 'check_violation';
    END IF;
    PERFORM gate.issue_invoice(contract, 'fee', signed, NULL, bill, signed_at);
END $$;

-- An invoice recorded by hand: all of it open, no paper, no dealer, under a number that the books do not give themselves.
-- Null: the number is taken.
CREATE FUNCTION gate.record_invoice(invoice uuid, contract uuid, given text, invoice_kind text, issued date, due date,
    total integer, at timestamptz) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
    SELECT invoice, contract, given, invoice_kind, issued, due, total, total, at WHERE given !~ '^[FDC][0-9]{8}$'
    ON CONFLICT (number) DO NOTHING RETURNING id
$$;

-- Bank files: whose they are, what was in them, which line is which receipt (T8-5, T8-6, T13-1).
-- How an account's bank writes its files, and how they name the account; corrected by two people, for files to come.
CREATE TABLE office.bank_dialects (
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    bank text NOT NULL CHECK (bank ~ '^[0-9]{4}$'),
    branch text NOT NULL CHECK (branch ~ '^[0-9]{3}$'),
    kind text NOT NULL CHECK (kind IN ('1', '2', '4')),
    number text NOT NULL CHECK (number ~ '^[0-9]{7}$'),
    format text NOT NULL CHECK (format IN ('zengin-01', 'zengin-03', 'camt.054')),
    years text NOT NULL CHECK (years IN ('era', 'western')),
    virtual_in text NOT NULL CHECK (virtual_in IN ('none', 'header', 'remitter_code')),
    virtual_branch text CHECK (virtual_branch ~ '^[0-9]{3}$'),
    set_at timestamptz NOT NULL,
    CHECK ((virtual_in = 'header') = (virtual_branch IS NOT NULL)),
    ended_at timestamptz, -- files that were imported before were read by it
    corrected_by_first uuid REFERENCES gate.persons,
    corrected_by_second uuid REFERENCES gate.persons,
    PRIMARY KEY (bank_account_id, set_at),
    CONSTRAINT bank_dialects_by_two CHECK (corrected_by_first <> corrected_by_second),
    CONSTRAINT bank_dialects_whole CHECK (num_nulls(corrected_by_first, corrected_by_second) IN (0, 2))
);
CREATE UNIQUE INDEX bank_dialects_live ON office.bank_dialects (bank_account_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX bank_dialects_numbers ON office.bank_dialects (bank, branch, kind, number) WHERE ended_at IS NULL;

-- A number of the bank's that stands for one contract; never used again within twelve months of its end.
CREATE TABLE office.virtual_accounts (
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    number text NOT NULL CHECK (number ~ '^[0-9]{1,10}$'),
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    allocated_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (bank_account_id, number, allocated_at)
);
CREATE UNIQUE INDEX virtual_accounts_live ON office.virtual_accounts (bank_account_id, number) WHERE ended_at IS NULL;
CREATE INDEX virtual_accounts_of_contract ON office.virtual_accounts (contract_id);

-- Names under which a customer's invoices are paid. key: the name as it is compared (contract_gate/matching.py).
CREATE TABLE office.payer_aliases (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES gate.customers,
    name text NOT NULL,
    key text NOT NULL CHECK (key <> ''),
    added_by uuid NOT NULL REFERENCES gate.persons,
    added_at timestamptz NOT NULL,
    removed_at timestamptz,
    personal_data_destroyed_at timestamptz -- T16-2
);
CREATE UNIQUE INDEX payer_aliases_live ON office.payer_aliases (customer_id, key) WHERE removed_at IS NULL;
CREATE INDEX payer_aliases_by_key ON office.payer_aliases ("left"(key, 8)) WHERE removed_at IS NULL;

-- Names under which a dealer pays, as office.payer_aliases has those of customers. One sum may pay for many (T8-16).
CREATE TABLE office.dealer_aliases (
    id uuid PRIMARY KEY,
    dealer text NOT NULL CHECK (dealer <> ''), -- as the applications name it
    name text NOT NULL,
    key text NOT NULL CHECK (key <> ''),
    added_by uuid NOT NULL REFERENCES gate.persons,
    added_at timestamptz NOT NULL,
    removed_at timestamptz,
    personal_data_destroyed_at timestamptz -- T16-2
);
CREATE UNIQUE INDEX dealer_aliases_live ON office.dealer_aliases (dealer, key) WHERE removed_at IS NULL;
CREATE INDEX dealer_aliases_by_key ON office.dealer_aliases ("left"(key, 8)) WHERE removed_at IS NULL;

-- staged: every line is stored, some wait to be booked, no day of it counts yet; booked: all of it counts.
CREATE TABLE office.bank_files (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    name text NOT NULL,
    imported_by uuid REFERENCES gate.persons,
    imported_at timestamptz NOT NULL,
    booked_at timestamptz,
    lines integer NOT NULL,
    known integer NOT NULL,
    late integer NOT NULL,
    missing integer NOT NULL,
    cancelled_counted boolean
);
CREATE TABLE office.bank_file_periods (
    file_id uuid NOT NULL REFERENCES office.bank_files,
    record integer NOT NULL,
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    period_from date NOT NULL,
    period_to date NOT NULL CHECK (period_to >= period_from),
    PRIMARY KEY (file_id, record)
);

-- A line is the same in every file that shows it: account, day, query number, amount, remitter, and its place among equals.
CREATE TABLE office.bank_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id uuid NOT NULL,
    record integer NOT NULL,
    bank_account_id uuid NOT NULL,
    nature text NOT NULL CHECK (nature IN ('transfer', 'other', 'correction')),
    booked_on date NOT NULL,
    value_on date NOT NULL,
    amount_yen bigint NOT NULL CHECK (amount_yen > 0),
    uncleared_yen bigint NOT NULL,
    query_number text NOT NULL,
    remitter_code text NOT NULL,
    remitter text NOT NULL,
    sending_bank text NOT NULL,
    sending_branch text NOT NULL,
    edi text NOT NULL,
    cancels boolean NOT NULL,
    virtual_number text NOT NULL,
    ordinal integer NOT NULL,
    personal_data_destroyed_at timestamptz -- T16-2
);
CREATE UNIQUE INDEX bank_lines_identity ON office.bank_lines
    (bank_account_id, booked_on, amount_yen, query_number, remitter, cancels, ordinal);
CREATE INDEX bank_lines_of_file ON office.bank_lines (file_id, id);
CREATE INDEX bank_lines_cancelling ON office.bank_lines (file_id, id) WHERE cancels;
CREATE INDEX bank_files_unfinished ON office.bank_files (imported_at) WHERE booked_at IS NULL;

-- What became of a line; none yet of one that is only staged.
CREATE TABLE office.line_outcomes (
    line_id bigint PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('matched', 'waiting', 'cancelled', 'dismissed')),
    note text,
    receipt_id uuid
);
CREATE UNIQUE INDEX line_outcomes_receipt ON office.line_outcomes (receipt_id) WHERE receipt_id IS NOT NULL;
CREATE INDEX line_outcomes_waiting ON office.line_outcomes (line_id) WHERE state = 'waiting';

-- What a payer may write for an invoice.
CREATE INDEX invoices_by_reference ON gate.invoices (upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')));
CREATE INDEX invoices_by_digits ON gate.invoices (regexp_replace(number, '[^0-9]', '', 'g'));

-- What tells a process that the facts it has kept of a contract are current (contract_gate/kept.py): a random value, so
-- that neither a restore nor a failover brings one back, made anew by triggers on the tables of facts. A fact of a
-- contract counts for those that follow it too. The nil id stands for what counts for every contract.
CREATE TABLE gate.revisions (
    contract_id uuid PRIMARY KEY,
    revision uuid NOT NULL
) WITH (fillfactor = 50); -- each is changed often: the next version finds room beside it
INSERT INTO gate.revisions VALUES ('00000000-0000-0000-0000-000000000000', gen_random_uuid());
CREATE FUNCTION gate.facts_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
        'binding_keys', 'holds', 'information_changes', 'successions'] LOOP
        EXECUTE format('CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.%I'
            ' FOR EACH ROW EXECUTE FUNCTION gate.facts_changed(%L)', facts, 'contract_id');
    END LOOP;
    CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.contracts
        FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('id');
    FOREACH facts IN ARRAY ARRAY['bank_accounts', 'holidays', 'suspensions', 'readings', 'tax_rates', 'texts'] LOOP
        EXECUTE format('CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.%I'
            ' FOR EACH ROW EXECUTE FUNCTION gate.facts_changed()', facts);
    END LOOP;
END $$;
-- The same for all rows of a statement at once: a batch of bookings changes as many invoices. One random
-- value will do for all of them.
CREATE FUNCTION gate.invoices_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    billed uuid[] := (SELECT array_agg(contract_id) FROM (SELECT contract_id FROM before UNION SELECT contract_id FROM after) AS both_versions);
BEGIN
    WITH RECURSIVE line AS (
        SELECT unnest(billed) AS id UNION SELECT c.id FROM line JOIN gate.contracts c ON c.predecessor_id = line.id
    )
    INSERT INTO gate.revisions (contract_id, revision) SELECT id, (SELECT gen_random_uuid()) FROM line ORDER BY id
    ON CONFLICT (contract_id) DO UPDATE SET revision = excluded.revision;
    DELETE FROM gate.open_invoices WHERE id = ANY (ARRAY(SELECT id FROM after WHERE open_yen = 0));
    INSERT INTO gate.open_invoices AS o (id, number, issued_on, due_on, dealer)
    SELECT id, number, issued_on, due_on, dealer FROM after WHERE open_yen > 0
    ON CONFLICT (id) DO UPDATE SET (number, issued_on, due_on, dealer)
        = (excluded.number, excluded.issued_on, excluded.due_on, excluded.dealer)
    WHERE (o.number, o.issued_on, o.due_on, o.dealer)
        IS DISTINCT FROM (excluded.number, excluded.issued_on, excluded.due_on, excluded.dealer);
    RETURN NULL;
END $$;
CREATE FUNCTION gate.invoices_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.open_invoices (id, number, issued_on, due_on, dealer)
    SELECT id, number, issued_on, due_on, dealer FROM added WHERE open_yen > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER invoices_added AFTER INSERT ON gate.invoices REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.invoices_added();
CREATE TRIGGER invoices_changed AFTER UPDATE ON gate.invoices REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION gate.invoices_changed();
CREATE TRIGGER facts_changed AFTER INSERT OR DELETE ON gate.invoices
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('contract_id');

-- grants ----------------------------------------------------------------------------------------------------------
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA keiyaku, evidence, acme, gate FROM PUBLIC;
GRANT USAGE ON SCHEMA evidence, gate, ca, acme, keiyaku TO
    keiyaku_acme, keiyaku_office, keiyaku_status, keiyaku_work, keiyaku_sign, keiyaku_seal, keiyaku_operator;
GRANT SELECT ON keiyaku.migrations TO
    keiyaku_acme, keiyaku_office, keiyaku_status, keiyaku_work, keiyaku_sign, keiyaku_seal, keiyaku_operator;
GRANT SELECT ON keiyaku.cluster TO keiyaku_seal, keiyaku_sign, keiyaku_operator;
GRANT UPDATE ON keiyaku.cluster TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION keiyaku.cluster_identity TO keiyaku_seal, keiyaku_operator;
GRANT EXECUTE ON FUNCTION evidence.begin_era TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION keiyaku.months_ahead TO keiyaku_acme, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION keiyaku.uuid7_floor, keiyaku.partitioned_tables TO keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION keiyaku.ensure_partitions, acme.truncate_slot TO keiyaku_work;
GRANT EXECUTE ON FUNCTION acme.take, acme.at_pace TO keiyaku_acme;
GRANT EXECUTE ON FUNCTION acme.limit_of TO keiyaku_acme, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION acme.forget_limits TO keiyaku_work;
GRANT EXECUTE ON FUNCTION acme.claim TO keiyaku_acme;
GRANT EXECUTE ON FUNCTION acme.may_begin TO keiyaku_acme, keiyaku_work;
GRANT INSERT (id, kind, contract_id, actor, recorded_at, content) ON evidence.records TO
    keiyaku_acme, keiyaku_office, keiyaku_work, keiyaku_sign, keiyaku_operator;
GRANT SELECT ON evidence.seal_state TO keiyaku_acme, keiyaku_work, keiyaku_sign, keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.terms_in_force TO keiyaku_office, keiyaku_operator;
GRANT EXECUTE ON FUNCTION evidence.citation, evidence.cited TO keiyaku_acme, keiyaku_office, keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.served_by TO keiyaku_acme, keiyaku_office, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.concerned TO keiyaku_office, keiyaku_operator;

-- the ACME server: cannot write contracts, payments or reviews
GRANT SELECT ON ALL TABLES IN SCHEMA gate TO keiyaku_acme;
REVOKE SELECT ON gate.receipts, gate.payment_matches, gate.persons, gate.holds, gate.open_invoices FROM keiyaku_acme;
GRANT SELECT (contract_id, status, lifted_at) ON gate.holds TO keiyaku_acme; -- never the grounds (T13-3)
GRANT INSERT ON gate.decisions, gate.binding_uses, gate.help_pages TO keiyaku_acme;
GRANT SELECT ON ALL TABLES IN SCHEMA ca TO keiyaku_acme;
GRANT INSERT ON ca.serials, ca.revocations, ca.blocked_keys TO keiyaku_acme;
GRANT EXECUTE ON FUNCTION ca.void_record, ca.open_record TO keiyaku_acme, keiyaku_work;
GRANT UPDATE (reason, published_at) ON ca.revocations TO keiyaku_acme;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA acme TO keiyaku_acme;
REVOKE INSERT ON acme.renewal_windows, acme.limit_overrides FROM keiyaku_acme;
GRANT UPDATE (full_at, number) ON acme.limits TO keiyaku_acme;
GRANT UPDATE (full_at, consecutive, first_failed_at, token, paused_at) ON acme.failures TO keiyaku_acme;
GRANT UPDATE ON acme.accounts, acme.authorizations, acme.orders, acme.replacements, acme.jobs TO keiyaku_acme;
GRANT UPDATE (retired_at) ON acme.account_keys TO keiyaku_acme;
GRANT DELETE ON acme.jobs TO keiyaku_acme;

-- the worker: the same use cases after the fact, and the housekeeping
GRANT SELECT ON ALL TABLES IN SCHEMA gate TO keiyaku_work;
REVOKE SELECT ON gate.receipts, gate.payment_matches, gate.persons, gate.holds, gate.open_invoices FROM keiyaku_work;
GRANT SELECT (contract_id, status, lifted_at) ON gate.holds TO keiyaku_work; -- never the grounds (T13-3)
GRANT INSERT ON gate.decisions, gate.help_pages TO keiyaku_work;
GRANT SELECT ON ALL TABLES IN SCHEMA ca TO keiyaku_work;
GRANT INSERT ON ca.serials, ca.revocations TO keiyaku_work;
GRANT SELECT ON ALL TABLES IN SCHEMA acme TO keiyaku_work;
GRANT INSERT ON acme.issuances, acme.jobs, acme.nonce_epoch, acme.failures, acme.caa_reports TO keiyaku_work;
GRANT UPDATE (full_at, consecutive, first_failed_at, token, paused_at) ON acme.failures TO keiyaku_work;
GRANT UPDATE ON acme.authorizations, acme.orders, acme.jobs TO keiyaku_work;
GRANT DELETE ON acme.jobs TO keiyaku_work;

-- the signer: reads what to sign and why, stores what it signed
GRANT SELECT ON ca.to_be_signed, ca.issuers, ca.certificates, ca.revocations, ca.crls, ca.blocked_keys TO keiyaku_sign;
GRANT SELECT (id, stage, outcome, names, not_after_limit, decided_at, contract_id) ON gate.decisions TO keiyaku_sign;
GRANT SELECT (id, state) ON gate.contracts TO keiyaku_sign;
GRANT SELECT (contract_id, kind, value, removed_at) ON gate.contract_names TO keiyaku_sign;
GRANT SELECT (contract_id, status, lifted_at) ON gate.holds TO keiyaku_sign; -- never the grounds (T13-3)
GRANT SELECT (contract_id, organization, country, state_or_province, locality, recorded_at) ON gate.reviewed_subjects
    TO keiyaku_sign;
GRANT INSERT ON ca.certificates, ca.crls TO keiyaku_sign;
GRANT UPDATE (state, signing_at) ON ca.to_be_signed TO keiyaku_sign;
GRANT UPDATE (published_at) ON ca.revocations TO keiyaku_sign;

-- the sealer: reads evidence, adds checkpoints
GRANT SELECT ON ALL TABLES IN SCHEMA evidence TO keiyaku_seal;
GRANT INSERT ON evidence.checkpoints TO keiyaku_seal;
GRANT UPDATE ON evidence.seal_state TO keiyaku_seal;

-- status service: public data only
GRANT SELECT ON ca.issuers, ca.crls, ca.cross_certificates TO keiyaku_status;

-- office: help pages and public texts
GRANT SELECT ON gate.help_pages, gate.texts TO keiyaku_office;
GRANT SELECT (account_id, name, token, paused_at) ON acme.failures TO keiyaku_office; -- the page that resumes
GRANT UPDATE (full_at, consecutive, paused_at) ON acme.failures TO keiyaku_office;
GRANT SELECT, UPDATE (address, told_at) ON acme.caa_reports TO keiyaku_office;
GRANT SELECT (id, binding_key_id) ON acme.accounts TO keiyaku_office;
GRANT SELECT (id, contract_id) ON gate.binding_keys TO keiyaku_office;

-- operators' commands: contracts and their facts; never a certificate, a decision or evidence already written
GRANT SELECT ON ALL TABLES IN SCHEMA gate, ca, acme, evidence TO keiyaku_operator;
REVOKE SELECT ON acme.nonce_epoch FROM keiyaku_operator;
GRANT INSERT ON gate.persons, gate.customers, gate.texts, gate.plans, gate.contracts, gate.contract_names, gate.consents,
    gate.review_items, gate.reviewed_subjects, gate.binding_keys, gate.invoices, gate.receipts, gate.payment_matches,
    gate.bank_accounts, gate.bank_days, gate.holidays, gate.holds, gate.information_changes, gate.suspensions,
    gate.readings TO keiyaku_operator;
GRANT UPDATE ON gate.customers, gate.contracts, gate.contract_names, gate.receipts, gate.payment_matches,
    gate.bank_accounts, gate.holds, gate.information_changes, gate.suspensions TO keiyaku_operator;
GRANT UPDATE (label, withdrawn_at, expires_at) ON gate.binding_keys TO keiyaku_operator;
GRANT INSERT ON ca.issuers, ca.cross_certificates, ca.crls, ca.revocations, ca.blocked_keys TO keiyaku_operator;
GRANT UPDATE (reason, published_at) ON ca.revocations TO keiyaku_operator;
GRANT INSERT ON acme.jobs, acme.renewal_windows, acme.limit_overrides TO keiyaku_operator;
GRANT UPDATE ON acme.renewal_windows TO keiyaku_operator;

-- the office's own tables
GRANT USAGE ON SCHEMA office TO keiyaku_office, keiyaku_operator;

-- the life of a contract: the office's use cases and its daily jobs; of screenings, what is not compliance's (T13-3)
GRANT SELECT ON gate.plans, gate.contracts, gate.contract_names, gate.contract_starts,
    gate.consents, gate.review_items, gate.successions, gate.readings TO keiyaku_office;
GRANT UPDATE (state, ended_at, end_cause) ON gate.contracts TO keiyaku_office;
GRANT INSERT, UPDATE (ends_at) ON gate.successions TO keiyaku_operator;
GRANT UPDATE (ends_at) ON gate.successions TO keiyaku_office;
GRANT UPDATE ON gate.plans TO keiyaku_operator;
GRANT SELECT, INSERT ON office.applications, office.requesters, office.documents, office.call_backs,
    office.eligibility_approvals, office.rejections, office.endings, office.reissues_pending, office.renewal_consents,
    office.assignments, office.announcements TO keiyaku_operator;
GRANT SELECT ON office.applications, office.requesters, office.endings, office.renewal_consents TO keiyaku_office;
GRANT SELECT, INSERT ON office.announcements, office.reissues_pending TO keiyaku_office;
GRANT UPDATE (closed_at) ON office.reissues_pending TO keiyaku_office, keiyaku_operator;
GRANT SELECT (id, contract_id, destroy_at, destroyed_at) ON office.documents TO keiyaku_office;
GRANT UPDATE (servers, dealer, payer) ON office.applications TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.requesters, office.renewal_consents TO keiyaku_operator;
GRANT UPDATE (destroy_at) ON office.documents TO keiyaku_operator;
GRANT INSERT ON office.screenings TO keiyaku_operator;
GRANT SELECT (id, contract_id, role, subject, added_at, verdict, checked_at) ON office.screenings TO keiyaku_operator;
GRANT UPDATE (verdict, source, grounds, checked_by, checked_at) ON office.screenings TO keiyaku_operator;
GRANT SELECT ON acme.issuances TO keiyaku_office;
GRANT SELECT (id, serial, not_after, state) ON ca.to_be_signed TO keiyaku_office;
GRANT SELECT (serial) ON ca.revocations TO keiyaku_office;
GRANT SELECT (id, handle) ON gate.persons TO keiyaku_compliance;
GRANT SELECT (id, handle) ON gate.contracts TO keiyaku_compliance;
GRANT SELECT ON office.screenings TO keiyaku_compliance;
GRANT USAGE ON SCHEMA gate, office TO keiyaku_compliance;

-- notices
GRANT SELECT, INSERT ON office.notices, office.deliveries TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.contacts, office.recipients, office.terms_changes, office.maintenance, office.service_end
    TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (language, postal_address, stale_since) ON office.contacts TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (name, email, language) ON office.recipients TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (announced_at, withdrawn_at) ON office.terms_changes TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (suspension_id) ON office.maintenance TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second, decided_at, suspension_id)
    ON office.service_end TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (addressed_at) ON office.notices TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (address, state, attempts, next_at, locked_until, fence, last_error, handed_at, first_viewed_at, posted_on,
    bounced_at, delivered_at) ON office.deliveries TO keiyaku_office, keiyaku_operator;
GRANT SELECT (id, number, handle, customer_id, state) ON gate.contracts TO keiyaku_office;
GRANT SELECT (id, handle, name, contact_email) ON gate.customers TO keiyaku_office;
GRANT SELECT ON gate.holidays, gate.readings TO keiyaku_office;
GRANT INSERT ON gate.texts TO keiyaku_office;

-- money: the ACME door drafts what the first certificate will cost, the signer's transaction makes it an invoice
GRANT INSERT, UPDATE ON gate.bill_drafts TO keiyaku_acme, keiyaku_work;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.next_number, gate.issue_invoice, gate.used_of TO keiyaku_operator, keiyaku_office;
GRANT EXECUTE ON FUNCTION gate.record_invoice TO keiyaku_operator, keiyaku_office;
GRANT SELECT ON office.number_series, office.invoice_papers TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.sellers, office.adjustments, office.refunds, office.closed_months TO keiyaku_operator;
GRANT SELECT, INSERT ON office.reminders TO keiyaku_office, keiyaku_operator;
GRANT SELECT ON gate.invoices, gate.open_invoices, gate.tax_rates, gate.readings, gate.holidays, gate.bank_accounts
    TO keiyaku_office;

-- Revocation by the Terms (Article 11): cases, what was known when, decisions of two people, problem reports.
CREATE TABLE office.cases (
    id uuid PRIMARY KEY,
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'), -- contract_gate/articles/article_11_revocation.GROUNDS
    underlying text CHECK (underlying ~ '^[a-z_]+$'), -- of A11.4.3
    contract_id uuid REFERENCES gate.contracts, -- what it covers: exactly one of these five, or an incident
    customer_id uuid REFERENCES gate.customers,
    spki_sha256 bytea CHECK (octet_length(spki_sha256) = 32),
    serials bytea[] CHECK (cardinality(serials) > 0),
    issuer_id smallint REFERENCES ca.issuers,
    reporter text NOT NULL CHECK (reporter <> ''),
    note text NOT NULL,
    asked_code smallint CHECK (asked_code IN (1, 3, 4, 5)),
    cps_demands boolean NOT NULL DEFAULT false,
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided', 'executing', 'revoked', 'published', 'closed')),
    attention boolean NOT NULL, -- a person has yet to look at it
    executed_at timestamptz,
    published_at timestamptz,
    result_notice_id uuid REFERENCES office.notices,
    deadline_at timestamptz, -- for published revocation, as the Terms and the BR count it; null: no clock runs
    incident_id uuid UNIQUE, -- what an incident lists; never a drill, so that a drill touches nothing live (C-166)
    incident_is_drill boolean CHECK (NOT incident_is_drill),
    result_due_at timestamptz, -- before it who asked is told (T11-6); null: nobody asked, or no contract is concerned
    result_told_at timestamptz,
    CHECK (num_nonnulls(contract_id, customer_id, spki_sha256, serials, issuer_id, incident_id) = 1),
    CHECK ((state IN ('revoked', 'published')) = (executed_at IS NOT NULL)),
    CHECK ((state = 'published') = (published_at IS NOT NULL)),
    CHECK ((incident_id IS NULL) = (incident_is_drill IS NULL)),
    CONSTRAINT cases_told_with_a_notice CHECK ((result_notice_id IS NULL) = (result_told_at IS NULL))
);
CREATE INDEX cases_untold ON office.cases (result_due_at) WHERE result_due_at IS NOT NULL AND result_notice_id IS NULL;
CREATE INDEX cases_open ON office.cases (received_at) WHERE state NOT IN ('published', 'closed') OR attention;
CREATE INDEX cases_of_contract ON office.cases (contract_id);
CREATE INDEX cases_of_customer ON office.cases (customer_id) WHERE customer_id IS NOT NULL;

-- When and how the CA came to know (T11-9). Insert-only: no later row takes an earlier one back.
CREATE TABLE office.awareness (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES office.cases,
    kind text NOT NULL CHECK (kind IN ('request', 'report', 'own_evidence', 'recorded', 'confirmed')),
    known_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX awareness_of_case ON office.awareness (case_id);

-- Decisions of two different people: that a breach is material (T11-12), and to revoke (T11-7).
CREATE TABLE office.case_decisions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES office.cases,
    kind text NOT NULL CHECK (kind IN ('material', 'revoke')),
    by_first uuid NOT NULL REFERENCES gate.persons,
    by_second uuid NOT NULL REFERENCES gate.persons,
    reason text NOT NULL CHECK (reason <> ''),
    code smallint CHECK (code IN (1, 3, 4, 5, 9)),
    deadline_at timestamptz, -- as shown to them
    decided_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_kind text CHECK (end_kind IN ('withdrawn', 'lapsed')),
    ended_by_first uuid REFERENCES gate.persons,
    ended_by_second uuid REFERENCES gate.persons,
    CHECK (by_first <> by_second),
    CHECK (ended_by_first <> ended_by_second),
    CHECK ((ended_at IS NULL) = (end_kind IS NULL)),
    CHECK (end_kind <> 'withdrawn' OR ended_by_first IS NOT NULL),
    CHECK ((ended_by_first IS NULL) = (ended_by_second IS NULL))
);
CREATE UNIQUE INDEX case_decisions_live ON office.case_decisions (case_id, kind) WHERE ended_at IS NULL;

-- What a case revoked. The instants of T11-11 are those of ca.revocations.
CREATE TABLE office.case_certificates (
    case_id uuid NOT NULL REFERENCES office.cases,
    serial bytea NOT NULL REFERENCES ca.revocations,
    contract_id uuid REFERENCES gate.contracts,
    PRIMARY KEY (case_id, serial)
);
CREATE INDEX case_certificates_by_serial ON office.case_certificates (serial);

-- Each customer of a case is told before its own certificates go (T11-5), so each contract has its own notice of the case.
CREATE TABLE office.case_notices (
    case_id uuid NOT NULL REFERENCES office.cases,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    late text CHECK (late IN ('not sent before revoking', 'revoked at once, as ACME demands',
        'the code changed at once, as ACME demands')), -- null: it left before, or is on its way
    PRIMARY KEY (case_id, contract_id)
);

-- What ACME did to a certificate until the office has made a case of each request (T11-5): none is lost, and ACME waits for
-- nobody. A row for the revocation, and one for a later change of its code to keyCompromise (upgrade): a case of its own.
CREATE TABLE office.acme_revocations (
    serial bytea NOT NULL REFERENCES ca.revocations,
    recorded_at timestamptz NOT NULL,
    taken_at timestamptz, -- into a case; null: not yet
    upgrade boolean NOT NULL,
    requested_by text NOT NULL,
    reason smallint CHECK (reason IN (1, 3, 4, 5)), -- as asked for then
    PRIMARY KEY (serial, upgrade)
);
CREATE INDEX acme_revocations_new ON office.acme_revocations (recorded_at) WHERE taken_at IS NULL;
CREATE FUNCTION office.revoked_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at, upgrade, requested_by, reason)
    VALUES (NEW.serial, NEW.revoked_at, false, NEW.requested_by, NEW.reason);
    RETURN NULL;
END $$;
CREATE TRIGGER revoked_through_acme AFTER INSERT ON ca.revocations
    FOR EACH ROW WHEN (NEW.requested_by LIKE 'account:%' OR NEW.requested_by LIKE 'key:%')
    EXECUTE FUNCTION office.revoked_through_acme();
REVOKE ALL ON FUNCTION office.revoked_through_acme FROM PUBLIC;
-- A request through ACME that proves a compromise after the revocation changes its code alone: a case of its own (T11-8).
CREATE FUNCTION office.upgraded_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at, upgrade, requested_by, reason)
    VALUES (NEW.serial, NEW.upgraded_at, true, NEW.upgraded_by, NEW.reason);
    RETURN NULL;
END $$;
CREATE TRIGGER upgraded_through_acme AFTER UPDATE OF upgraded_at ON ca.revocations
    FOR EACH ROW WHEN (NEW.upgraded_by LIKE 'account:%' OR NEW.upgraded_by LIKE 'key:%')
    EXECUTE FUNCTION office.upgraded_through_acme();
REVOKE ALL ON FUNCTION office.upgraded_through_acme FROM PUBLIC;

-- Problem reports, day and night (C-161, C-162): a preliminary report to reporter and subscriber within 24 hours.
CREATE TABLE office.problem_reports (
    id uuid PRIMARY KEY,
    reporter text NOT NULL CHECK (reporter <> ''),
    email text NOT NULL CHECK (email <> ''),
    what text NOT NULL CHECK (what <> ''),
    serials bytea[] NOT NULL CHECK (cardinality(serials) > 0),
    received_at timestamptz NOT NULL,
    taken_by uuid REFERENCES gate.persons, -- nobody: the open intake
    preliminary_at timestamptz,
    findings text,
    answered_by uuid REFERENCES gate.persons,
    closed_at timestamptz,
    personal_data_destroyed_at timestamptz, -- T16-2; the row stays
    CHECK ((preliminary_at IS NULL) = (findings IS NULL)),
    CHECK ((preliminary_at IS NULL) = (answered_by IS NULL)),
    CHECK (closed_at IS NULL OR preliminary_at IS NOT NULL)
);
CREATE INDEX problem_reports_open ON office.problem_reports (received_at) WHERE closed_at IS NULL;

-- What problem reports led to: a case over one of a report's contracts, or over its certificates or a key.
CREATE TABLE office.report_cases (
    case_id uuid PRIMARY KEY REFERENCES office.cases,
    report_id uuid NOT NULL REFERENCES office.problem_reports,
    contract_id uuid REFERENCES gate.contracts, -- null: certificates or a key
    UNIQUE NULLS NOT DISTINCT (report_id, contract_id)
);

-- Which thresholds of a deadline the officers were told of: each once.
CREATE TABLE office.deadline_warnings (
    subject_id uuid NOT NULL,
    threshold integer NOT NULL, -- seconds left
    warned_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('revocation', 'result of a revocation', 'problem report')), -- a case may have two
    PRIMARY KEY (subject_id, kind, threshold)
);

-- The CA's own cause (A11.4.8): new certificates of these contracts cost nothing and no payment blocks them (T11-13).
CREATE TABLE gate.free_reissues (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    case_id uuid NOT NULL REFERENCES office.cases,
    granted_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > granted_at)
);
CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.free_reissues
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('contract_id');

-- The notice of a contract's formation, and when it left: no certificate before (T4-5, R-4). None: told in another way.
CREATE TABLE gate.formation_notices (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    dispatched_at timestamptz -- handed to the mail server, or posted; null: not yet
);
CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.formation_notices
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('contract_id');

CREATE INDEX issuances_of_contract ON acme.issuances (contract_id, to_be_signed_id);

-- Certificates of a contract that may be in use: what was signed or may have been, unexpired and not revoked (T12-3).
CREATE FUNCTION acme.living(contract uuid, at timestamptz)
RETURNS TABLE (serial bytea, names text[], not_after timestamptz, spki_sha256 bytea, created_at timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.serial, t.names, t.not_after, t.spki_sha256, t.created_at
    FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
    WHERE i.contract_id = contract AND t.state <> 'void' AND t.not_after > at
      AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = t.serial);
END;
REVOKE ALL ON FUNCTION acme.living FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme.living TO keiyaku_office, keiyaku_operator;

-- Leaks of personal data (T16-2) and their two reports.
CREATE TABLE office.leaks (
    id uuid PRIMARY KEY,
    found_at timestamptz NOT NULL,
    malicious boolean NOT NULL,
    affected text NOT NULL CHECK (affected <> ''),
    measures text NOT NULL CHECK (measures <> ''),
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    preliminary_due_at timestamptz NOT NULL,
    final_due_at timestamptz NOT NULL,
    preliminary_at timestamptz,
    final_at timestamptz,
    CHECK (final_at IS NULL OR preliminary_at IS NOT NULL)
);
CREATE INDEX leaks_open ON office.leaks (found_at) WHERE final_at IS NULL;

-- The nearest deadline of a revocation, its result, a problem report or a leak, and how many are overdue: for `keiyaku check` and the metrics.
CREATE FUNCTION keiyaku.deadlines(at timestamptz, OUT nearest timestamptz, OUT overdue bigint) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(d.until), count(*) FILTER (WHERE d.until < at) FROM (
        SELECT deadline_at FROM office.cases WHERE state NOT IN ('published', 'closed') AND deadline_at IS NOT NULL
        UNION ALL
        SELECT result_due_at FROM office.cases WHERE result_due_at IS NOT NULL AND result_notice_id IS NULL
        UNION ALL
        SELECT received_at + interval '24 hours' FROM office.problem_reports
        WHERE closed_at IS NULL AND preliminary_at IS NULL
        UNION ALL
        SELECT CASE WHEN preliminary_at IS NULL THEN preliminary_due_at ELSE final_due_at END FROM office.leaks
        WHERE final_at IS NULL) AS d(until)
$$;
REVOKE ALL ON FUNCTION keiyaku.deadlines FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keiyaku.deadlines TO keiyaku_acme, keiyaku_work, keiyaku_operator;

-- revocation: officers' commands and the office's sweeps
GRANT SELECT ON gate.free_reissues TO keiyaku_acme, keiyaku_work, keiyaku_office, keiyaku_operator;
GRANT INSERT ON gate.free_reissues TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (granted_at, ends_at, case_id) ON gate.free_reissues TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.cases, office.awareness, office.case_decisions, office.case_certificates,
    office.problem_reports, office.deadline_warnings TO keiyaku_office, keiyaku_operator;
GRANT SELECT, UPDATE (taken_at) ON office.acme_revocations TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (state, attention, executed_at, published_at, result_notice_id, deadline_at)
    ON office.cases TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE (late) ON office.case_notices TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (ended_at, end_kind, ended_by_first, ended_by_second) ON office.case_decisions
    TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (preliminary_at, findings, answered_by, closed_at) ON office.problem_reports
    TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.report_cases TO keiyaku_office, keiyaku_operator;
GRANT SELECT ON ca.serials, ca.to_be_signed, ca.certificates, ca.revocations, ca.blocked_keys, ca.issuers,
    acme.issuances TO keiyaku_office;
GRANT INSERT ON ca.revocations, ca.blocked_keys, acme.jobs TO keiyaku_office;
GRANT SELECT (kind, subject, dead) ON acme.jobs TO keiyaku_office;
GRANT UPDATE (reason, published_at) ON ca.revocations TO keiyaku_office;

-- bank files
GRANT SELECT, INSERT ON office.bank_dialects, office.virtual_accounts, office.payer_aliases, office.bank_files,
    office.bank_file_periods, office.bank_lines, office.line_outcomes TO keiyaku_operator;
GRANT UPDATE (ended_at) ON office.virtual_accounts TO keiyaku_operator;
GRANT UPDATE (ended_at) ON office.bank_dialects TO keiyaku_operator;
GRANT UPDATE (removed_at) ON office.payer_aliases TO keiyaku_operator;
GRANT UPDATE (booked_at) ON office.bank_files TO keiyaku_operator;
GRANT UPDATE (state, note, receipt_id) ON office.line_outcomes TO keiyaku_operator;

-- Tokens of the JSON API: of a natural person, or of a service, which cannot decide. Only the hash is kept; the secret
-- has 256 random bits. Customers' roles are bound to their customer.
CREATE TABLE office.tokens (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    person_id uuid REFERENCES gate.persons,
    service text CHECK (service ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    role text NOT NULL CHECK (role IN
        ('applicant', 'requester', 'officer', 'approver', 'compliance', 'operator', 'auditor')),
    customer_id uuid REFERENCES gate.customers,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    withdrawn_at timestamptz,
    last_used_on date, -- coarse: one write a day
    granted_by_first uuid REFERENCES gate.persons, -- two people give somebody a role with the CA (T17-1)
    granted_by_second uuid REFERENCES gate.persons,
    CHECK (num_nonnulls(person_id, service) = 1),
    CHECK ((role IN ('applicant', 'requester')) = (customer_id IS NOT NULL)),
    CHECK (granted_by_first <> granted_by_second),
    CONSTRAINT tokens_of_the_ca_by_two CHECK (role IN ('applicant', 'requester') OR withdrawn_at IS NOT NULL
        OR num_nulls(granted_by_first, granted_by_second) = 0)
);

-- Decisions that one person proposed and another confirms (2p). Which use case `kind` names: office/use_cases/proposals.py.
CREATE TABLE office.proposals (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]+[.][a-z_]+$'),
    contract_id uuid REFERENCES gate.contracts,
    arguments jsonb NOT NULL,
    proposed_by uuid NOT NULL REFERENCES gate.persons,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > proposed_at),
    confirmed_by uuid REFERENCES gate.persons,
    confirmed_at timestamptz,
    withdrawn_by uuid REFERENCES gate.persons,
    withdrawn_at timestamptz,
    CHECK (proposed_by <> confirmed_by),
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    CHECK (num_nonnulls(confirmed_at, withdrawn_at) <= 1),
    CHECK (confirmed_at < expires_at)
);

-- Answers to calls that create, so that a call repeated under its key is answered again and not done again.
-- `sealed`: encrypted under a key made of the token, which nobody keeps: an answer may hold a secret.
CREATE TABLE office.idempotency_keys (
    token_id uuid NOT NULL REFERENCES office.tokens,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    sealed bytea NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (token_id, key)
);
CREATE INDEX idempotency_keys_old ON office.idempotency_keys (answered_at);
CREATE FUNCTION office.forget_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM office.idempotency_keys WHERE (token_id, key) IN (
            SELECT token_id, key FROM office.idempotency_keys WHERE answered_at < keiyaku.as_of(before + interval '1 day') - interval '1 day'
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Whether somebody at that network may hand in another problem report now; if so it is counted.
CREATE FUNCTION office.take_report(network text, at timestamptz) RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT acme.take(NULL, ARRAY['problem_reports'], ARRAY[network], ARRAY[20], ARRAY[interval '1 hour'],
        keiyaku.as_of(at))
$$;
REVOKE ALL ON FUNCTION office.forget_answers, office.take_report FROM PUBLIC;

-- the JSON API: what its operations do, as the operators' commands may; of holds never the grounds (T13-3)
GRANT SELECT, INSERT ON office.proposals, office.idempotency_keys TO keiyaku_office;
GRANT UPDATE (confirmed_by, confirmed_at, withdrawn_by, withdrawn_at) ON office.proposals TO keiyaku_office;
GRANT SELECT ON office.tokens TO keiyaku_office;
GRANT UPDATE (last_used_on) ON office.tokens TO keiyaku_office;
GRANT SELECT, INSERT ON office.tokens TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.tokens TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION office.forget_answers, office.take_report TO keiyaku_office;
GRANT SELECT ON gate.persons, gate.customers, gate.texts, gate.reviewed_subjects, gate.binding_uses, gate.receipts,
    gate.payment_matches, gate.information_changes, gate.suspensions, gate.bank_days, evidence.records TO keiyaku_office;
GRANT SELECT (id, kid, contract_id, label, names, uses_max, created_at, expires_at, withdrawn_at) ON gate.binding_keys
    TO keiyaku_office;
GRANT SELECT (id, contract_id, kind, status, set_at, lifted_at) ON gate.holds TO keiyaku_office;
GRANT INSERT ON gate.persons, gate.customers, gate.contracts, gate.contract_names, gate.consents, gate.review_items,
    gate.reviewed_subjects, gate.binding_keys, gate.receipts, gate.payment_matches, gate.holds, gate.bank_days,
    gate.successions TO keiyaku_office;
GRANT UPDATE (accepted_at, accepted_by_first, accepted_by_second) ON gate.contracts TO keiyaku_office;
GRANT UPDATE (removed_at) ON gate.contract_names TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON gate.binding_keys TO keiyaku_office;
GRANT UPDATE (status, lifted_by_first, lifted_by_second, lifted_at) ON gate.holds TO keiyaku_office;
GRANT UPDATE (covered_through) ON gate.bank_accounts TO keiyaku_office;
GRANT UPDATE (undone_at) ON gate.payment_matches TO keiyaku_office;
GRANT UPDATE (cancelled_at) ON gate.receipts TO keiyaku_office;
GRANT SELECT, INSERT ON office.applications, office.requesters, office.call_backs, office.rejections, office.endings,
    office.documents TO keiyaku_office;
GRANT SELECT ON office.eligibility_approvals, office.assignments TO keiyaku_office;
GRANT UPDATE (destroy_at) ON office.documents TO keiyaku_office;
GRANT INSERT ON office.screenings TO keiyaku_office;
GRANT SELECT (id, contract_id, role, subject, added_at, verdict, checked_at) ON office.screenings TO keiyaku_office;
GRANT SELECT, INSERT ON office.bank_files, office.bank_file_periods, office.bank_lines, office.line_outcomes TO keiyaku_office;
GRANT SELECT ON office.bank_dialects, office.virtual_accounts, office.payer_aliases TO keiyaku_office;
GRANT UPDATE (booked_at) ON office.bank_files TO keiyaku_office;
GRANT UPDATE (state, note, receipt_id) ON office.line_outcomes TO keiyaku_office;
GRANT SELECT ON gate.holds TO keiyaku_compliance;

-- changes, seal, suspension, liability, subcontractors, consultation
-- Changes that customers report, with proof (A6.1), and the three instants of which the latest is their effect (T6-2).
-- `block_id`: what the gate sees of it (G8); null: it touches neither a live certificate nor the next one (T6-4).
CREATE TABLE office.change_reports (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    item text NOT NULL CHECK (item IN ('name', 'address', 'representative', 'succession')),
    organization text,
    state_or_province text,
    locality text,
    document_id uuid NOT NULL REFERENCES office.documents,
    block_id uuid UNIQUE REFERENCES gate.information_changes,
    handling text NOT NULL CHECK (handling IN ('register', 'new_contract')),
    succeeded_on date, -- the legal effective date (T6-3)
    late_case_id uuid REFERENCES office.cases,
    reported_by uuid NOT NULL REFERENCES gate.persons,
    arrived_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    confirmed_by uuid REFERENCES gate.persons,
    confirmed_from text,
    done_at timestamptz,
    done_by uuid REFERENCES gate.persons,
    CHECK ((item = 'succession') = (succeeded_on IS NOT NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_from IS NULL)),
    CHECK ((done_at IS NULL) = (done_by IS NULL)),
    CHECK (done_at IS NULL OR confirmed_at IS NOT NULL)
);
CREATE INDEX change_reports_of_contract ON office.change_reports (contract_id);
CREATE INDEX change_reports_open ON office.change_reports (arrived_at) WHERE done_at IS NULL;

-- What the corporate-number register said last of a customer (T6-5). It never changes what the CA has reviewed.
CREATE TABLE office.register_states (
    customer_id uuid PRIMARY KEY REFERENCES gate.customers,
    name text NOT NULL,
    prefecture text NOT NULL,
    city text NOT NULL,
    street text NOT NULL,
    closed_on date,
    successor text,
    checked_at timestamptz NOT NULL
);

-- The seal (Web ステッカー) is off until the customer asks for it (T1-3). Whether it is valid is never stored (T19-2).
CREATE TABLE office.seals (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    token text NOT NULL UNIQUE CHECK (length(token) >= 22),
    requested_by uuid NOT NULL REFERENCES gate.persons,
    requested_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    deletion_notice_id uuid REFERENCES office.notices -- after the end (T19-1)
);

-- The seal was asked for from the customer's own host after the end (T19-3): one row a host and day, JST.
CREATE TABLE office.seal_uses (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    host text NOT NULL,
    used_on date NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, used_on, host)
);

-- Timers of a customer that the operator lets run longer because of a suspension (T10-3).
CREATE TABLE office.timer_extensions (
    id uuid PRIMARY KEY,
    suspension_id uuid NOT NULL REFERENCES gate.suspensions,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    timer text NOT NULL CHECK (timer IN ('lapse', 'reissue')),
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    extended_by uuid NOT NULL REFERENCES gate.persons,
    extended_at timestamptz NOT NULL
);
CREATE INDEX timer_extensions_of_contract ON office.timer_extensions (contract_id, timer);

-- What the CA may have to pay (Article 25): the inputs, what a person answered to each exclusion, and who (T25-3).
CREATE TABLE office.liability_proposals (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    incident_on date NOT NULL,
    damage_yen bigint NOT NULL CHECK (damage_yen >= 0),
    received_fee_yen integer NOT NULL CHECK (received_fee_yen >= 0),
    term_months integer NOT NULL,
    term_end date NOT NULL,
    ceiling_yen integer NOT NULL CHECK (ceiling_yen BETWEEN 0 AND received_fee_yen),
    proposed_yen integer NOT NULL CHECK (proposed_yen BETWEEN 0 AND ceiling_yen),
    excluded_by text[] NOT NULL,
    terms_version text NOT NULL,
    answered_by uuid NOT NULL REFERENCES gate.persons,
    proposed_at timestamptz NOT NULL
);
CREATE INDEX liability_proposals_of_contract ON office.liability_proposals (contract_id);

-- Subcontractors (T17-1). The domain is never theirs to validate: there is no such role.
CREATE TABLE office.subcontractors (
    id uuid PRIMARY KEY,
    organisation text NOT NULL UNIQUE CHECK (organisation <> ''),
    role text NOT NULL CHECK (role IN ('review_support', 'call_back', 'hosting', 'mail', 'printing', 'support')),
    from_on date NOT NULL,
    until_on date,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    CHECK (until_on >= from_on)
);

-- Doubt or dispute (T28-1): pauses reminders, what is automatic, and decisions under A11.4.4; nothing else.
CREATE TABLE office.consultations (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    reason text NOT NULL CHECK (reason <> ''),
    owner_id uuid NOT NULL REFERENCES gate.persons,
    review_on date NOT NULL,
    set_by uuid NOT NULL REFERENCES gate.persons,
    set_at timestamptz NOT NULL,
    ended_by uuid REFERENCES gate.persons,
    ended_at timestamptz,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX consultations_live ON office.consultations (contract_id) WHERE ended_at IS NULL;

-- changes, seal, suspension, service end, liability, subcontractors, consultation, leaks
GRANT SELECT, INSERT ON office.change_reports, office.seals, office.timer_extensions, office.liability_proposals,
    office.subcontractors, office.consultations, office.leaks TO keiyaku_operator;
GRANT SELECT ON office.register_states, office.seal_uses TO keiyaku_operator;
GRANT UPDATE (confirmed_at, confirmed_by, confirmed_from, done_at, done_by) ON office.change_reports TO keiyaku_operator;
GRANT UPDATE (withdrawn_at) ON office.seals TO keiyaku_operator;
GRANT UPDATE (until_on) ON office.subcontractors TO keiyaku_operator;
GRANT UPDATE (review_on, ended_by, ended_at) ON office.consultations TO keiyaku_operator;
GRANT UPDATE (preliminary_at, final_at) ON office.leaks TO keiyaku_operator;
GRANT UPDATE (ends_at) ON office.reissues_pending TO keiyaku_operator;
GRANT UPDATE (representative) ON office.applications TO keiyaku_operator;
GRANT SELECT ON office.seals, office.timer_extensions, office.consultations, office.subcontractors TO keiyaku_office;
GRANT UPDATE (deletion_notice_id) ON office.seals TO keiyaku_office;
GRANT SELECT, INSERT ON office.seal_uses TO keiyaku_office;
GRANT SELECT, INSERT ON office.register_states TO keiyaku_office;
GRANT UPDATE (name, prefecture, city, street, closed_on, successor, checked_at) ON office.register_states
    TO keiyaku_office;
GRANT SELECT (corporate_number) ON gate.customers TO keiyaku_office;
GRANT INSERT ON gate.information_changes, gate.suspensions, office.endings TO keiyaku_office;
GRANT SELECT ON gate.information_changes, gate.suspensions, office.invoice_papers TO keiyaku_office;
GRANT UPDATE (representative) ON office.applications TO keiyaku_office;
GRANT SELECT (id, contract_id, added_at, personal_data_destroyed_at) ON office.screenings TO keiyaku_office;
GRANT UPDATE (source, grounds) ON office.screenings TO keiyaku_office;

GRANT USAGE ON SCHEMA gate, ca, acme, office, keiyaku TO keiyaku_auditor;
GRANT EXECUTE ON FUNCTION keiyaku.uuid7_floor TO keiyaku_auditor;
-- office: the desk ------------------------------------------------------------------------------------------------
-- Who is away, and who does their work meanwhile. The newest row that covers a day counts.
CREATE TABLE office.absences (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES gate.persons,
    deputy_id uuid NOT NULL REFERENCES gate.persons,
    from_on date NOT NULL,
    until_on date NOT NULL CHECK (until_on >= from_on),
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz, -- back before, or recorded by mistake
    CHECK (person_id <> deputy_id)
);
CREATE INDEX absences_of_person ON office.absences (person_id, until_on);

-- What people arranged about something that waits (office.waiting): whose it is, who does it now, when to look again.
CREATE TABLE office.tasks (
    kind text NOT NULL,
    subject text NOT NULL,
    owner_id uuid REFERENCES gate.persons,
    acting_id uuid REFERENCES gate.persons, -- as evidence says; the owner, or who stands in for them
    snoozed_until timestamptz,
    done_at timestamptz, -- looked at; of kinds that no command of their own ends
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX tasks_owned ON office.tasks (owner_id) WHERE owner_id IS NOT NULL;

-- Review data of a running contract will be too old on `fails_on` (T4-4): new review items are wanted before.
CREATE TABLE office.revalidations (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    fails_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (contract_id, fails_on)
);
CREATE UNIQUE INDEX revalidations_open ON office.revalidations (contract_id) WHERE closed_at IS NULL;

-- People who left, and who saw to it that every access of theirs outside this database is gone (C-176: 24 hours).
CREATE TABLE office.departures (
    person_id uuid PRIMARY KEY REFERENCES gate.persons,
    recorded_by uuid NOT NULL REFERENCES gate.persons,
    recorded_at timestamptz NOT NULL,
    removed_by uuid REFERENCES gate.persons,
    removed_at timestamptz,
    CHECK (person_id <> recorded_by),
    CHECK (person_id <> removed_by),
    CHECK ((removed_at IS NULL) = (removed_by IS NULL))
);
CREATE INDEX departures_open ON office.departures (recorded_at) WHERE removed_at IS NULL;

-- Quarterly reviews of who may do what (C-176), by two people, so that nobody alone reviews themselves.
CREATE TABLE office.access_reviews (
    id uuid PRIMARY KEY,
    reviewed_by_first uuid NOT NULL REFERENCES gate.persons,
    reviewed_by_second uuid NOT NULL REFERENCES gate.persons,
    entries integer NOT NULL CHECK (entries > 0),
    list_sha256 bytea NOT NULL CHECK (octet_length(list_sha256) = 32),
    findings text NOT NULL CHECK (findings <> ''),
    reviewed_at timestamptz NOT NULL,
    CHECK (reviewed_by_first <> reviewed_by_second)
);

-- Who left decides nothing: no row names them newly, whoever writes it (C-176). The columns are the trigger's arguments.
CREATE FUNCTION gate.person_present() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named text;
    who uuid;
BEGIN
    FOREACH named IN ARRAY TG_ARGV LOOP
        who := (to_jsonb(NEW) ->> named)::uuid;
        CONTINUE WHEN who IS NULL OR (TG_OP = 'UPDATE' AND to_jsonb(OLD) ->> named = who::text);
        IF (SELECT left_at FROM gate.persons WHERE id = who FOR SHARE) IS NOT NULL THEN
            RAISE EXCEPTION 'C-176: person % has left', who USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.person_present FROM PUBLIC;
DO $$
DECLARE
    decided text;
    people text;
BEGIN
    FOREACH decided IN ARRAY ARRAY['gate.contracts', 'gate.consents', 'gate.review_items', 'gate.reviewed_subjects',
        'gate.holds', 'gate.suspensions', 'gate.readings', 'office.requesters', 'office.call_backs',
        'office.eligibility_approvals', 'office.rejections', 'office.endings', 'office.assignments',
        'office.terms_changes', 'office.maintenance', 'office.service_end', 'office.adjustments', 'office.refunds',
        'office.case_decisions', 'office.problem_reports', 'office.change_reports', 'office.consultations',
        'office.tokens', 'office.proposals', 'office.absences', 'office.tasks', 'office.departures',
        'office.access_reviews', 'office.leaks', 'office.liability_proposals', 'office.seals', 'office.subcontractors',
        'office.timer_extensions'] LOOP
        SELECT string_agg(quote_literal(a.attname), ', ' ORDER BY a.attname) INTO people
        FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        WHERE f.conrelid = decided::regclass AND f.confrelid = 'gate.persons'::regclass
            AND (decided, a.attname) <> ('office.departures', 'person_id');
        EXECUTE format('CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION gate.person_present(%s)', decided, people);
    END LOOP;
END $$;

CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.tax_credits
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('decided_by_first', 'decided_by_second');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.settlements
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('decided_by_first', 'decided_by_second');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.bank_dialects
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('corrected_by_first', 'corrected_by_second');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.sellers
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('set_by', 'confirmed_by');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON gate.bank_accounts
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('closed_by_first', 'closed_by_second');
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON gate.tax_rates FOR EACH ROW EXECUTE FUNCTION
    gate.person_present('added_by_first', 'added_by_second', 'removed_by_first', 'removed_by_second');

-- Who does a person's work on a day: they, or the first of their deputies who is there; null: nobody.
CREATE FUNCTION office.acting(person uuid, today date) RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE line AS (
        SELECT person AS id, 0 AS steps
        UNION ALL
        SELECT away.deputy_id, line.steps + 1 FROM line CROSS JOIN LATERAL (
            SELECT a.deputy_id FROM office.absences a
            WHERE a.person_id = line.id AND today BETWEEN a.from_on AND a.until_on AND a.ended_at IS NULL
            ORDER BY a.id DESC LIMIT 1) AS away
        WHERE line.steps < 5
    )
    SELECT line.id FROM line JOIN gate.persons p ON p.id = line.id
    WHERE p.left_at IS NULL AND NOT EXISTS (SELECT FROM office.absences a
        WHERE a.person_id = line.id AND today BETWEEN a.from_on AND a.until_on AND a.ended_at IS NULL)
    ORDER BY line.steps LIMIT 1
$$;

-- Whoever sent this has the private key: it is compromised, and blocked for ever (C-076).
CREATE TABLE office.key_proofs (
    id uuid PRIMARY KEY,
    spki bytea NOT NULL,
    spki_sha256 bytea NOT NULL CHECK (octet_length(spki_sha256) = 32),
    kind text NOT NULL CHECK (kind IN ('csr', 'statement')),
    proof bytea NOT NULL, -- the CSR in DER, or the signature of the statement
    reporter text NOT NULL CHECK (reporter <> ''),
    email text NOT NULL CHECK (email <> ''),
    received_at timestamptz NOT NULL,
    case_id uuid REFERENCES office.cases, -- null: no certificate of the key was left to revoke
    personal_data_destroyed_at timestamptz, -- T16-2; the row stays
    is_own boolean NOT NULL DEFAULT false -- of an issuer, an OCSP responder or a log: not blocked, people see to it
);
CREATE INDEX key_proofs_of_key ON office.key_proofs (spki_sha256);
CREATE INDEX key_proofs_own ON office.key_proofs (spki_sha256) WHERE is_own AND case_id IS NULL;

-- Everything that waits for a person, each with its deadline. binding: by the Terms, the BRs or law; else it is the
-- desk's own aim. Holds are left out: they are compliance's (T13-3). Work starts at `since`.
CREATE VIEW office.waiting AS
    SELECT CASE state WHEN 'open' THEN 'revocation_decide' ELSE 'revocation_look' END AS kind, id::text AS subject,
        contract_id, received_at AS since, coalesce(deadline_at, received_at + interval '5 days') AS deadline_at,
        deadline_at IS NOT NULL AND state NOT IN ('published', 'closed') AS binding
    FROM office.cases WHERE state = 'open' OR attention AND state <> 'closed'
    UNION ALL
    SELECT 'revocation_execute', c.id::text, c.contract_id, d.decided_at,
        coalesce(c.deadline_at, d.decided_at + interval '1 day'), c.deadline_at IS NOT NULL
    FROM office.cases c JOIN office.case_decisions d ON d.case_id = c.id AND d.kind = 'revoke' AND d.ended_at IS NULL
    WHERE c.state = 'decided'
    UNION ALL
    SELECT 'revocation_result', id::text, contract_id, executed_at, result_due_at, true
    FROM office.cases WHERE result_due_at IS NOT NULL AND result_notice_id IS NULL
    UNION ALL
    SELECT CASE WHEN preliminary_at IS NULL THEN 'report_answer' ELSE 'report_close' END, id::text, NULL, received_at,
        received_at + CASE WHEN preliminary_at IS NULL THEN interval '24 hours' ELSE interval '5 days' END,
        preliminary_at IS NULL
    FROM office.problem_reports WHERE closed_at IS NULL
    UNION ALL
    SELECT 'leak_report', id::text, NULL, found_at,
        CASE WHEN preliminary_at IS NULL THEN preliminary_due_at ELSE final_due_at END, true
    FROM office.leaks WHERE final_at IS NULL
    UNION ALL
    SELECT 'information_change', id::text, contract_id, learned_at,
        learned_at + CASE WHEN in_certificate THEN interval '5 days' ELSE interval '30 days' END, in_certificate
    FROM gate.information_changes WHERE resolved_at IS NULL
        AND EXISTS (SELECT FROM gate.contracts c WHERE c.id = contract_id AND c.state <> 'ended')
    UNION ALL
    SELECT CASE WHEN confirmed_at IS NULL THEN 'change_confirm' ELSE 'change_finish' END, id::text, contract_id,
        coalesce(confirmed_at, arrived_at), coalesce(confirmed_at, arrived_at)
            + CASE WHEN confirmed_at IS NULL OR handling = 'register' THEN interval '5 days' ELSE interval '30 days' END,
        false
    FROM office.change_reports WHERE done_at IS NULL
    UNION ALL
    SELECT 'consultation', contract_id::text, contract_id, set_at,
        review_on::timestamp AT TIME ZONE 'Asia/Tokyo', false
    FROM office.consultations WHERE ended_at IS NULL
    UNION ALL
    SELECT 'application', id::text, id, applied_at, applied_at + interval '5 days', false
    FROM gate.contracts WHERE state IN ('applied', 'under_review')
    UNION ALL
    SELECT 'screening', contract_id::text, contract_id, min(added_at), min(added_at) + interval '2 days', false
    FROM office.screenings WHERE verdict = 'pending'
        AND EXISTS (SELECT FROM gate.contracts c WHERE c.id = contract_id AND c.state NOT IN ('withdrawn', 'rejected'))
    GROUP BY contract_id
    UNION ALL
    SELECT 'revalidation', contract_id::text, contract_id, opened_at,
        fails_on::timestamp AT TIME ZONE 'Asia/Tokyo', true
    FROM office.revalidations WHERE closed_at IS NULL
    UNION ALL
    SELECT 'proposal', id::text, contract_id, proposed_at, expires_at, true
    FROM office.proposals WHERE confirmed_at IS NULL AND withdrawn_at IS NULL AND kind NOT LIKE 'hold.%'
    UNION ALL
    SELECT 'bank_line', l.id::text, NULL, f.imported_at, f.imported_at + interval '3 days', false
    FROM office.line_outcomes o JOIN office.bank_lines l ON l.id = o.line_id JOIN office.bank_files f ON f.id = l.file_id
    WHERE o.state = 'waiting'
    UNION ALL
    SELECT 'rest', i.number, i.contract_id, max(m.matched_at), max(m.matched_at) + interval '5 days', false
    FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id
    JOIN gate.payment_matches m ON m.invoice_id = i.id AND m.undone_at IS NULL GROUP BY i.id
    UNION ALL
    SELECT 'tax_credit', i.number, i.contract_id, t.found_at, t.found_at + interval '30 days', false
    FROM office.tax_credits t JOIN gate.invoices i ON i.id = t.invoice_id WHERE t.outcome IS NULL
    UNION ALL
    SELECT 'settlement', c.handle, c.id, c.ended_at, c.ended_at + interval '30 days', false FROM gate.contracts c
    WHERE c.end_cause = 'service_ended' AND c.fee_yen > 0
        AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id)
        AND NOT EXISTS (SELECT FROM office.settlements d WHERE d.contract_id = c.id)
    UNION ALL
    SELECT CASE d.channel WHEN 'paper' THEN 'letter' ELSE 'delivery' END, d.id::text, n.contract_id, n.queued_at,
        n.queued_at + interval '1 day', false
    FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id WHERE d.state = 'person'
    UNION ALL
    SELECT 'contact_stale', customer_id::text, NULL, stale_since, stale_since + interval '5 days', false
    FROM office.contacts WHERE stale_since IS NOT NULL
    UNION ALL
    SELECT 'dead_job', id::text, NULL, run_at, run_at + interval '1 hour', false FROM acme.jobs WHERE dead
    UNION ALL
    SELECT 'leaver', d.person_id::text, NULL, d.recorded_at, p.left_at + interval '24 hours', true
    FROM office.departures d JOIN gate.persons p ON p.id = d.person_id WHERE d.removed_at IS NULL
    UNION ALL
    SELECT 'access_review', 'quarter', NULL, due.at - interval '14 days', due.at, true
    FROM (SELECT coalesce((SELECT max(reviewed_at) FROM office.access_reviews), (SELECT min(created_at) FROM gate.persons))
          + interval '3 months' AS at) AS due WHERE due.at IS NOT NULL
    UNION ALL
    SELECT 'own_key', encode(spki_sha256, 'hex'), NULL, min(received_at), min(received_at) + interval '24 hours', true
    FROM office.key_proofs WHERE is_own AND case_id IS NULL GROUP BY spki_sha256;

-- Key ceremonies, one under way at a time: the script, and what two people did of it, step by step (C-117, C-168).
CREATE TABLE office.ceremonies (
    id uuid PRIMARY KEY,
    script bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    transcript text,
    ended_at timestamptz,
    personal_data_destroyed_at timestamptz, -- T16-2: the transcript is gone
    CHECK ((transcript IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX ceremonies_open ON office.ceremonies ((true)) WHERE ended_at IS NULL;
-- tbs: what is to be signed, recorded before it is. result: what came of it: SPKI, certificate or CRLs, in DER.
CREATE TABLE office.ceremony_steps (
    ceremony_id uuid NOT NULL REFERENCES office.ceremonies,
    number smallint NOT NULL CHECK (number > 0),
    step text NOT NULL,
    tbs bytea[] NOT NULL,
    prepared_at timestamptz NOT NULL,
    preparations smallint NOT NULL DEFAULT 1,
    first_person uuid REFERENCES gate.persons,
    second_person uuid REFERENCES gate.persons,
    result bytea[],
    done_at timestamptz,
    PRIMARY KEY (ceremony_id, number),
    CHECK (first_person <> second_person),
    CHECK (num_nulls(first_person, second_person, result, done_at) IN (0, 4))
);

CREATE INDEX screenings_pending ON office.screenings (id) WHERE verdict = 'pending';
CREATE INDEX contracts_waiting ON gate.contracts (applied_at) WHERE state IN ('applied', 'under_review');
CREATE INDEX contracts_of_the_end ON gate.contracts (ended_at) WHERE end_cause = 'service_ended';
CREATE INDEX contacts_stale ON office.contacts (stale_since) WHERE stale_since IS NOT NULL;
CREATE INDEX proposals_open ON office.proposals (expires_at) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX problem_reports_received ON office.problem_reports (received_at);
CREATE INDEX revocations_requested ON ca.revocations (requested_at);

-- the desk, and who leaves it
GRANT UPDATE (confirmed_by_first, confirmed_by_second, confirmed_at) ON gate.holds TO keiyaku_office;
GRANT UPDATE (left_at) ON gate.persons TO keiyaku_operator;
GRANT SELECT ON office.waiting TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.absences, office.tasks, office.revalidations, office.departures, office.access_reviews
    TO keiyaku_operator;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_operator;
GRANT UPDATE (owner_id, acting_id, snoozed_until, done_at, changed_at) ON office.tasks TO keiyaku_operator;
GRANT UPDATE (closed_at) ON office.revalidations TO keiyaku_operator, keiyaku_office;
GRANT UPDATE (removed_by, removed_at) ON office.departures TO keiyaku_operator;
GRANT SELECT ON office.absences, office.tasks TO keiyaku_office;
GRANT UPDATE (acting_id, changed_at) ON office.tasks TO keiyaku_office;
GRANT SELECT, INSERT ON office.revalidations TO keiyaku_office;

-- auditors read, and write nothing; of people and customers what tells them apart, not who they are (T16-3)
GRANT SELECT (id, handle, organisation, created_at, left_at) ON gate.persons TO keiyaku_auditor;
GRANT SELECT (id, kind) ON gate.customers TO keiyaku_auditor;
GRANT SELECT ON gate.contracts, gate.contract_starts, gate.readings, ca.certificates, ca.revocations, acme.issuances,
    office.case_certificates, office.departures, office.access_reviews, office.requesters TO keiyaku_auditor;
GRANT SELECT (id, ground, received_at, state, published_at, deadline_at) ON office.cases TO keiyaku_auditor;
GRANT SELECT (id, received_at, preliminary_at) ON office.problem_reports TO keiyaku_auditor;
GRANT SELECT (id, person_id, service, role, customer_id, created_at, expires_at, withdrawn_at, last_used_on)
    ON office.tokens TO keiyaku_auditor;
GRANT UPDATE (confirmed_by_first, confirmed_by_second, confirmed_at) ON gate.holds TO keiyaku_office;
GRANT SELECT ON gate.revisions TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.requesters TO keiyaku_office;
GRANT SELECT ON office.refunds TO keiyaku_office; -- what of a receipt is left

-- key ceremonies
GRANT SELECT, INSERT ON office.ceremonies, office.ceremony_steps TO keiyaku_operator;
GRANT UPDATE (transcript, ended_at) ON office.ceremonies TO keiyaku_operator;
GRANT UPDATE (tbs, prepared_at, preparations, first_person, second_person, result, done_at) ON office.ceremony_steps
    TO keiyaku_operator;

-- the signer asks again what the gate asked of term, fees and screening; never why (T13-3)
GRANT SELECT (term_months, predecessor_id) ON gate.contracts TO keiyaku_sign;
GRANT SELECT (contract_id, issued_at) ON gate.contract_starts TO keiyaku_sign;
GRANT SELECT (contract_id, kind, verdict, obtained_on, recorded_at) ON gate.review_items TO keiyaku_sign;
GRANT SELECT (contract_id, kind, issued_on, due_on, open_yen, dealer, dealer_states_default) ON gate.invoices
    TO keiyaku_sign;
GRANT SELECT (covered_from, covered_through) ON gate.bank_accounts TO keiyaku_sign;
GRANT SELECT (contract_id) ON gate.free_reissues TO keiyaku_sign;
GRANT SELECT (key, value) ON gate.readings TO keiyaku_sign;

-- the national holidays of the years to come (T8-4)
GRANT INSERT ON gate.holidays TO keiyaku_office;

-- money that two people move, through the commands and the API; dealers' names
GRANT SELECT ON office.tax_credits TO keiyaku_operator, keiyaku_office;
GRANT INSERT ON office.tax_credits TO keiyaku_office;
GRANT UPDATE (amount_yen, found_at, rates, months) ON office.tax_credits TO keiyaku_office;
GRANT UPDATE (outcome, adjustment_id, decided_by_first, decided_by_second, ended_at) ON office.tax_credits
    TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.settlements TO keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON office.dealer_aliases TO keiyaku_operator;
GRANT UPDATE (removed_at) ON office.dealer_aliases TO keiyaku_operator;
GRANT SELECT ON office.dealer_aliases, office.sellers TO keiyaku_office;
GRANT SELECT, INSERT ON office.adjustments TO keiyaku_office;
GRANT INSERT ON office.refunds TO keiyaku_office;
GRANT UPDATE (verdict, checked_by, checked_at) ON office.screenings TO keiyaku_office;

-- proposals of the API are confirmed by command too
GRANT SELECT, UPDATE (confirmed_by, confirmed_at) ON office.proposals TO keiyaku_operator;

-- Incidents: many certificates revoked for one cause, or rehearsed to be (`drill`). `begun_by_…`: of a drill; who decided
-- a true one, its case says. No revocation before `next_at`, whoever goes on with it.
CREATE TABLE office.incidents (
    id uuid PRIMARY KEY,
    drill boolean NOT NULL,
    title text NOT NULL CHECK (title <> ''),
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'),
    query text NOT NULL CHECK (query <> ''), -- what was asked for, in words
    explanation_url text CHECK (explanation_url ~ '^https?://'),
    known_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    planned_by uuid NOT NULL REFERENCES gate.persons,
    planned_at timestamptz NOT NULL,
    per_second integer CHECK (per_second BETWEEN 1 AND 1000),
    wait interval CHECK (wait >= interval '0'),
    begun_by_first uuid REFERENCES gate.persons,
    begun_by_second uuid REFERENCES gate.persons,
    begun_at timestamptz,
    windows_at timestamptz,
    next_at timestamptz,
    paused_at timestamptz,
    finished_at timestamptz,
    UNIQUE (id, drill),
    CHECK (begun_by_first <> begun_by_second),
    CHECK (num_nulls(per_second, wait, begun_at) IN (0, 3)),
    CHECK (drill OR begun_by_first IS NULL),
    CHECK (NOT drill OR num_nulls(begun_by_first, begun_by_second, begun_at) IN (0, 3)),
    CHECK (num_nulls(windows_at, next_at) IN (0, 2)),
    CHECK (finished_at IS NULL OR windows_at IS NOT NULL)
);
CREATE INDEX incidents_under_way ON office.incidents (planned_at) WHERE finished_at IS NULL;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.incidents
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('begun_by_first', 'begun_by_second', 'planned_by');

-- The plan's list: no later certificate is added to it. Of a drill all that happens is written here.
CREATE TABLE office.incident_certificates (
    incident_id uuid NOT NULL REFERENCES office.incidents,
    serial bytea NOT NULL REFERENCES ca.serials,
    contract_id uuid REFERENCES gate.contracts,
    not_after timestamptz NOT NULL,
    window_at timestamptz, -- since when clients are told to renew at once
    revoked_at timestamptz,
    PRIMARY KEY (incident_id, serial)
);
CREATE INDEX incident_certificates_windows ON office.incident_certificates (incident_id, serial) WHERE window_at IS NULL;
CREATE INDEX incident_certificates_left ON office.incident_certificates (incident_id, serial) WHERE revoked_at IS NULL;

ALTER TABLE office.cases ADD FOREIGN KEY (incident_id, incident_is_drill) REFERENCES office.incidents (id, drill);

-- incidents: people plan and decide them, the worker goes on with them; anybody proves that a key is compromised
GRANT SELECT, INSERT ON office.key_proofs TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.incidents, office.incident_certificates TO keiyaku_operator;
GRANT SELECT ON office.incidents, office.incident_certificates TO keiyaku_office;
GRANT UPDATE (per_second, wait, begun_by_first, begun_by_second, begun_at, windows_at, next_at, paused_at, finished_at)
    ON office.incidents TO keiyaku_operator;
GRANT UPDATE (windows_at, next_at, finished_at) ON office.incidents TO keiyaku_office;
GRANT UPDATE (window_at, revoked_at) ON office.incident_certificates TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE (starts_at, ends_at, explanation_url) ON acme.renewal_windows TO keiyaku_office;

-- Certificates of OCSP responders, each with the process that has its key in memory (C-118). Their serial
-- numbers are in ca.serials too.
CREATE TABLE ca.responders (
    id uuid PRIMARY KEY,
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    serial bytea NOT NULL UNIQUE REFERENCES ca.serials,
    held_by text NOT NULL,
    certificate bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL CHECK (not_after > not_before),
    made_at timestamptz NOT NULL,
    spki_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(spki_sha256) = 32) -- no certificate's (C-077)
);

-- The answer about each serial number whose certificate, or precertificate, names an OCSP responder; without this_update
-- it has yet to be signed. It is signed anew from due_at on.
CREATE TABLE ca.ocsp_responses (
    serial bytea PRIMARY KEY REFERENCES ca.serials,
    issuer_id smallint NOT NULL,
    not_after timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    this_update timestamptz,
    next_update timestamptz,
    by_sha1 bytea,
    by_sha256 bytea,
    CHECK (num_nulls(this_update, next_update, by_sha1, by_sha256) IN (0, 4))
);
CREATE INDEX ocsp_responses_due ON ca.ocsp_responses (issuer_id, due_at);

-- A record that may have been signed and has the access method OCSP in its bytes wants an answer (C-125, C-147).
-- A revocation of its serial number that is not committed yet is waited for: the first answer must not miss it. Whoever blocks
-- its key has that lock before any serial number, and so has this.
CREATE FUNCTION ca.ocsp_wanted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7103, ca.lock_of(NEW.spki_sha256));
    PERFORM FROM ca.serials WHERE serial = NEW.serial FOR UPDATE;
    INSERT INTO ca.ocsp_responses (serial, issuer_id, not_after, due_at)
    VALUES (NEW.serial, NEW.issuer_id, NEW.not_after, NEW.created_at) ON CONFLICT (serial) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER ocsp_wanted AFTER UPDATE OF state ON ca.to_be_signed FOR EACH ROW
    WHEN (OLD.state = 'admitted' AND NEW.state <> 'admitted'
        AND position('\x06082b06010505073001'::bytea IN NEW.tbs) > 0)
    EXECUTE FUNCTION ca.ocsp_wanted();

-- What was revoked, or is revoked otherwise now, is answered anew.
CREATE FUNCTION ca.ocsp_outdated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ca.ocsp_responses SET due_at = NEW.revoked_at WHERE serial = NEW.serial;
    RETURN NULL;
END $$;
CREATE TRIGGER ocsp_outdated AFTER INSERT OR UPDATE OF reason, compromised_at ON ca.revocations
    FOR EACH ROW EXECUTE FUNCTION ca.ocsp_outdated();

-- What a directory or bucket holds, and since when. `number` is a CRL's, 0 of everything else.
CREATE TABLE ca.publications (
    target text NOT NULL,
    path text NOT NULL,
    number bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    published_at timestamptz NOT NULL,
    PRIMARY KEY (target, path)
);

-- CRLs of a root after its first: recorded with the two people before the root signs them (C-117). A number that was
-- recorded is never used again.
CREATE TABLE office.root_crls (
    id uuid PRIMARY KEY,
    issuer_id smallint NOT NULL REFERENCES ca.issuers,
    number bigint NOT NULL CHECK (number > 0),
    tbs bytea NOT NULL,
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    prepared_at timestamptz NOT NULL,
    transcript text,
    signed_at timestamptz,
    personal_data_destroyed_at timestamptz, -- T16-2: the transcript is gone
    UNIQUE (issuer_id, number),
    CHECK (first_person <> second_person),
    CHECK ((transcript IS NULL) = (signed_at IS NULL))
);

-- status services
GRANT UPDATE (compromised_at) ON ca.revocations TO keiyaku_acme, keiyaku_operator, keiyaku_office;
GRANT SELECT, INSERT ON ca.responders TO keiyaku_sign;
GRANT SELECT, INSERT ON ca.serials TO keiyaku_sign;
GRANT SELECT ON ca.ocsp_responses TO keiyaku_sign, keiyaku_status, keiyaku_work, keiyaku_operator;
GRANT UPDATE (due_at, this_update, next_update, by_sha1, by_sha256) ON ca.ocsp_responses TO keiyaku_sign;
GRANT SELECT ON ca.responders TO keiyaku_work, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE ON ca.publications TO keiyaku_work;
GRANT SELECT ON ca.publications TO keiyaku_operator;
GRANT DELETE ON ca.crls TO keiyaku_work; -- what newer ones have replaced long ago; that it was made stays evidence
GRANT SELECT, INSERT ON office.root_crls TO keiyaku_operator;
GRANT UPDATE (transcript, signed_at) ON office.root_crls TO keiyaku_operator;

-- Certificate Transparency (RFC 6962): lists of logs, precertificates, and the one final record that SCTs lead to.
-- Lists of logs as they were read, with the publisher's signature (empty: not signed), which every process verifies when it
-- loads one; the newest by its own date counts, so an older file never replaces a newer one (C-130).
CREATE TABLE ca.log_lists (
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    content bytea NOT NULL,
    listed_at timestamptz NOT NULL,
    source text NOT NULL,
    read_at timestamptz NOT NULL,
    signature bytea NOT NULL DEFAULT '',
    PRIMARY KEY (sha256, signature)
);
CREATE INDEX log_lists_newest ON ca.log_lists (listed_at DESC, octet_length(signature) DESC);

-- A precertificate as it was signed, from when on it counts as issued: it can be revoked, and CRLs show it (C-125). Its
-- record stays `admitted` until the certificate itself is stored, or is void and then revoked.
CREATE TABLE ca.precertificates (
    id uuid NOT NULL REFERENCES ca.to_be_signed,
    der bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    spki_sha256 bytea NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX precertificates_by_key ON ca.precertificates (spki_sha256);

-- The to-be-signed bytes of the certificate that goes with a precertificate: one at most (C-124). The signer signs them
-- only if they are the precertificate's with the SCT list in the poison's place (C-122). signing_at: as in ca.to_be_signed.
CREATE TABLE ca.final_records (
    id uuid NOT NULL REFERENCES ca.precertificates,
    tbs bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    signing_at timestamptz,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- No precertificate is stored for a key that was blocked meanwhile (C-076), or under an issuing CA that was revoked (C-160),
-- as no certificate is. Its status is answered from now on, also if there never is a certificate (C-125).
CREATE FUNCTION ca.precertificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE TRIGGER precertificate_stored AFTER INSERT ON ca.precertificates
    FOR EACH ROW EXECUTE FUNCTION ca.precertificate_stored();
REVOKE ALL ON FUNCTION ca.precertificate_stored FROM PUBLIC;

GRANT SELECT ON ca.log_lists, ca.precertificates, ca.final_records
    TO keiyaku_acme, keiyaku_work, keiyaku_sign, keiyaku_operator;
GRANT INSERT ON ca.log_lists TO keiyaku_work;
GRANT INSERT ON ca.precertificates TO keiyaku_sign;
GRANT UPDATE (signing_at) ON ca.final_records TO keiyaku_sign;
GRANT SELECT ON ca.precertificates TO keiyaku_office;
GRANT SELECT ON ca.log_lists TO keiyaku_office; -- whose key was proven to be compromised
GRANT SELECT (id, signed_at, der) ON ca.precertificates TO keiyaku_auditor;
GRANT SELECT (id, issuer_id, serial, names, not_before, not_after) ON ca.to_be_signed TO keiyaku_auditor;
GRANT SELECT (spki_sha256) ON ca.responders TO keiyaku_acme;
GRANT SELECT (spki_sha256, issuer_id, held_by) ON ca.responders TO keiyaku_office;
GRANT INSERT (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256, not_before, not_after, shard,
    deadline_at, created_at) ON ca.to_be_signed TO keiyaku_acme, keiyaku_work;
GRANT INSERT (id, tbs, recorded_at) ON ca.final_records TO keiyaku_acme, keiyaku_work;

-- What rows of a statement name is there, looked for in all of them at once: a foreign key asks for each row, which took a
-- third of the time of an import. What is named so stays (gate.stays), so that nothing else can break the reference.
-- The arguments are column and table in turn.
CREATE FUNCTION gate.named_is_there() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    missing text;
BEGIN
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        EXECUTE format('SELECT a.id::text FROM (SELECT DISTINCT %1$I AS id FROM added WHERE %1$I IS NOT NULL) AS a'
            ' WHERE NOT EXISTS (SELECT FROM %2$s AS t WHERE t.id = a.id OFFSET 0) LIMIT 1', TG_ARGV[i], TG_ARGV[i + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '% % of %.% is not in %', TG_ARGV[i], missing, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[i + 1]
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Rows of the table are never deleted and keep their ids, whoever asks.
CREATE FUNCTION gate.stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% stay, with their ids', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
REVOKE ALL ON FUNCTION gate.named_is_there, gate.stays FROM PUBLIC;

DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['gate.contracts', 'gate.invoices', 'gate.receipts', 'gate.bank_accounts',
        'office.bank_files', 'office.bank_lines'] LOOP
        EXECUTE format('CREATE TRIGGER stays BEFORE DELETE OR UPDATE OF id ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION gate.stays()', named);
        EXECUTE format('CREATE TRIGGER stay BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION gate.stays()', named);
    END LOOP;
END $$;

CREATE TRIGGER added AFTER INSERT ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts');
CREATE TRIGGER changed AFTER UPDATE ON office.bank_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION
    gate.named_is_there('file_id', 'office.bank_files', 'bank_account_id', 'gate.bank_accounts');
CREATE TRIGGER added AFTER INSERT ON office.line_outcomes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('line_id', 'office.bank_lines', 'receipt_id', 'gate.receipts');
CREATE TRIGGER changed AFTER UPDATE ON office.line_outcomes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('line_id', 'office.bank_lines', 'receipt_id', 'gate.receipts');

CREATE TRIGGER added AFTER INSERT ON office.screenings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('contract_id', 'gate.contracts');
CREATE TRIGGER changed AFTER UPDATE ON office.screenings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION gate.named_is_there('contract_id', 'gate.contracts');
-- a screening that begins names nobody yet
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.screenings
    FOR EACH ROW WHEN (NEW.checked_by IS NOT NULL) EXECUTE FUNCTION gate.person_present('checked_by');

-- holidays by people
GRANT UPDATE (name, removed_at) ON gate.holidays TO keiyaku_operator;
GRANT UPDATE (upgraded_by, upgraded_at) ON ca.revocations TO keiyaku_acme, keiyaku_operator, keiyaku_office;

-- what is done through the JSON API as with the commands
GRANT SELECT, INSERT ON office.change_reports, office.liability_proposals, office.leaks TO keiyaku_office;
GRANT INSERT ON office.seals, office.timer_extensions, office.subcontractors, office.consultations TO keiyaku_office;
GRANT UPDATE (confirmed_at, confirmed_by, confirmed_from, done_at, done_by) ON office.change_reports TO keiyaku_office;
GRANT UPDATE (resolved_at) ON gate.information_changes TO keiyaku_office;
GRANT UPDATE (name, contact_email) ON gate.customers TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.seals TO keiyaku_office;
GRANT UPDATE (ends_at) ON office.reissues_pending TO keiyaku_office;
GRANT UPDATE (until_on) ON office.subcontractors TO keiyaku_office;
GRANT UPDATE (review_on, ended_by, ended_at) ON office.consultations TO keiyaku_office;
GRANT UPDATE (preliminary_at, final_at) ON office.leaks TO keiyaku_office;
GRANT UPDATE (name, removed_at) ON gate.holidays TO keiyaku_office;
GRANT SELECT (serial, order_id) ON acme.replacements TO keiyaku_office; -- how many of an incident are replaced
GRANT SELECT (id, status) ON acme.orders TO keiyaku_office;

-- The self-audit: at least each quarter a random sample of what was issued is examined anew (BR 8.7, C-175).

-- A seed that nobody knew before the period was over: the first checkpoint after it.
CREATE INDEX checkpoints_by_instant ON evidence.checkpoints (sealed_at);

CREATE TABLE office.audit_samples (
    id uuid PRIMARY KEY,
    from_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL CHECK (until_at > from_at),
    percent smallint NOT NULL CHECK (percent BETWEEN 3 AND 100),
    seed bytea NOT NULL CHECK (octet_length(seed) BETWEEN 16 AND 64),
    seed_source text NOT NULL CHECK (seed_source <> ''),
    population integer NOT NULL CHECK (population >= 0),
    population_sha256 bytea NOT NULL CHECK (octet_length(population_sha256) = 32),
    drawn_by uuid NOT NULL REFERENCES gate.persons,
    drawn_at timestamptz NOT NULL
);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.audit_samples
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('drawn_by');

-- What was drawn, before anybody looked at it; then who linted it and what was wrong.
CREATE TABLE office.sampled_certificates (
    sample_id uuid NOT NULL REFERENCES office.audit_samples,
    serial bytea NOT NULL REFERENCES ca.serials,
    linted_by text[],
    faults text[],
    audited_at timestamptz,
    PRIMARY KEY (sample_id, serial),
    CHECK (num_nulls(linted_by, faults, audited_at) IN (0, 3))
);

GRANT SELECT, INSERT ON office.audit_samples, office.sampled_certificates TO keiyaku_operator;
GRANT UPDATE (linted_by, faults, audited_at) ON office.sampled_certificates TO keiyaku_operator;
GRANT SELECT ON office.audit_samples, office.sampled_certificates TO keiyaku_auditor;

-- what officers and operators do through the JSON API as with the commands
GRANT INSERT ON office.tasks, office.absences TO keiyaku_office;
GRANT UPDATE (owner_id, snoozed_until, done_at) ON office.tasks TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.absences TO keiyaku_office;
GRANT SELECT, INSERT ON office.closed_months TO keiyaku_office;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_office;
GRANT INSERT ON office.eligibility_approvals, office.renewal_consents, office.assignments TO keiyaku_office;
GRANT UPDATE (withdrawn_at) ON office.renewal_consents TO keiyaku_office;
GRANT UPDATE (customer_id) ON gate.contracts TO keiyaku_office;
GRANT UPDATE (ends_at) ON gate.suspensions TO keiyaku_office;
GRANT INSERT ON office.incidents, office.incident_certificates TO keiyaku_office;
GRANT UPDATE (per_second, wait, begun_by_first, begun_by_second, begun_at, paused_at) ON office.incidents TO keiyaku_office;
GRANT SELECT (profile, created_at, spki_sha256) ON ca.to_be_signed TO keiyaku_office; -- which ones an incident is about
GRANT SELECT (authorization_ids) ON acme.orders TO keiyaku_office;
GRANT SELECT (id, challenge_type) ON acme.authorizations TO keiyaku_office;
GRANT EXECUTE ON FUNCTION keiyaku.uuid7_floor TO keiyaku_office;
GRANT INSERT ON office.payer_aliases, office.virtual_accounts TO keiyaku_office;
GRANT UPDATE (removed_at) ON office.payer_aliases TO keiyaku_office;
GRANT UPDATE (ended_at) ON office.virtual_accounts TO keiyaku_office;
GRANT INSERT ON gate.bank_accounts, office.sellers, office.bank_dialects, office.dealer_aliases
    TO keiyaku_office;
GRANT SELECT, INSERT ON acme.limit_overrides TO keiyaku_office;

-- Certificates of issuing CAs, cross certificates too, that two people had revoked (BR 4.9.1.2): from decided_at on nothing
-- is issued below an issuing CA's own certificate, and every later CRL of the root has the entry.
CREATE TABLE ca.authority_revocations (
    serial bytea NOT NULL CHECK (octet_length(serial) BETWEEN 1 AND 20),
    root_id smallint NOT NULL REFERENCES ca.issuers, -- who signed it, and on whose CRL it is
    issuer_id smallint NOT NULL REFERENCES ca.issuers, -- whose certificate it is
    cross_id smallint REFERENCES ca.cross_certificates, -- which of its cross certificates; null: its own
    ground text NOT NULL CHECK (ground ~ '^[a-z_]+$'), -- ca/authority_grounds.py
    reason smallint NOT NULL CHECK (reason IN (1, 3, 4, 5, 9)), -- never absent of a CA (BR 7.2.2, C-140)
    note text NOT NULL CHECK (note <> ''),
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    requested_at timestamptz NOT NULL, -- when the CA was asked, or knew
    decided_at timestamptz NOT NULL CHECK (decided_at >= requested_at),
    deadline_at timestamptz NOT NULL, -- for the CRL that shows it
    not_after timestamptz NOT NULL,
    published_at timestamptz,
    PRIMARY KEY (root_id, serial),
    CHECK (first_person <> second_person)
);
CREATE UNIQUE INDEX authority_revocations_own ON ca.authority_revocations (issuer_id) WHERE cross_id IS NULL;
CREATE UNIQUE INDEX authority_revocations_cross ON ca.authority_revocations (cross_id);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE OF first_person, second_person ON ca.authority_revocations
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('first_person', 'second_person');
GRANT SELECT (issuer_id, cross_id, decided_at) ON ca.authority_revocations TO keiyaku_acme, keiyaku_work, keiyaku_sign;
GRANT SELECT, INSERT ON ca.authority_revocations TO keiyaku_operator;
GRANT UPDATE (published_at) ON ca.authority_revocations TO keiyaku_operator;

-- Revoked certificates of issuing CAs whose key was found compromised later, by two people: from the root's next CRL on
-- their entry says so (C-143).
CREATE TABLE ca.authority_compromises (
    root_id smallint NOT NULL,
    serial bytea NOT NULL,
    reason smallint NOT NULL DEFAULT 1 CHECK (reason = 1), -- in place of the revocation's
    note text NOT NULL CHECK (note <> ''),
    first_person uuid NOT NULL REFERENCES gate.persons,
    second_person uuid NOT NULL REFERENCES gate.persons,
    known_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL CHECK (decided_at >= known_at),
    deadline_at timestamptz NOT NULL, -- for the CRL that shows it
    PRIMARY KEY (root_id, serial),
    FOREIGN KEY (root_id, serial) REFERENCES ca.authority_revocations,
    CHECK (first_person <> second_person)
);
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE OF first_person, second_person ON ca.authority_compromises
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('first_person', 'second_person');
GRANT SELECT, INSERT ON ca.authority_compromises TO keiyaku_operator;

-- Applications that formed no contract: rejected or withdrawn, and when what they stated goes (T4-7, R-5).
CREATE TABLE office.application_ends (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    ended_at timestamptz NOT NULL,
    destroy_at timestamptz NOT NULL CHECK (destroy_at >= ended_at)
);
CREATE INDEX application_ends_due ON office.application_ends (destroy_at);

-- How many rows lost a field, and when.
CREATE TABLE office.destructions (
    field text NOT NULL,
    destroyed_at timestamptz NOT NULL,
    rows integer NOT NULL CHECK (rows > 0),
    PRIMARY KEY (field, destroyed_at)
);

CREATE INDEX persons_past ON gate.persons (left_at) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX receipts_past ON gate.receipts (value_on) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX bank_lines_past ON office.bank_lines (booked_on) WHERE personal_data_destroyed_at IS NULL;
CREATE INDEX notices_past ON office.notices (queued_at) WHERE given <> '{}';

-- Contracts of which nothing said in an application or review is kept any longer: ended, and their last certificate over, by
-- `since`; or never formed, and their documents destroyed by now (T4-7).
CREATE FUNCTION office.contracts_past(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM gate.contracts c WHERE c.ended_at <= since AND c.end_recorded_at <= since AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > since)
    UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts c ON c.id = e.contract_id
    WHERE e.destroy_at <= instant AND c.state IN ('withdrawn', 'rejected')
$$;

-- Contracts that ended by `since` and were paid, or were never formed: nobody is written to about them any longer, once
-- no younger letter about them waits.
CREATE FUNCTION office.contracts_silent(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM (
        SELECT id FROM gate.contracts WHERE ended_at <= since AND end_recorded_at <= since
        UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts a ON a.id = e.contract_id
        WHERE e.destroy_at <= instant AND a.state IN ('withdrawn', 'rejected')) AS c
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
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
-- What of a field began its retention at this instant or before is past it; years are those of Japan, as
-- contract_gate/articles/article_16_secrecy.py has them. Of an instant to come nothing is said.
CREATE FUNCTION office.kept_since(wanted text, instant timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept integer := (SELECT y.years FROM (VALUES
        ('documents.content', 2), ('applications.representative', 2), ('screenings.subject', 2), ('holds.reason', 2),
        ('invoice_papers.buyer', 7), ('receipts.remitter', 7), ('bank_lines.remitter', 7), ('payer_aliases.name', 2),
        ('dealer_aliases.name', 2), ('problem_reports.reporter', 2), ('key_proofs.reporter', 2), ('cases.reporter', 2),
        ('proposals.arguments', 7), ('deliveries.body', 7), ('deliveries.address', 7), ('notices.given', 7),
        ('contacts.postal_address', 2), ('recipients.email', 2), ('customers.contact_email', 2), ('accounts.contacts', 2),
        ('applicants.name', 2), ('customers.name', 7), ('ceremonies.transcript', 22), ('root_crls.transcript', 22),
        ('requesters.name', 2), ('persons.name', 7)
        ) AS y(field, years) WHERE y.field = wanted);
BEGIN
    IF kept IS NULL OR instant > clock_timestamp() + interval '1 hour' + (SELECT ahead FROM keiyaku.clock) THEN
        RAISE EXCEPTION 'nothing of % is past its retention at %', wanted, instant USING ERRCODE = 'check_violation';
    END IF;
    RETURN (instant AT TIME ZONE 'Asia/Tokyo' - make_interval(years => kept)) AT TIME ZONE 'Asia/Tokyo';
END $$;

-- Personal data past its retention is destroyed, the row stays (T16-2): of a field, up to so many rows, by their ids. The
-- office's role writes none of these columns but through here. When the last certificate of a contract, or a customer's last
-- contract, is past: office.contracts_past, contracts_silent and customers_silent. The rows are chosen once, as an array: a
-- sub-select with a limit would be run again for each row of a table that the planner takes for small.
-- In each statement $1 kept since, $2 now, $3 most; each is planned for these.
CREATE FUNCTION office.destroy_past(wanted text, instant timestamptz, most integer)
RETURNS TABLE (id text, contract_id uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text := CASE wanted
    -- Those of applications that formed no contract have a day of their own (T4-7).
    WHEN 'documents.content' THEN $q$
        UPDATE office.documents SET sealed_key = NULL, sealed_content = NULL, destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.documents WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND destroyed_at IS NULL AND destroy_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'applications.representative' THEN $q$
        UPDATE office.applications SET representative = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
            personal_data_destroyed_at = $2
        WHERE contract_id = ANY (ARRAY(
            SELECT contract_id FROM office.applications WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING contract_id::text, contract_id$q$
    WHEN 'screenings.subject' THEN $q$
        UPDATE office.screenings SET subject = id::text, source = CASE WHEN verdict <> 'pending' THEN '-' END,
            grounds = CASE WHEN verdict = 'hit' THEN '-' END, personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.screenings WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    -- What an officer wrote of somebody's conduct; that there was a hold, of which item, and who decided stays.
    WHEN 'holds.reason' THEN $q$
        UPDATE gate.holds SET reason = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM gate.holds WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'invoice_papers.buyer' THEN $q$
        UPDATE office.invoice_papers SET buyer = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
            personal_data_destroyed_at = $2
        WHERE invoice_id = ANY (ARRAY(
            SELECT p.invoice_id FROM office.invoice_papers p JOIN gate.invoices i ON i.id = p.invoice_id
            WHERE p.personal_data_destroyed_at IS NULL AND i.issued_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND i.open_yen = 0 LIMIT $3))
        RETURNING invoice_id::text, NULL::uuid$q$
    -- Who sent it is asked for while any of it is left to match or send back.
    WHEN 'receipts.remitter' THEN $q$
        UPDATE gate.receipts SET remitter = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM gate.receipts
            WHERE personal_data_destroyed_at IS NULL AND value_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND (cancelled_at IS NOT NULL OR gate.used_of(id) >= amount_yen) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Lines that somebody still has to look at keep theirs. The remitter tells equal lines of a day apart: each has a
    -- pseudonym of its own.
    WHEN 'bank_lines.remitter' THEN $q$
        UPDATE office.bank_lines SET remitter = '#' || id, remitter_code = '', edi = '', personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.bank_lines l
            WHERE personal_data_destroyed_at IS NULL AND booked_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
              AND (SELECT o.state FROM office.line_outcomes o WHERE o.line_id = l.id) <> 'waiting' LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'payer_aliases.name' THEN $q$
        UPDATE office.payer_aliases SET name = '-', key = '#' || id, removed_at = coalesce(removed_at, $2),
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.payer_aliases
            WHERE personal_data_destroyed_at IS NULL AND (
                removed_at <= $1 OR customer_id IN (SELECT office.customers_silent($1))) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'dealer_aliases.name' THEN $q$
        UPDATE office.dealer_aliases SET name = '-', key = '#' || id, personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.dealer_aliases WHERE personal_data_destroyed_at IS NULL AND removed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'problem_reports.reporter' THEN $q$
        UPDATE office.problem_reports SET reporter = '-', email = '-', what = '-', personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM office.problem_reports
            WHERE personal_data_destroyed_at IS NULL AND closed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'key_proofs.reporter' THEN $q$
        UPDATE office.key_proofs SET reporter = '-', email = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.key_proofs
            WHERE personal_data_destroyed_at IS NULL AND received_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Once all that they revoked has expired.
    WHEN 'cases.reporter' THEN $q$
        UPDATE office.cases SET reporter = '-' WHERE id = ANY (ARRAY(
            SELECT c.id FROM office.cases c
            WHERE c.reporter <> '-' AND c.state IN ('published', 'closed') AND c.received_at <= least($1::timestamptz, $2)
              AND NOT EXISTS (SELECT FROM office.case_certificates x JOIN ca.revocations r ON r.serial = x.serial
                              WHERE x.case_id = c.id AND r.not_after > $1) LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'proposals.arguments' THEN $q$
        UPDATE office.proposals SET arguments = '{}' WHERE id = ANY (ARRAY(
            SELECT id FROM office.proposals WHERE arguments <> '{}' AND proposed_at <= least($1::timestamptz, $2) LIMIT $3))
        RETURNING id::text, contract_id$q$
    -- What its notice was written from goes with it.
    WHEN 'deliveries.body' THEN $q$
        WITH gone AS (
            UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL,
                personal_data_destroyed_at = $2
            WHERE id = ANY (ARRAY(
                SELECT id FROM office.deliveries
                WHERE personal_data_destroyed_at IS NULL AND delivered_at <= $1 LIMIT $3))
            RETURNING id::text, notice_id
        ), emptied AS (
            UPDATE office.notices SET given = '{}' WHERE id = ANY (ARRAY(SELECT notice_id FROM gone))
        )
        SELECT id::text, NULL::uuid FROM gone$q$
    -- Nobody sends them any more: whoever is at it has lost the lease.
    WHEN 'deliveries.address' THEN $q$
        UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL, locked_until = NULL,
            fence = fence + 1, state = CASE WHEN state IN ('waiting', 'person') THEN 'dropped' ELSE state END,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT d.id FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id
            WHERE d.personal_data_destroyed_at IS NULL AND d.delivered_at IS NULL AND n.queued_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Of which no letter is left. What was never addressed is never written.
    WHEN 'notices.given' THEN $q$
        UPDATE office.notices SET given = '{}', addressed_at = coalesce(addressed_at, $2) WHERE id = ANY (ARRAY(
            SELECT n.id FROM office.notices n WHERE n.given <> '{}' AND n.queued_at <= $1 AND NOT EXISTS (
                SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.personal_data_destroyed_at IS NULL) LIMIT $3))
        RETURNING id::text, contract_id$q$
    WHEN 'contacts.postal_address' THEN $q$
        UPDATE office.contacts SET postal_address = NULL, stale_since = NULL WHERE customer_id = ANY (ARRAY(
            SELECT customer_id FROM office.contacts
            WHERE customer_id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
                AND postal_address IS NOT NULL LIMIT $3))
        RETURNING customer_id::text, NULL::uuid$q$
    WHEN 'recipients.email' THEN $q$
        UPDATE office.recipients SET name = '-', email = '-' WHERE contract_id = ANY (ARRAY(
            SELECT contract_id FROM office.recipients WHERE contract_id = ANY (ARRAY(SELECT office.contracts_silent($1, $2)))
                AND email <> '-' LIMIT $3))
            AND email <> '-'
        RETURNING contract_id::text, contract_id$q$
    WHEN 'customers.contact_email' THEN $q$
        UPDATE gate.customers SET contact_email = NULL WHERE id = ANY (ARRAY(
            SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
                AND contact_email IS NOT NULL LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Of accounts that were deactivated, or whose customer is past.
    WHEN 'accounts.contacts' THEN $q$
        UPDATE acme.accounts SET contacts = '{}' WHERE id = ANY (ARRAY(
            SELECT id FROM acme.accounts WHERE contacts <> '{}' AND (
                deactivated_at <= least($1::timestamptz, $2) OR binding_key_id IN (
                    SELECT k.id FROM gate.contracts c JOIN gate.binding_keys k ON k.contract_id = c.id
                    WHERE c.customer_id = ANY (ARRAY(SELECT office.customers_silent($1))))) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Who applied and never had a contract is in no books.
    WHEN 'applicants.name' THEN $q$
        UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT u.id FROM gate.customers u WHERE u.id = ANY (ARRAY(SELECT office.customers_silent($1)))
                AND u.personal_data_destroyed_at IS NULL AND NOT EXISTS (
                SELECT FROM gate.contracts c WHERE c.customer_id = u.id AND c.accepted_at IS NOT NULL) LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    -- Their name stays on papers and in books as long as those are kept.
    WHEN 'customers.name' THEN $q$
        UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
            personal_data_destroyed_at = $2
        WHERE id = ANY (ARRAY(
            SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent($1)))
                AND personal_data_destroyed_at IS NULL LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'ceremonies.transcript' THEN $q$
        UPDATE office.ceremonies SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.ceremonies WHERE personal_data_destroyed_at IS NULL AND ended_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    WHEN 'root_crls.transcript' THEN $q$
        UPDATE office.root_crls SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
            SELECT id FROM office.root_crls WHERE personal_data_destroyed_at IS NULL AND signed_at <= $1 LIMIT $3))
        RETURNING id::text, NULL::uuid$q$
    END;
BEGIN
    RETURN QUERY EXECUTE statement USING office.kept_since(wanted, instant), instant, most;
END $$;

-- Documents of an application that came to nothing, whose day has come (T4-7): key and content go, hash and kind stay.
CREATE FUNCTION office.destroy_documents(instant timestamptz, of_contract uuid, most integer)
RETURNS TABLE (id uuid, contract_id uuid) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.documents d SET sealed_key = NULL, sealed_content = NULL, destroyed_at = instant
    WHERE d.id = ANY (ARRAY(SELECT x.id FROM office.documents x JOIN gate.contracts c ON c.id = x.contract_id
        WHERE x.destroyed_at IS NULL AND x.destroy_at <= instant AND (of_contract IS NULL OR x.contract_id = of_contract)
            AND c.state IN ('withdrawn', 'rejected')
            AND instant <= clock_timestamp() + interval '1 hour' + (SELECT ahead FROM keiyaku.clock)
        ORDER BY x.destroy_at LIMIT most FOR UPDATE OF x SKIP LOCKED))
    RETURNING d.id, d.contract_id
$$;

-- Who may have a pseudonym by now, in order of id from one on, at most so many, held so that nobody names them newly
-- meanwhile: who left so long ago, or people of customers, of applications and contracts that are past. `gone`: those whom no
-- record names that is still kept; they have a pseudonym from now on, and what names them by id stays.
CREATE FUNCTION office.pseudonymise(wanted text, instant timestamptz, behind uuid, most integer, OUT looked_at integer,
    OUT last uuid, OUT gone uuid[]) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamptz := office.kept_since(wanted, instant);
    past uuid[];
    who uuid[];
    -- what people of customers are named by: any other record keeps these, while those who left the CA are kept by few
    of_customers text[] := CASE wanted WHEN 'requesters.name' THEN ARRAY['gate.consents.person_id',
        'office.applications.applicant_id', 'office.requesters.person_id', 'office.requesters.named_by',
        'office.endings.asked_by', 'office.renewal_consents.person_id', 'office.seals.requested_by',
        'office.change_reports.reported_by'] END;
BEGIN
    IF wanted = 'persons.name' THEN
        who := ARRAY(SELECT p.id FROM gate.persons p WHERE p.left_at <= since AND p.personal_data_destroyed_at IS NULL
                         AND p.id > behind ORDER BY p.id LIMIT most FOR UPDATE);
    ELSIF wanted = 'requesters.name' THEN
        past := ARRAY(SELECT office.contracts_past(since, since));
        who := ARRAY(SELECT p.id FROM gate.persons p WHERE p.personal_data_destroyed_at IS NULL AND p.id = ANY (ARRAY(
                SELECT a.applicant_id FROM office.applications a WHERE a.contract_id = ANY (past) AND a.applicant_id > behind
                UNION SELECT q.person_id FROM office.requesters q WHERE q.contract_id = ANY (past) AND q.person_id > behind
                UNION SELECT s.person_id FROM gate.consents s WHERE s.contract_id = ANY (past) AND s.person_id > behind))
            ORDER BY p.id LIMIT most FOR UPDATE);
    END IF;
    looked_at := cardinality(who);
    last := who[looked_at];
    WITH named AS (
        UPDATE gate.persons p SET handle = 'gone-' || replace(p.id::text, '-', ''), name = '-',
            personal_data_destroyed_at = instant
        WHERE p.id = ANY (who) AND p.id <> ALL (ARRAY(SELECT gate.still_named(
            who, office.kept_since('documents.content', instant), of_customers)))
        RETURNING p.id
    )
    SELECT coalesce(array_agg(named.id), '{}') INTO gone FROM named;
END $$;
REVOKE ALL ON FUNCTION office.contracts_past, office.contracts_silent, office.customers_silent, gate.still_named,
    office.kept_since, office.destroy_past, office.destroy_documents, office.pseudonymise FROM PUBLIC;

-- retention: the worker destroys, and says how much; operators read what went
GRANT SELECT, INSERT ON office.application_ends TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT, UPDATE (rows) ON office.destructions TO keiyaku_office;
GRANT SELECT ON office.destructions TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION office.destroy_past, office.pseudonymise TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.destroy_documents TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (removed_at) ON office.dealer_aliases TO keiyaku_office;
GRANT SELECT (id, transcript, ended_at, personal_data_destroyed_at) ON office.ceremonies TO keiyaku_office;
GRANT SELECT (id, transcript, signed_at, personal_data_destroyed_at) ON office.root_crls TO keiyaku_office;

-- Decisions that no process of the office carries out by itself: readings, plans, tokens, who leaves, reviews of access. Two
-- people vouch for one, each with the token they call with, and a function of the kind writes what both saw: once, in the
-- transaction that confirms it. Of a token the database has the hash alone, so that who has the password of keiyaku_office
-- and not the tokens of two people writes none of it. Roles: office/use_cases/deciding.py.
CREATE FUNCTION office.vouched_kinds() RETURNS TABLE (kind text, proposers text[], confirmers text[]) LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    VALUES ('access_review.close', '{approver,compliance,officer,operator}'::text[], '{approver,compliance}'::text[]),
        ('person.leave', '{approver,compliance,officer,operator}', '{approver,compliance}'),
        ('plan.add', '{approver,officer}', '{approver}'), ('plan.close', '{approver,officer}', '{approver}'),
        ('reading.set', '{approver,compliance,officer}', '{approver,compliance}'),
        ('token.issue', '{approver,compliance,officer,operator}', '{approver,compliance}')
$$;

CREATE TABLE office.vouched (
    proposal_id uuid PRIMARY KEY REFERENCES office.proposals,
    seen_sha256 bytea NOT NULL CHECK (octet_length(seen_sha256) = 32), -- of its arguments
    first_token uuid NOT NULL REFERENCES office.tokens,
    second_token uuid REFERENCES office.tokens,
    confirmed_in xid8, -- the transaction that confirms it, in which it is carried out or never
    carried_out boolean NOT NULL DEFAULT false,
    CHECK (first_token <> second_token),
    CHECK (num_nulls(second_token, confirmed_in) IN (0, 2)),
    CHECK (NOT carried_out OR second_token IS NOT NULL)
);

CREATE FUNCTION office.seen(arguments jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(arguments::text, 'UTF8'))
$$;

-- Whose token this is, if it lives and they are there: `proof` is that of which the database has the hash.
CREATE FUNCTION office.holder(proof bytea, instant timestamptz) RETURNS SETOF office.tokens LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.* FROM office.tokens t JOIN gate.persons p ON p.id = t.person_id
    WHERE t.sha256 = sha256(proof) AND t.withdrawn_at IS NULL AND t.expires_at > keiyaku.as_of(instant) AND p.left_at IS NULL
$$;

-- Who proposed it vouches for it with their token. No row: it is none of theirs to propose.
CREATE FUNCTION office.vouch_first(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO office.vouched (proposal_id, seen_sha256, first_token)
    SELECT p.id, office.seen(p.arguments), t.id
    FROM office.proposals p JOIN office.vouched_kinds() k ON k.kind = p.kind
    JOIN office.holder(proof, instant) t ON t.person_id = p.proposed_by AND t.role = ANY (k.proposers)
    WHERE p.id = proposal AND p.confirmed_at IS NULL AND p.withdrawn_at IS NULL
        AND p.expires_at <= keiyaku.as_of(p.proposed_at) + interval '7 days 1 hour'
    RETURNING true
$$;

-- Whether it is still as the first saw it, and their token was not withdrawn.
CREATE FUNCTION office.first_stands(proposal uuid) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM office.vouched v JOIN office.proposals p ON p.id = v.proposal_id
        JOIN office.tokens t ON t.id = v.first_token
        WHERE v.proposal_id = proposal AND v.seen_sha256 = office.seen(p.arguments) AND t.withdrawn_at IS NULL)
$$;

-- Who confirmed it vouches for it with their token. No row: it is none of theirs to confirm, or not what was proposed.
CREATE FUNCTION office.vouch_second(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.vouched v SET second_token = t.id, confirmed_in = pg_current_xact_id()
    FROM office.proposals p, office.vouched_kinds() k, office.holder(proof, instant) t, office.tokens one
    WHERE v.proposal_id = proposal AND v.second_token IS NULL AND office.first_stands(proposal) AND p.id = proposal
        AND p.expires_at > keiyaku.as_of(p.confirmed_at)
        AND k.kind = p.kind AND t.person_id = p.confirmed_by AND t.role = ANY (k.confirmers)
        AND one.id = v.first_token AND one.person_id <> t.person_id
    RETURNING true
$$;

-- What two people vouched for in this transaction, marked as carried out; whoever they are, their tokens say.
CREATE FUNCTION office.carry_out(proposal uuid, wanted text, OUT arguments jsonb, OUT first uuid, OUT second uuid,
    OUT instant timestamptz) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE office.vouched v SET carried_out = true
    FROM office.proposals p, office.tokens one, office.tokens two
    WHERE v.proposal_id = proposal AND NOT v.carried_out AND v.confirmed_in = pg_current_xact_id() AND p.id = proposal
        AND p.kind = wanted AND v.seen_sha256 = office.seen(p.arguments)
        AND one.id = v.first_token AND two.id = v.second_token
    RETURNING p.arguments, one.person_id, two.person_id, keiyaku.as_of(p.confirmed_at)
    INTO carry_out.arguments, carry_out.first, carry_out.second, carry_out.instant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no two people vouched in this transaction for % %', wanted, proposal
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- No row: the key has a value from that instant on already.
CREATE FUNCTION office.set_reading(proposal uuid) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO gate.readings (key, effective_at, value, set_by_first, set_by_second)
    SELECT d.arguments ->> 'key', coalesce((d.arguments ->> 'effective_at')::timestamptz, d.instant),
        d.arguments ->> 'value', d.first, d.second
    FROM office.carry_out(proposal, 'reading.set') d ON CONFLICT (key, effective_at) DO NOTHING
    RETURNING key
$$;

-- No row: the handle is taken.
CREATE FUNCTION office.add_plan(proposal uuid, plan_id uuid) RETURNS SETOF gate.plans LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max, offered_from)
    SELECT plan_id, d.arguments ->> 'handle', d.arguments ->> 'name', (d.arguments ->> 'fee_yen')::integer,
        (d.arguments ->> 'term_months')::integer, (d.arguments ->> 'names_max')::integer,
        coalesce((d.arguments ->> 'offered_from')::timestamptz, d.instant)
    FROM office.carry_out(proposal, 'plan.add') d ON CONFLICT (handle) DO NOTHING
    RETURNING *
$$;

-- No row: there is no such plan.
CREATE FUNCTION office.close_plan(proposal uuid) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE gate.plans p SET offered_until = coalesce((d.arguments ->> 'offered_until')::timestamptz, d.instant)
    FROM office.carry_out(proposal, 'plan.close') d WHERE p.handle = d.arguments ->> 'handle'
    RETURNING p.id
$$;

-- A token whose secret has two parts: who proposed it was given one, whose hash is among the arguments, who confirms it gets
-- the other. No row: the second confirms a token of their own.
CREATE FUNCTION office.make_token(proposal uuid, token_id uuid, part_sha256 bytea) RETURNS uuid LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO office.tokens (id, sha256, person_id, service, role, customer_id, created_at, expires_at, granted_by_first,
        granted_by_second)
    SELECT token_id, sha256(decode(d.arguments ->> 'part_sha256', 'hex') || part_sha256), p.id,
        CASE WHEN (d.arguments ->> 'service')::boolean THEN d.arguments ->> 'holder' END, d.arguments ->> 'role', c.id,
        d.instant, (d.arguments ->> 'expires_at')::timestamptz, d.first, d.second
    FROM office.carry_out(proposal, 'token.issue') d
    LEFT JOIN gate.persons p ON NOT (d.arguments ->> 'service')::boolean AND p.handle = d.arguments ->> 'holder'
    LEFT JOIN gate.customers c ON c.handle = d.arguments ->> 'customer'
    WHERE p.id IS DISTINCT FROM d.second AND octet_length(decode(d.arguments ->> 'part_sha256', 'hex')) = 32
        AND octet_length(part_sha256) = 32
        AND (d.arguments ->> 'expires_at')::timestamptz <= d.instant + interval '366 days'
    RETURNING id
$$;

-- One person stops a token at once: their own, or any in a role that works for the CA. No row: withdrawn before, or they may
-- not.
CREATE FUNCTION office.withdraw_token(token_id uuid, proof bytea, instant timestamptz) RETURNS uuid LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.tokens t SET withdrawn_at = keiyaku.as_of(instant) FROM office.holder(proof, instant) h
    WHERE t.id = token_id AND t.withdrawn_at IS NULL
        AND (h.role IN ('officer', 'approver', 'compliance', 'operator') OR h.person_id = t.person_id)
    RETURNING t.id
$$;

-- Who leaves decides nothing from now on, and none of their tokens is answered: which these were. Null: they left before, or
-- are one of the two.
CREATE FUNCTION office.leave(proposal uuid) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d record;
    gone uuid;
    ended uuid[];
BEGIN
    SELECT * INTO d FROM office.carry_out(proposal, 'person.leave');
    UPDATE gate.persons SET left_at = coalesce((d.arguments ->> 'left_at')::timestamptz, d.instant)
    WHERE handle = d.arguments ->> 'person' AND left_at IS NULL AND id NOT IN (d.first, d.second) RETURNING id INTO gone;
    IF gone IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO office.departures (person_id, recorded_by, recorded_at) VALUES (gone, d.first, d.instant);
    WITH stopped AS (
        UPDATE office.tokens SET withdrawn_at = d.instant WHERE person_id = gone AND withdrawn_at IS NULL RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO ended FROM stopped;
    RETURN ended;
END $$;

CREATE FUNCTION office.close_access_review(proposal uuid, review_id uuid, entries integer) RETURNS uuid LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO office.access_reviews (id, reviewed_by_first, reviewed_by_second, entries, list_sha256, findings, reviewed_at)
    SELECT review_id, d.first, d.second, entries, decode(d.arguments ->> 'list_sha256', 'hex'), d.arguments ->> 'findings',
        d.instant
    FROM office.carry_out(proposal, 'access_review.close') d
    RETURNING id
$$;

REVOKE ALL ON FUNCTION office.vouched_kinds, office.seen, office.holder, office.vouch_first, office.first_stands,
    office.vouch_second, office.carry_out, office.set_reading, office.add_plan, office.close_plan, office.make_token,
    office.withdraw_token, office.leave, office.close_access_review FROM PUBLIC;
GRANT EXECUTE ON FUNCTION office.vouch_first, office.vouch_second, office.set_reading, office.add_plan, office.close_plan,
    office.make_token, office.withdraw_token, office.leave, office.close_access_review TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.first_stands TO keiyaku_operator; -- the second confirms by command

-- who left and reviews of access, ceremonies, samples of the self-audit, which compliance and auditors draw
GRANT SELECT ON office.departures, office.access_reviews, office.ceremony_steps TO keiyaku_office;
GRANT UPDATE (removed_by, removed_at) ON office.departures TO keiyaku_office;
GRANT SELECT (script, begun_at) ON office.ceremonies TO keiyaku_office;
GRANT SELECT, INSERT ON office.audit_samples, office.sampled_certificates TO keiyaku_office;
GRANT SELECT (number, hash, sealed_at) ON evidence.checkpoints TO keiyaku_office;

-- the rest of the API: auditors compare the records of a checkpoint
GRANT SELECT ON evidence.checkpoints TO keiyaku_office;

-- Answers of the open doors that are given again (Idempotency-Key): no token binds them, so neither key nor request is kept,
-- but hashes, and the answer is sealed under both.
CREATE TABLE office.open_answers (
    key_sha256 bytea PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    sealed bytea NOT NULL CHECK (octet_length(sealed) <= 8192),
    answered_at timestamptz NOT NULL
);
CREATE INDEX open_answers_old ON office.open_answers (answered_at);
CREATE FUNCTION office.forget_open_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM office.open_answers WHERE key_sha256 IN (
            SELECT key_sha256 FROM office.open_answers WHERE answered_at < keiyaku.as_of(before + interval '1 day') - interval '1 day'
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION office.forget_open_answers FROM PUBLIC;
GRANT SELECT, INSERT ON office.open_answers TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.forget_open_answers TO keiyaku_office;

-- Dates that a retention begins with, and what was answered or decided, are nobody's to write anew (T16-2, T13-1, T23-1).
CREATE TRIGGER by_the_clock BEFORE UPDATE OF removed_at ON office.payer_aliases
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('removed_at');
CREATE TRIGGER by_the_clock BEFORE UPDATE OF removed_at ON office.dealer_aliases
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('removed_at');
CREATE TRIGGER by_the_clock BEFORE UPDATE OF closed_at ON office.problem_reports
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('closed_at');
CREATE FUNCTION office.not_before_queued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.delivered_at < (SELECT queued_at FROM office.notices WHERE id = NEW.notice_id) THEN
        RAISE EXCEPTION 'T5-2: delivery % came before its notice', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER not_before_queued BEFORE UPDATE OF delivered_at ON office.deliveries FOR EACH ROW
    WHEN (NEW.delivered_at IS DISTINCT FROM OLD.delivered_at) EXECUTE FUNCTION office.not_before_queued();
CREATE FUNCTION office.written_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% of %.% stays', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER written_once BEFORE UPDATE OF destroy_at ON office.documents FOR EACH ROW
    WHEN (OLD.destroy_at IS NOT NULL AND NEW.destroy_at IS DISTINCT FROM OLD.destroy_at)
    EXECUTE FUNCTION office.written_once('destroy_at');
CREATE TRIGGER written_once BEFORE UPDATE OF confirmed_by, confirmed_at, withdrawn_by, withdrawn_at ON office.proposals
    FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL)
    EXECUTE FUNCTION office.written_once('what became');
-- A clear answer may become a hit, and nothing else; by date all of it goes.
CREATE TRIGGER written_once BEFORE UPDATE OF verdict, source, grounds, checked_by, checked_at ON office.screenings
    FOR EACH ROW WHEN (OLD.verdict <> 'pending' AND NOT (OLD.verdict = 'clear' AND NEW.verdict = 'hit')
        AND NEW.personal_data_destroyed_at IS NOT DISTINCT FROM OLD.personal_data_destroyed_at)
    EXECUTE FUNCTION office.written_once('the answer');
-- Two people put the end off, to a later day; once nothing is issued past it, it stays.
CREATE TRIGGER written_once BEFORE UPDATE ON office.service_end FOR EACH ROW
    WHEN (OLD.suspension_id IS NOT NULL OR (NEW.suspension_id IS NULL AND NEW.ends_on <= OLD.ends_on)
        OR (NEW.suspension_id IS NOT NULL AND (NEW.cause, NEW.ends_on, NEW.certificates, NEW.notice_id,
            NEW.decided_by_first, NEW.decided_by_second, NEW.decided_at) IS DISTINCT FROM (OLD.cause, OLD.ends_on,
            OLD.certificates, OLD.notice_id, OLD.decided_by_first, OLD.decided_by_second, OLD.decided_at)))
    EXECUTE FUNCTION office.written_once('what two people decided');
REVOKE ALL ON FUNCTION office.not_before_queued, office.written_once FROM PUBLIC;

-- Days that join an account's chain at its beginning move it back (T8-6).
GRANT UPDATE (covered_from) ON gate.bank_accounts TO keiyaku_office;

-- accounts to pay into, and bank accounts that close
GRANT SELECT, INSERT ON office.transfer_accounts TO keiyaku_operator, keiyaku_office;
GRANT UPDATE (closed_from, closed_by_first, closed_by_second) ON gate.bank_accounts TO keiyaku_office;
GRANT SELECT (awaited_after) ON gate.bank_accounts TO keiyaku_sign;
GRANT UPDATE (ended_at) ON office.bank_dialects TO keiyaku_office;
GRANT UPDATE (spent) ON gate.receipts TO keiyaku_office;
GRANT SELECT ON office.earnings, office.uncarried TO keiyaku_office, keiyaku_operator;
GRANT INSERT, UPDATE (part_yen, last_yen) ON office.earnings TO keiyaku_office;
GRANT UPDATE (carried) ON office.invoice_papers, office.adjustments TO keiyaku_office;

-- what came of a request to revoke, and when it was told (T11-6)
GRANT UPDATE (result_due_at, result_told_at) ON office.cases TO keiyaku_office, keiyaku_operator;
GRANT SELECT (executed_at, result_due_at, result_told_at) ON office.cases TO keiyaku_auditor;

-- no certificate before the notice of formation has left (T4-5)
GRANT SELECT ON gate.formation_notices TO keiyaku_acme, keiyaku_work, keiyaku_office, keiyaku_operator;
GRANT INSERT ON gate.formation_notices TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (dispatched_at) ON gate.formation_notices TO keiyaku_office, keiyaku_operator;
GRANT SELECT (contract_id, dispatched_at) ON gate.formation_notices TO keiyaku_sign;

-- What the office's use cases refuse, its role cannot do by hand.
-- Whom two people rejected, and nobody else, is rejected (T4-7).
CREATE FUNCTION gate.rejected_by_two() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM office.rejections WHERE contract_id = NEW.id) THEN
        RAISE EXCEPTION 'T4-7: no two people rejected %', NEW.handle USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rejected_by_two AFTER INSERT OR UPDATE OF state ON gate.contracts
    FOR EACH ROW WHEN (NEW.state = 'rejected') EXECUTE FUNCTION gate.rejected_by_two();

-- One person says how the files of an account look, once; whatever follows is two people's (T8-5). After the insertion: where
-- it conflicts there is none.
CREATE FUNCTION office.dialect_by_two() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM office.bank_dialects
               WHERE bank_account_id = NEW.bank_account_id AND set_at <> NEW.set_at) THEN
        RAISE EXCEPTION 'T8-5: the files of a bank account are told already, two people correct it'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dialect_by_two AFTER INSERT ON office.bank_dialects
    FOR EACH ROW WHEN (NEW.corrected_by_first IS NULL) EXECUTE FUNCTION office.dialect_by_two();
CREATE TRIGGER written_once BEFORE UPDATE OF ended_at ON office.bank_dialects FOR EACH ROW
    WHEN (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
    EXECUTE FUNCTION office.written_once('ended_at');

-- What is dated ahead would stay the newest, and fresh, when it is long out of date (T4-3).
CREATE FUNCTION keiyaku.not_to_come() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text;
BEGIN
    FOREACH given IN ARRAY TG_ARGV LOOP
        -- a day is one of Japan's
        IF (SELECT CASE WHEN said ~ 'T' THEN said::timestamptz ELSE said::timestamp AT TIME ZONE 'Asia/Tokyo' END
            FROM (SELECT to_jsonb(NEW) ->> given AS said) AS x) > keiyaku.as_of('infinity') THEN
            RAISE EXCEPTION '% of %.% is yet to come', given, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER not_to_come BEFORE INSERT ON gate.review_items
    FOR EACH ROW EXECUTE FUNCTION keiyaku.not_to_come('obtained_on', 'recorded_at');
CREATE TRIGGER not_to_come BEFORE INSERT ON gate.reviewed_subjects
    FOR EACH ROW EXECUTE FUNCTION keiyaku.not_to_come('recorded_at');

-- However early an application is said to have ended, what it handed in is kept as long as two people adopted (R-5, T4-7).
CREATE FUNCTION office.archived() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.destroy_at := greatest(NEW.destroy_at, keiyaku.as_of('-infinity') + coalesce((
        SELECT make_interval(hours => 24 * nullif(r.value, 'destroy')::integer) FROM gate.readings r
        WHERE r.key = 'review.rejected_docs' AND r.effective_at <= statement_timestamp()
        ORDER BY r.effective_at DESC LIMIT 1), interval '0'));
    RETURN NEW;
END $$;
CREATE TRIGGER archived BEFORE INSERT ON office.application_ends FOR EACH ROW EXECUTE FUNCTION office.archived();
CREATE TRIGGER archived BEFORE INSERT OR UPDATE OF destroy_at ON office.documents FOR EACH ROW
    WHEN (NEW.destroy_at IS NOT NULL) EXECUTE FUNCTION office.archived();
REVOKE ALL ON FUNCTION gate.rejected_by_two, office.dialect_by_two, keiyaku.not_to_come, office.archived FROM PUBLIC;

-- two people add a tax rate to come, or remove it
GRANT EXECUTE ON FUNCTION gate.add_tax_rate, gate.remove_tax_rate TO keiyaku_operator, keiyaku_office;

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
ALTER TABLE ca.to_be_signed ADD COLUMN import_id uuid REFERENCES office.certificate_imports;
ALTER TABLE ca.to_be_signed
    ADD CONSTRAINT to_be_signed_admitted_or_imported CHECK (num_nonnulls(admission_id, import_id) = 1),
    ADD CONSTRAINT to_be_signed_imported_as_signed CHECK (import_id IS NULL OR state = 'signed');

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

GRANT SELECT, INSERT ON office.certificate_imports TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION ca.import_certificate, ca.import_serials TO keiyaku_operator;
-- a CRL that is made before `keiyaku check --restored` gives no number again either
GRANT EXECUTE ON FUNCTION keiyaku.cluster_identity TO keiyaku_sign;
