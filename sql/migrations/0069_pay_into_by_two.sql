-- Who issues invoices, and into which account they are paid, was one person's to set: whoever could turned all customers'
-- money to themselves. Two people set it, and the account is told field by field. A line of text, set by one, goes: no
-- invoice names it, and `keiyaku check` asks for an issuer that two people set.
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
GRANT SELECT, INSERT ON office.transfer_accounts TO keiyaku_operator, keiyaku_office;

ALTER TABLE office.sellers DROP CONSTRAINT sellers_pay_into_check;
ALTER TABLE office.sellers ALTER COLUMN pay_into TYPE uuid USING NULL;
ALTER TABLE office.sellers ADD CONSTRAINT sellers_pay_into_fkey FOREIGN KEY (pay_into) REFERENCES office.transfer_accounts,
    ADD COLUMN confirmed_by uuid REFERENCES gate.persons,
    ADD CONSTRAINT sellers_by_two CHECK (confirmed_by IS NOT NULL AND confirmed_by <> set_by) NOT VALID;
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON office.sellers
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('set_by', 'confirmed_by');
ALTER TABLE office.invoice_papers ADD COLUMN pay_into uuid REFERENCES office.transfer_accounts;

-- An invoice with its frozen paper, and its notice: all or none. The names of buyer, payer and dealer, the seller that two
-- people set and the account to pay into are those of this moment. Under a dealer the paper goes to that relation (T8-16);
-- the buyer stays the customer (T8-14).
CREATE OR REPLACE FUNCTION gate.issue_invoice(contract uuid, invoice_kind text, issued date, original text, bill gate.bill_drafts,
    at timestamptz, asked integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    invoice uuid := keiyaku.uuid7(at);
    paper text := gate.next_number(CASE invoice_kind WHEN 'fee' THEN 'F' ELSE 'D' END);
    -- of a difference only the tax that was not billed yet is asked
    total integer := coalesce(asked, (SELECT sum(x) FROM unnest(bill.bases || bill.taxes) x));
    -- whom the paper names; the customer unless a reading says otherwise (T8-14)
    names text := (SELECT r.value FROM gate.readings r WHERE r.key = 'invoice.names' AND r.effective_at <= at
                   ORDER BY r.effective_at DESC LIMIT 1);
BEGIN
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at, dealer)
    SELECT invoice, contract, paper, invoice_kind, issued, bill.due_on, total, total, at,
        (SELECT a.dealer FROM office.applications a WHERE a.contract_id = contract);
    INSERT INTO office.invoice_papers (invoice_id, original_number, seller, seller_address, registration_number, buyer,
        payer, dealer, period_from, period_end, rates, months, bases, taxes, pay_into)
    SELECT invoice, original, s.name, s.address, s.registration_number,
        coalesce(CASE names WHEN 'payer' THEN a.payer END, u.name), a.payer, a.dealer, bill.period_from, bill.period_end,
        bill.rates, bill.months, bill.bases, bill.taxes, s.pay_into
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
    LEFT JOIN office.applications a ON a.contract_id = c.id
    LEFT JOIN LATERAL (SELECT * FROM office.sellers e WHERE e.effective_at <= at AND e.confirmed_by IS NOT NULL
        ORDER BY e.effective_at DESC LIMIT 1) s ON true
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

-- A bank account is closed from a day on: days after the one before it are not awaited any more (T8-6).
ALTER TABLE gate.bank_accounts ADD COLUMN closed_from date,
    ADD COLUMN closed_by_first uuid REFERENCES gate.persons,
    ADD COLUMN closed_by_second uuid REFERENCES gate.persons,
    ADD COLUMN awaited_after date GENERATED ALWAYS AS (
        CASE WHEN covered_through >= closed_from - 1 THEN NULL ELSE covered_through END) STORED,
    ADD CONSTRAINT bank_accounts_closed_by_two CHECK (closed_by_first <> closed_by_second),
    ADD CONSTRAINT bank_accounts_closed_whole CHECK (num_nulls(closed_from, closed_by_first, closed_by_second) IN (0, 3));
CREATE TRIGGER person_present BEFORE INSERT OR UPDATE ON gate.bank_accounts
    FOR EACH ROW EXECUTE FUNCTION gate.person_present('closed_by_first', 'closed_by_second');
GRANT UPDATE (closed_from, closed_by_first, closed_by_second) ON gate.bank_accounts TO keiyaku_office;
GRANT SELECT (awaited_after) ON gate.bank_accounts TO keiyaku_sign;

-- a contract's number at the bank, for its invoices
CREATE INDEX virtual_accounts_of_contract ON office.virtual_accounts (contract_id);

-- what two people correct through the API as with the command
GRANT UPDATE (ended_at) ON office.bank_dialects TO keiyaku_office;

-- Receipts of which something pays nothing (仮受金) are found by an index, not by reading all there ever were: a sweep marks
-- those of which nothing is left.
ALTER TABLE gate.receipts ADD COLUMN spent boolean NOT NULL DEFAULT false;
CREATE INDEX receipts_unspent ON gate.receipts (value_on, id) WHERE NOT spent;
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
GRANT UPDATE (spent) ON gate.receipts TO keiyaku_office;

-- What the fees earn is carried over, so that the schedule reads months and what is new, not every fee there ever was.
ALTER TABLE office.invoice_papers ADD COLUMN carried boolean NOT NULL DEFAULT false;
ALTER TABLE office.adjustments ADD COLUMN carried boolean NOT NULL DEFAULT false;
CREATE INDEX invoice_papers_uncarried ON office.invoice_papers (invoice_id) WHERE NOT carried;
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
GRANT SELECT ON office.earnings, office.uncarried TO keiyaku_office, keiyaku_operator;
GRANT INSERT, UPDATE (part_yen, last_yen) ON office.earnings TO keiyaku_office;
GRANT UPDATE (carried) ON office.invoice_papers, office.adjustments TO keiyaku_office;
