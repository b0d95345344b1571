-- Statements of office/storage/case_notices.py: the notices before revoking.

-- name: insert_notice
-- That before revoking (T11-5), or why it is not before. $1 case_id  $2 contract_id  $3 notice_id  $4 why
INSERT INTO office.case_notices (case_id, contract_id, notice_id, late) VALUES ($1, $2, $3, $4);

-- name: untold
-- Contracts of what `live` finds whose customers the case has not told, how many of it, the first 20 serials of it. $1 case_id  $2 contract ids
-- $3 spki_sha256, or null  $4 serials  $5 issuer, or null  $6 now  $7 a code that revoked ones shall have, or null
WITH chosen AS (
    SELECT i.to_be_signed_id AS id FROM acme.issuances i WHERE i.contract_id = ANY ($2::uuid[])
    UNION SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $3
    UNION SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $3
    UNION SELECT s.to_be_signed_id FROM ca.serials s WHERE s.serial = ANY ($4::bytea[])
    UNION SELECT m.id FROM ca.to_be_signed m WHERE m.issuer_id = $5 AND m.not_after > $6
), found AS (
    SELECT k.id, k.number, t.serial, row_number() OVER (PARTITION BY k.id ORDER BY t.serial) AS place
    FROM chosen JOIN ca.to_be_signed t ON t.id = chosen.id
    JOIN acme.issuances i ON i.to_be_signed_id = t.id JOIN gate.contracts k ON k.id = i.contract_id
    LEFT JOIN ca.revocations r ON r.serial = t.serial
    WHERE (t.state <> 'void' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id)) AND t.not_after > $6
      AND (r.serial IS NULL OR ($7::smallint IS NOT NULL AND r.reason IS DISTINCT FROM $7))
      AND NOT EXISTS (SELECT FROM office.case_notices n WHERE n.case_id = $1 AND n.contract_id = k.id)
)
SELECT id, count(*) AS certificates, array_agg(serial ORDER BY serial) FILTER (WHERE place <= 20) AS serials
FROM found GROUP BY id, number ORDER BY number;

-- name: notices_before
-- Notices before revoking, and whether every delivery of each has left us. $1 case_id
SELECT t.contract_id, n.queued_at, n.addressed_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.state IN ('waiting', 'person')) AS left_us
FROM office.case_notices t JOIN office.notices n ON n.id = t.notice_id WHERE t.case_id = $1;

-- name: set_late
-- Certificates of these contracts were revoked while the notice had not left. $1 case_id  $2 contract ids  $3 why
UPDATE office.case_notices SET late = $3 WHERE case_id = $1 AND contract_id = ANY ($2::uuid[]) AND late IS NULL;
