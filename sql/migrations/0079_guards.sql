-- What a role could do with its password alone although no use case does it: an invoice of another day, reports without a
-- limit, partitions without end, an application rejected by nobody, another's bank files read as one person says, a review
-- dated ahead, and documents destroyed before the day that two people adopted.

CREATE OR REPLACE FUNCTION keiyaku.ensure_partitions(at timestamptz, months integer) RETURNS integer
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

CREATE OR REPLACE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
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

CREATE OR REPLACE FUNCTION office.take_report(network text, at timestamptz) RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT acme.take(NULL, ARRAY['problem_reports'], ARRAY[network], ARRAY[20], ARRAY[interval '1 hour'],
        keiyaku.as_of(at))
$$;

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
