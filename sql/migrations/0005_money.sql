-- Money: tax rates, invoices that the store of the first certificate makes, adjustments, refunds, closed months (articles 8, 9).
ALTER TABLE gate.invoices ADD COLUMN dealer text;
ALTER TABLE gate.invoices ADD COLUMN dealer_states_default boolean NOT NULL DEFAULT false;

-- Consumption tax by the day a service is complete (T8-8), in basis points. Future rows come before they take effect.
CREATE TABLE gate.tax_rates (
    effective_on date PRIMARY KEY,
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 0 AND 10000)
);
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

-- Who issues invoices: the newest row in effect is frozen into each.
CREATE TABLE office.sellers (
    effective_at timestamptz PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    address text NOT NULL,
    registration_number text NOT NULL CHECK (registration_number ~ '^T[1-9][0-9]{12}$'),
    set_by uuid NOT NULL REFERENCES gate.persons
);

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
    taxes integer[] NOT NULL
);

-- What two people took off an invoice: a credit invoice (適格返還請求書), a write-off, a small difference.
CREATE TABLE office.adjustments (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES gate.invoices,
    kind text NOT NULL CHECK (kind IN ('credit', 'write_off', 'small_difference')),
    number text UNIQUE,
    amount_yen integer NOT NULL CHECK (amount_yen > 0),
    tax_yen integer NOT NULL DEFAULT 0 CHECK (tax_yen BETWEEN 0 AND amount_yen),
    basis_points integer,
    reason text NOT NULL,
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second),
    CHECK ((kind = 'credit') = (number IS NOT NULL)),
    CHECK ((kind = 'credit') = (basis_points IS NOT NULL))
);
CREATE INDEX adjustments_of_invoice ON office.adjustments (invoice_id);

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

-- Closed months: what is recorded later is dated in the month that is open then.
CREATE TABLE office.closed_months (
    month date PRIMARY KEY CHECK (month = date_trunc('month', month)),
    closed_by uuid NOT NULL REFERENCES gate.persons,
    closed_at timestamptz NOT NULL
);

-- Reminders sent, so that no sweep sends one twice (T8-17).
CREATE TABLE office.reminders (
    invoice_id uuid NOT NULL REFERENCES gate.invoices,
    kind text NOT NULL CHECK (kind IN ('payment_reminder', 'payment_overdue')),
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, kind)
);

-- A UUIDv7 of an instant.
CREATE FUNCTION keiyaku.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE STRICT SET search_path = pg_catalog AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- The next number of a series, as F00000001. Held until the transaction ends: a rollback gives it back.
CREATE FUNCTION gate.next_number(wanted text) RETURNS text LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog AS $$
    UPDATE office.number_series SET last_number = last_number + 1 WHERE series = wanted
    RETURNING series || lpad(last_number::text, 8, '0')
$$;

-- What of invoices is open follows from their matches and from what two people took off; nobody may write it.
CREATE FUNCTION gate.recount(billed uuid[]) RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog AS $$
    UPDATE gate.invoices i SET open_yen = i.total_yen - off.yen FROM (
        SELECT wanted.id, coalesce(sum(taken.amount_yen), 0) AS yen FROM unnest(billed) AS wanted(id) LEFT JOIN (
            SELECT m.invoice_id, m.amount_yen FROM gate.payment_matches m JOIN gate.receipts r ON r.id = m.receipt_id
            WHERE m.invoice_id = ANY (billed) AND m.undone_at IS NULL AND r.cancelled_at IS NULL
            UNION ALL SELECT a.invoice_id, a.amount_yen FROM office.adjustments a WHERE a.invoice_id = ANY (billed)
        ) AS taken ON taken.invoice_id = wanted.id GROUP BY wanted.id) AS off
    WHERE i.id = off.id AND i.id = ANY (billed)
$$;

CREATE FUNCTION gate.adjusted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM gate.invoices WHERE id = NEW.invoice_id FOR UPDATE;
    PERFORM gate.recount(ARRAY[NEW.invoice_id]);
    RETURN NULL;
END $$;
CREATE TRIGGER adjusted AFTER INSERT ON office.adjustments FOR EACH ROW EXECUTE FUNCTION gate.adjusted();

-- No more leaves a receipt than came in: by matches and by refunds.
CREATE FUNCTION gate.refunded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM gate.receipts WHERE id = NEW.receipt_id FOR UPDATE;
    IF gate.used_of(NEW.receipt_id) > (SELECT amount_yen FROM gate.receipts
                                       WHERE id = NEW.receipt_id AND cancelled_at IS NULL) IS NOT FALSE THEN
        RAISE EXCEPTION 'receipt % does not hold that much', NEW.receipt_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refunded AFTER INSERT ON office.refunds FOR EACH ROW EXECUTE FUNCTION gate.refunded();

CREATE FUNCTION gate.used_of(receipt uuid) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce((SELECT sum(amount_yen) FROM gate.payment_matches WHERE receipt_id = receipt AND undone_at IS NULL), 0)
         + coalesce((SELECT sum(amount_yen) FROM office.refunds WHERE receipt_id = receipt), 0)
$$;

-- An invoice with its frozen paper, and its notice: all or none. The names of buyer, payer and dealer, and the seller
-- are those of this moment. Under a dealer the paper goes to that relation (T8-16); the buyer stays the customer (T8-14).
CREATE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    invoice uuid := keiyaku.uuid7(at);
    paper text := gate.next_number(CASE invoice_kind WHEN 'fee' THEN 'F' ELSE 'D' END);
    -- of a difference only the tax that was not billed yet is asked
    total integer := (SELECT sum(t) FROM unnest(bill.taxes) t) + CASE invoice_kind
        WHEN 'fee' THEN (SELECT sum(b) FROM unnest(bill.bases) b)
        ELSE -(SELECT coalesce(sum(CASE i.kind WHEN 'fee' THEN (SELECT sum(t) FROM unnest(p.taxes) t) ELSE i.total_yen END), 0)
               FROM gate.invoices i JOIN office.invoice_papers p ON p.invoice_id = i.id WHERE i.contract_id = contract) END;
BEGIN
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at, dealer)
    SELECT invoice, contract, paper, invoice_kind, issued, bill.due_on, total, total, at,
        (SELECT a.dealer FROM office.applications a WHERE a.contract_id = contract);
    INSERT INTO office.invoice_papers (invoice_id, original_number, seller, seller_address, registration_number, buyer,
        payer, dealer, period_from, period_end, rates, months, bases, taxes)
    SELECT invoice, original, s.name, s.address, s.registration_number, u.name, a.payer, a.dealer, bill.period_from,
        bill.period_end, bill.rates, bill.months, bill.bases, bill.taxes
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
    LEFT JOIN office.applications a ON a.contract_id = c.id
    LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= at ORDER BY e.effective_at DESC LIMIT 1) s
        ON true
    WHERE c.id = contract;
    INSERT INTO office.notices (id, kind, clause, contract_id, given, queued_at)
    VALUES (keiyaku.uuid7(at), CASE invoice_kind WHEN 'fee' THEN 'invoice_issued' ELSE 'difference_invoice_issued' END,
        'A8.1', contract, jsonb_build_object('invoice', paper, 'total_yen', total::text, 'due_on', bill.due_on::text), at);
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(at), 'invoice.issued', contract, 'process:billing', at, convert_to(jsonb_build_object(
        'rule', CASE invoice_kind WHEN 'fee' THEN 'T8-3' ELSE 'T8-11' END, 'clause', 'A8.1', 'invoice', paper,
        'issued_on', issued, 'due_on', bill.due_on, 'total_yen', total, 'rates', bill.rates, 'bases', bill.bases,
        'taxes', bill.taxes)::text, 'UTF8'));
    RETURN paper;
END $$;

-- The fee of a contract falls due by the signing of its first final certificate, once (T8-3). None for a fee of 0, nor
-- where the fee was billed by hand before. Without a draft of that day nothing is stored: no certificate goes unbilled.
CREATE FUNCTION gate.bill_start(contract uuid, signed_at timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
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

DROP TRIGGER open_amount ON gate.payment_matches;
-- Once a statement, so that a batch of bookings costs one look: no receipt is spent twice nor after its cancellation, and
-- what is open follows. Rows are locked in the order of ids, so that two bookings never wait for each other.
CREATE OR REPLACE FUNCTION gate.open_amount() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    billed uuid[];
    paying uuid[];
    spent uuid;
BEGIN
    SELECT array_agg(DISTINCT invoice_id), array_agg(DISTINCT receipt_id) FILTER (WHERE undone_at IS NULL)
    INTO billed, paying FROM changed;
    PERFORM FROM gate.invoices WHERE id = ANY (billed) ORDER BY id FOR UPDATE;
    PERFORM FROM gate.receipts WHERE id = ANY (paying) ORDER BY id FOR UPDATE;
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

-- also bills the start of a contract
CREATE OR REPLACE FUNCTION acme.certificate_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    issuance acme.issuances;
BEGIN
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

REVOKE ALL ON FUNCTION keiyaku.uuid7, gate.next_number, gate.recount, gate.adjusted, gate.refunded, gate.used_of,
    gate.issue_invoice, gate.bill_start FROM PUBLIC;
GRANT SELECT ON gate.tax_rates, gate.bill_drafts TO keiyaku_acme;
GRANT SELECT ON gate.tax_rates, gate.bill_drafts TO keiyaku_work;
GRANT SELECT ON gate.tax_rates, gate.bill_drafts TO keiyaku_operator;
-- money: the ACME door drafts what the first certificate will cost, the signer's transaction makes it an invoice
GRANT INSERT, UPDATE ON gate.bill_drafts TO keiyaku_acme, keiyaku_work;
GRANT INSERT ON gate.tax_rates TO keiyaku_operator;
GRANT UPDATE (dealer_states_default) ON gate.invoices TO keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.next_number, gate.issue_invoice, gate.used_of TO keiyaku_operator, keiyaku_office;
GRANT SELECT ON office.number_series, office.invoice_papers TO keiyaku_office, keiyaku_operator;
GRANT SELECT, INSERT ON office.sellers, office.adjustments, office.refunds, office.closed_months TO keiyaku_operator;
GRANT SELECT, INSERT ON office.reminders TO keiyaku_office, keiyaku_operator;
GRANT SELECT ON gate.invoices, gate.tax_rates, gate.readings, gate.holidays, gate.bank_accounts TO keiyaku_office;
