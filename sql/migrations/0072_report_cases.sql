-- What problem reports led to: a case over one of a report's contracts, or over its certificates or a key.
CREATE TABLE office.report_cases (
    case_id uuid PRIMARY KEY REFERENCES office.cases,
    report_id uuid NOT NULL REFERENCES office.problem_reports,
    contract_id uuid REFERENCES gate.contracts, -- null: certificates or a key
    UNIQUE NULLS NOT DISTINCT (report_id, contract_id)
);
INSERT INTO office.report_cases (case_id, report_id, contract_id)
SELECT p.case_id, p.id, c.contract_id FROM office.problem_reports p JOIN office.cases c ON c.id = p.case_id;
ALTER TABLE office.problem_reports DROP COLUMN case_id;
GRANT SELECT, INSERT ON office.report_cases TO keiyaku_office, keiyaku_operator;
