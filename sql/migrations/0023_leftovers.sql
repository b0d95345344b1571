-- Evidence of invoices' notices; holidays that people take back; what bank data is missing; compromises told of late.

-- Invoices put their notice into the outbox themselves, in the transaction that stores a certificate: its evidence, which
-- office/use_cases/notify.py gives every other notice (T5-5).
CREATE FUNCTION office.invoice_notice_queued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(NEW.queued_at), 'notice.queued', NEW.contract_id, 'process:billing', NEW.queued_at,
        convert_to(jsonb_build_object('rule', CASE NEW.kind WHEN 'invoice_issued' THEN 'T8-3' ELSE 'T8-11' END,
            'clause', NEW.clause, 'notice', NEW.id, 'notice_kind', NEW.kind)::text, 'UTF8'));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION office.invoice_notice_queued FROM PUBLIC;
CREATE TRIGGER invoice_notice_queued AFTER INSERT ON office.notices FOR EACH ROW
    WHEN (NEW.kind IN ('invoice_issued', 'difference_invoice_issued')) EXECUTE FUNCTION office.invoice_notice_queued();

-- People take a day back; the daily job then leaves it so (T8-4).
ALTER TABLE gate.holidays ADD COLUMN removed_at timestamptz;

CREATE INDEX notices_bank_data ON office.notices ((given ->> 'covered_through')) WHERE kind = 'bank_data_missing';
CREATE INDEX bank_files_unfinished ON office.bank_files (imported_at) WHERE booked_at IS NULL;

-- Who had the code changed to keyCompromise later, and when.
ALTER TABLE ca.revocations ADD COLUMN upgraded_by text, ADD COLUMN upgraded_at timestamptz;

-- A request through ACME that proves a compromise after the revocation changes its code alone: a case of its own (T11-8).
CREATE FUNCTION office.upgraded_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at) VALUES (NEW.serial, NEW.upgraded_at)
    ON CONFLICT (serial) DO UPDATE SET recorded_at = excluded.recorded_at, taken_at = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER upgraded_through_acme AFTER UPDATE OF upgraded_at ON ca.revocations
    FOR EACH ROW WHEN (NEW.upgraded_by LIKE 'account:%' OR NEW.upgraded_by LIKE 'key:%')
    EXECUTE FUNCTION office.upgraded_through_acme();
REVOKE ALL ON FUNCTION office.upgraded_through_acme FROM PUBLIC;

-- holidays by people
GRANT UPDATE (name, removed_at) ON gate.holidays TO keiyaku_operator;
GRANT UPDATE (upgraded_by, upgraded_at) ON ca.revocations TO keiyaku_acme, keiyaku_operator, keiyaku_office;
