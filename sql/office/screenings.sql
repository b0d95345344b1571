-- name: add
-- No row: that subject is screened already.
-- $1 id  $2 contract_id  $3 role  $4 subject  $5 now
INSERT INTO office.screenings (id, contract_id, role, subject, added_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (contract_id, role, subject) DO NOTHING
RETURNING id;

-- name: screening
-- $1 id
SELECT s.id, s.contract_id, c.number, s.verdict
FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id WHERE s.id = $1;

-- name: record
-- The answer, from the lists of `source`. $1 ids  $2 verdict  $3 source  $4 grounds, or null  $5 checked_by  $6 now
UPDATE office.screenings SET verdict = $2, source = $3, grounds = $4, checked_by = $5, checked_at = $6
WHERE id = ANY ($1::uuid[]);

-- name: screenings
-- Neither source nor grounds (T13-3). $1 only pending ones  $2 most
SELECT s.id, c.handle AS contract, s.role, s.subject, s.added_at, s.checked_at
FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id
WHERE NOT $1::boolean OR s.verdict = 'pending'
ORDER BY s.added_at, s.id LIMIT $2;

-- name: screenings_of
-- The same of a contract. $1 contract_id  $2 only pending ones  $3 most  $4 after this one, or null
SELECT s.id, c.handle AS contract, s.role, s.subject, s.added_at, s.checked_at
FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id
WHERE s.contract_id = $1 AND (NOT $2::boolean OR s.verdict = 'pending')
    AND ($4::uuid IS NULL OR (s.added_at, s.id) > (SELECT x.added_at, x.id FROM office.screenings x WHERE x.id = $4))
ORDER BY s.added_at, s.id LIMIT $3;

-- name: findings
-- For the role keiyaku_compliance alone. $1 most
SELECT s.id, c.handle AS contract, s.role, s.subject, s.verdict, s.source, s.grounds, p.handle AS checked_by, s.checked_at
FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id LEFT JOIN gate.persons p ON p.id = s.checked_by
ORDER BY s.added_at, s.id LIMIT $1;

-- name: findings_of
-- The same of a contract. $1 contract_id  $2 most  $3 after this one, or null
SELECT s.id, c.handle AS contract, s.role, s.subject, s.verdict, s.source, s.grounds, p.handle AS checked_by, s.checked_at
FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id LEFT JOIN gate.persons p ON p.id = s.checked_by
WHERE s.contract_id = $1
    AND ($3::uuid IS NULL OR (s.added_at, s.id) > (SELECT x.added_at, x.id FROM office.screenings x WHERE x.id = $3))
ORDER BY s.added_at, s.id LIMIT $2;
