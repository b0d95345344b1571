-- The notice of a contract's formation, and when it left: no certificate before (T4-5, R-4). Of contracts that were formed
-- before there is none.
CREATE TABLE gate.formation_notices (
    contract_id uuid PRIMARY KEY REFERENCES gate.contracts,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    dispatched_at timestamptz -- handed to the mail server, or posted; null: not yet
);
CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.formation_notices
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed('contract_id');
GRANT SELECT ON gate.formation_notices TO keiyaku_acme, keiyaku_work, keiyaku_office, keiyaku_operator;
GRANT INSERT ON gate.formation_notices TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (dispatched_at) ON gate.formation_notices TO keiyaku_office, keiyaku_operator;
GRANT SELECT (contract_id, dispatched_at) ON gate.formation_notices TO keiyaku_sign;
