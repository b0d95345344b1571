-- name: document
-- When a document of the contract arrived. No row: it is another contract's, or destroyed. $1 id  $2 contract_id
SELECT recorded_at FROM office.documents WHERE id = $1 AND contract_id = $2 AND destroyed_at IS NULL;

-- name: subjects
-- What live certificates of the contract say, and what its next one would: reviewed subjects. $1 contract_id  $2 now
SELECT DISTINCT j.organization, j.country, j.state_or_province, j.locality
FROM (
    SELECT $2::timestamptz AS at
    UNION ALL
    SELECT t.created_at FROM acme.living($1, $2) AS t
) l
CROSS JOIN LATERAL (
    SELECT s.organization, s.country, s.state_or_province, s.locality FROM gate.reviewed_subjects s
    WHERE s.contract_id = $1 AND s.recorded_at <= l.at ORDER BY s.recorded_at DESC LIMIT 1) j;

-- name: together
-- Of the contract and of the customer's others that may ask for certificates, now or once accepted. $1 contract_id
SELECT o.number FROM gate.contracts c JOIN gate.contracts o ON o.customer_id = c.customer_id
WHERE c.id = $1 AND (o.id = c.id OR o.state NOT IN ('withdrawn', 'rejected', 'ended')) ORDER BY o.number;

-- name: beside
-- The customer's other contracts that may ask for certificates. $1 contract_id
SELECT o.id, o.number FROM gate.contracts c JOIN gate.contracts o ON o.customer_id = c.customer_id AND o.id <> c.id
WHERE c.id = $1 AND o.state = 'accepted' ORDER BY o.number;

-- name: insert
-- $1 id  $2 contract_id  $3 item  $4 organization  $5 state_or_province  $6 locality  $7 document_id  $8 block_id
-- $9 handling  $10 succeeded_on  $11 late_case_id  $12 reported_by  $13 arrived_at
INSERT INTO office.change_reports (id, contract_id, item, organization, state_or_province, locality, document_id,
    block_id, handling, succeeded_on, late_case_id, reported_by, arrived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: report
-- $1 id
SELECT r.id, c.id AS contract_id, c.number, c.handle AS contract, r.item, r.handling, r.arrived_at, r.confirmed_at,
    r.done_at, r.succeeded_on, r.late_case_id, r.block_id
FROM office.change_reports r JOIN gate.contracts c ON c.id = r.contract_id WHERE r.id = $1;

-- name: reports
-- Of a contract, or all that are not done, the earliest arrived first. $1 contract_id, or null  $2 most
-- $3 after this one, or null
SELECT r.id, c.id AS contract_id, c.number, c.handle AS contract, r.item, r.handling, r.arrived_at, r.confirmed_at,
    r.done_at, r.succeeded_on, r.late_case_id, r.block_id
FROM office.change_reports r JOIN gate.contracts c ON c.id = r.contract_id
WHERE CASE WHEN $1::uuid IS NULL THEN r.done_at IS NULL ELSE r.contract_id = $1 END
    AND ($3::uuid IS NULL OR (r.arrived_at, r.id) > (SELECT arrived_at, id FROM office.change_reports WHERE id = $3))
ORDER BY r.arrived_at, r.id LIMIT $2;

-- name: confirm
-- No row: confirmed before. $1 id  $2 person  $3 source  $4 now
UPDATE office.change_reports SET confirmed_at = $4, confirmed_by = $2, confirmed_from = $3
WHERE id = $1 AND confirmed_at IS NULL RETURNING id;

-- name: finish
-- No row: not confirmed yet, or done before. $1 id  $2 person  $3 now
UPDATE office.change_reports SET done_at = $3, done_by = $2
WHERE id = $1 AND confirmed_at IS NOT NULL AND done_at IS NULL RETURNING id;

-- name: new_contract
-- Whether a contract that came of a change was accepted, behind a renewal also. $1 contract_id
WITH RECURSIVE later AS (
    SELECT id, link, accepted_at FROM gate.contracts WHERE predecessor_id = $1
    UNION ALL SELECT n.id, n.link, n.accepted_at FROM later l JOIN gate.contracts n ON n.predecessor_id = l.id
)
SELECT EXISTS (SELECT FROM later WHERE link = 'change' AND accepted_at IS NOT NULL);

-- name: of_block
-- What certificates have to say by a confirmed report, whose block this is. $1 block_id
SELECT organization, state_or_province, locality FROM office.change_reports
WHERE block_id = $1 AND confirmed_at IS NOT NULL;

-- name: rename
-- The customer of a contract has this name from now on; papers made before keep theirs. $1 contract_id  $2 name
UPDATE gate.customers c SET name = $2 FROM gate.contracts t WHERE t.id = $1 AND c.id = t.customer_id;

-- name: represent
-- $1 contract_id  $2 representative
UPDATE office.applications SET representative = $2 WHERE contract_id = $1;

-- name: screen
-- A new representative is screened (T13-1). $1 id  $2 contract_id  $3 name  $4 now
INSERT INTO office.screenings (id, contract_id, role, subject, added_at) VALUES ($1, $2, 'representative', $3, $4)
ON CONFLICT DO NOTHING;
