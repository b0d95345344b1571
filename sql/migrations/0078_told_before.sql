-- Each customer of a case is told before its own certificates go (T11-5), so each contract has its own notice of the case.
CREATE TABLE office.case_notices (
    case_id uuid NOT NULL REFERENCES office.cases,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    late text CHECK (late IN ('not sent before revoking', 'revoked at once, as ACME demands',
        'the code changed at once, as ACME demands')), -- null: it left before, or is on its way
    PRIMARY KEY (case_id, contract_id)
);
INSERT INTO office.case_notices (case_id, contract_id, notice_id, late)
SELECT c.id, n.contract_id, n.id, c.notice_failed
FROM office.cases c JOIN office.notices n ON n.id = c.notice_id WHERE n.contract_id IS NOT NULL;
ALTER TABLE office.cases DROP COLUMN notice_id, DROP COLUMN notice_failed;
GRANT SELECT, INSERT, UPDATE (late) ON office.case_notices TO keiyaku_office, keiyaku_operator;

-- What ACME did to a certificate, a row each: the revocation, and a later change of its code to keyCompromise. Each with
-- who asked and the code asked for, so that what comes later hides nothing of it.
ALTER TABLE office.acme_revocations ADD COLUMN upgrade boolean NOT NULL DEFAULT false, ADD COLUMN requested_by text,
    ADD COLUMN reason smallint CHECK (reason IN (1, 3, 4, 5)), DROP CONSTRAINT acme_revocations_pkey,
    ADD PRIMARY KEY (serial, upgrade);
UPDATE office.acme_revocations a SET requested_by = r.requested_by, recorded_at = r.revoked_at,
    reason = CASE WHEN r.upgraded_at IS NULL THEN r.reason END
FROM ca.revocations r WHERE r.serial = a.serial AND r.requested_by ~ '^(account|key):';
UPDATE office.acme_revocations a SET upgrade = true, requested_by = r.upgraded_by, recorded_at = r.upgraded_at, reason = 1
FROM ca.revocations r WHERE r.serial = a.serial AND a.requested_by IS NULL;
INSERT INTO office.acme_revocations (serial, recorded_at, taken_at, upgrade, requested_by, reason)
SELECT a.serial, r.upgraded_at, a.taken_at, true, r.upgraded_by, 1
FROM office.acme_revocations a JOIN ca.revocations r USING (serial)
WHERE NOT a.upgrade AND r.upgraded_by ~ '^(account|key):';
UPDATE office.acme_revocations a SET taken_at = x.taken_at FROM (
    SELECT u.serial, u.recorded_at AS taken_at FROM office.acme_revocations u WHERE u.upgrade AND u.taken_at IS NULL
      AND EXISTS (SELECT FROM office.case_certificates c WHERE c.serial = u.serial)) x
WHERE a.serial = x.serial AND NOT a.upgrade;
ALTER TABLE office.acme_revocations ALTER COLUMN requested_by SET NOT NULL, ALTER COLUMN upgrade DROP DEFAULT;

CREATE OR REPLACE FUNCTION office.revoked_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at, upgrade, requested_by, reason)
    VALUES (NEW.serial, NEW.revoked_at, false, NEW.requested_by, NEW.reason);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION office.upgraded_through_acme() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO office.acme_revocations (serial, recorded_at, upgrade, requested_by, reason)
    VALUES (NEW.serial, NEW.upgraded_at, true, NEW.upgraded_by, NEW.reason);
    RETURN NULL;
END $$;
