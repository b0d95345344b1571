-- Statements of office/storage/key_proofs.py: keys proven to be compromised (C-076, C-162, C-163).

-- name: insert
-- $1 id  $2 spki  $3 spki_sha256  $4 kind  $5 proof  $6 reporter  $7 email  $8 received_at  $9 case_id, or null
-- $10 is_own
INSERT INTO office.key_proofs (id, spki, spki_sha256, kind, proof, reporter, email, received_at, case_id, is_own)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

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

-- name: own_key
-- Whose key it is: an issuer's, with the issuing CAs whose certificates stand on it, or an OCSP responder's. $1 spki_sha256
SELECT format('our %s CA %s', i.kind, i.name) AS whose, ARRAY(
    SELECT b.id::integer FROM ca.issuers b WHERE b.kind = 'issuing' AND i.id IN (b.id, b.parent_id) ORDER BY b.id) AS issuing
FROM ca.issuers i WHERE i.spki_sha256 = $1
UNION ALL SELECT format('our OCSP responder of %s', r.held_by), '{}' FROM ca.responders r WHERE r.spki_sha256 = $1
ORDER BY 1 DESC LIMIT 1;

-- name: was_proven
-- $1 spki_sha256
SELECT EXISTS (SELECT FROM office.key_proofs WHERE spki_sha256 = $1);

-- name: case_of_issuer
-- A case about its compromise that has not revoked yet. $1 issuer
SELECT id FROM office.cases WHERE issuer_id = $1 AND ground = 'ca_key' AND state IN ('open', 'decided', 'executing')
ORDER BY received_at, id LIMIT 1;
