-- One person entered the rate by which every customer is billed, and nobody could take it back. Two people add a rate before
-- its day and may remove it until something was billed with it (T8-8). Who has no persons was written by the owner of the
-- table, as the rates of the law are, or before two people had to: no other role inserts.
ALTER TABLE gate.tax_rates DROP CONSTRAINT tax_rates_pkey,
    ALTER COLUMN effective_on SET NOT NULL,
    ADD COLUMN added_by_first uuid REFERENCES gate.persons,
    ADD COLUMN added_by_second uuid REFERENCES gate.persons,
    ADD COLUMN added_at timestamptz,
    ADD COLUMN removed_by_first uuid REFERENCES gate.persons,
    ADD COLUMN removed_by_second uuid REFERENCES gate.persons,
    ADD COLUMN removed_at timestamptz,
    ADD CONSTRAINT tax_rates_added_by_two CHECK (added_by_first <> added_by_second),
    ADD CONSTRAINT tax_rates_added_whole CHECK (num_nulls(added_by_first, added_by_second, added_at) IN (0, 3)),
    ADD CONSTRAINT tax_rates_removed_by_two CHECK (removed_by_first <> removed_by_second),
    ADD CONSTRAINT tax_rates_removed_whole CHECK (num_nulls(removed_by_first, removed_by_second, removed_at) IN (0, 3)),
    ADD CONSTRAINT tax_rates_before_its_day
        CHECK (effective_on > (greatest(added_at, removed_at) AT TIME ZONE 'Asia/Tokyo')::date);
CREATE UNIQUE INDEX tax_rates_of_day ON gate.tax_rates (effective_on) WHERE removed_at IS NULL;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON gate.tax_rates FOR EACH ROW EXECUTE FUNCTION
    gate.person_present('added_by_first', 'added_by_second', 'removed_by_first', 'removed_by_second');

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
REVOKE INSERT ON gate.tax_rates FROM keiyaku_operator, keiyaku_office;
GRANT EXECUTE ON FUNCTION gate.add_tax_rate, gate.remove_tax_rate TO keiyaku_operator, keiyaku_office;
