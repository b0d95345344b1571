-- Statements of office/storage/key_proofs.py: keys proven to be compromised (C-076, C-162, C-163).

-- name: insert
-- $1 id  $2 spki  $3 spki_sha256  $4 kind  $5 proof  $6 reporter  $7 email  $8 received_at  $9 case_id, or null
INSERT INTO office.key_proofs (id, spki, spki_sha256, kind, proof, reporter, email, received_at, case_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: to_revoke
-- Certificates and precertificates of the key that have not expired and of which no CRL says keyCompromise, or will. $1 spki_sha256  $2 now
SELECT count(*) FROM (
    SELECT id FROM ca.certificates WHERE spki_sha256 = $1 UNION SELECT id FROM ca.precertificates WHERE spki_sha256 = $1
) AS issued JOIN ca.to_be_signed t ON t.id = issued.id LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE t.not_after > $2 AND r.reason IS DISTINCT FROM 1;

-- name: case_under_way
-- A case about the key that has not revoked yet. $1 spki_sha256
SELECT id FROM office.cases
WHERE spki_sha256 = $1 AND ground = 'compromise' AND state IN ('open', 'decided', 'executing')
ORDER BY received_at, id LIMIT 1;

-- name: proven
-- Whether a proof of the key led to the case before. $1 spki_sha256  $2 case_id
SELECT EXISTS (SELECT FROM office.key_proofs WHERE spki_sha256 = $1 AND case_id = $2);
