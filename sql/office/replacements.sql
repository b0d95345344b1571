-- Statements of office/storage/replacements.py: certificates that show what is no longer so, and are replaced.

-- name: replaced
-- Live certificates of open cases of certificate information that the CA knows as changed, each of whose names stands in one
-- living certificate of a contract that followed because of a change, behind a renewal or with renewals behind it also; by case
-- and serial. $1 now  $2 most
SELECT c.id AS case_id, t.serial, t.names, t.not_after, t.spki_sha256, k.id AS contract_id, k.handle AS contract
FROM office.cases c CROSS JOIN LATERAL gate.concerned(c.contract_id, c.customer_id, c.received_at) AS k
CROSS JOIN LATERAL acme.living(k.id, $1) AS t
WHERE c.ground = 'change_learned' AND c.state = 'open'
  AND EXISTS (
      WITH RECURSIVE later AS (
          SELECT d.id, d.link = 'change' AS changed FROM gate.contracts d WHERE d.predecessor_id = k.id
          UNION ALL SELECT d.id, l.changed OR d.link = 'change' FROM later l JOIN gate.contracts d ON d.predecessor_id = l.id)
      SELECT FROM later n
      JOIN acme.issuances o ON o.contract_id = n.id
      JOIN ca.certificates f ON f.id = o.to_be_signed_id
      JOIN ca.to_be_signed u ON u.id = f.id
      WHERE n.changed AND u.names @> t.names AND u.not_after > $1
        AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = u.serial))
ORDER BY c.id, t.serial LIMIT $2;

-- name: left
-- Whether a certificate of the contracts of a case still shows what is no longer so. $1 case_id  $2 now
SELECT EXISTS (
    SELECT FROM office.cases c
    CROSS JOIN LATERAL gate.concerned(c.contract_id, c.customer_id, c.received_at) AS k
    CROSS JOIN LATERAL acme.living(k.id, $2) AS t
    WHERE c.id = $1);
