-- Statements of office/storage/reports.py: problem reports (C-161, C-162).

-- name: insert
-- $1 id  $2 reporter  $3 email  $4 what  $5 serials  $6 received_at  $7 taken_by
INSERT INTO office.problem_reports (id, reporter, email, what, serials, received_at, taken_by)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: reports
-- One, or those that are open, or all; earliest receipt first. $1 id, or null  $2 closed ones too  $3 most
-- $4 after this one, or null
SELECT p.id, p.reporter, p.email, p.what, p.serials, p.received_at, p.preliminary_at, p.findings, p.closed_at,
    ARRAY(SELECT x.case_id FROM office.report_cases x WHERE x.report_id = p.id ORDER BY x.case_id) AS case_ids,
    coalesce((SELECT array_agg(DISTINCT i.contract_id) FROM ca.serials s
              JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id WHERE s.serial = ANY (p.serials)), '{}')
        AS contract_ids
FROM office.problem_reports p
WHERE ($1::uuid IS NULL OR p.id = $1) AND ($1 IS NOT NULL OR $2 OR p.closed_at IS NULL)
    AND ($4::uuid IS NULL OR (p.received_at, p.id) > (SELECT x.received_at, x.id FROM office.problem_reports x WHERE x.id = $4))
ORDER BY p.received_at, p.id LIMIT $3;

-- name: unknown_serials
-- Those of which this CA issued nothing. $1 serials
SELECT g.serial FROM unnest($1::bytea[]) AS g(serial) WHERE NOT EXISTS (SELECT FROM ca.serials s WHERE s.serial = g.serial);

-- name: answer
-- No row: answered before. $1 id  $2 findings  $3 answered_by  $4 now
UPDATE office.problem_reports SET preliminary_at = $4, findings = $2, answered_by = $3
WHERE id = $1 AND preliminary_at IS NULL RETURNING id;

-- name: lead
-- No row: it led to a case over that before. $1 id  $2 case_id  $3 contract_id, or null: certificates or a key
INSERT INTO office.report_cases (report_id, case_id, contract_id) VALUES ($1, $2, $3)
ON CONFLICT (report_id, contract_id) DO NOTHING RETURNING case_id;

-- name: close
-- No row: not answered, or closed before. $1 id  $2 now
UPDATE office.problem_reports SET closed_at = $2 WHERE id = $1 AND preliminary_at IS NOT NULL AND closed_at IS NULL
RETURNING id;

-- name: count
-- Whether a network may hand in one more report now, which is counted. $1 network  $2 now
SELECT office.take_report($1, $2);
