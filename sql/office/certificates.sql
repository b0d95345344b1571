-- Statements of office/storage/certificates.py: all certificates, newest first, looked at a piece at a time.

-- name: newest
-- Ids of all. $1 before this id  $2 most
SELECT id FROM ca.to_be_signed WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: newest_of_contracts
-- $1 contract ids  $2 before this id  $3 most
SELECT n.id FROM unnest($1::uuid[]) AS c (id) CROSS JOIN LATERAL (
    SELECT i.to_be_signed_id AS id FROM acme.issuances i WHERE i.contract_id = c.id AND i.to_be_signed_id < $2
    ORDER BY i.to_be_signed_id DESC LIMIT $3) n
ORDER BY n.id DESC LIMIT $3;

-- name: newest_of_key
-- $1 spki_sha256  $2 before this id  $3 most
SELECT k.id FROM (
    SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $1
    UNION SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $1) k
WHERE k.id < $2 ORDER BY k.id DESC LIMIT $3;

-- name: listed
-- Of these, what was signed, a precertificate too (C-125), newest first: a revoked one is not expired as well.
-- $1 ids  $2 live, expired or revoked, or null  $3 now  $4 of these contracts, or null  $5 most
SELECT t.id, t.serial, k.handle AS contract, t.names, t.not_before, t.not_after, r.revoked_at, r.reason, r.published_at
FROM ca.to_be_signed t
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id LEFT JOIN gate.contracts k ON k.id = i.contract_id
LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE t.id = ANY ($1::uuid[]) AND ($4::uuid[] IS NULL OR i.contract_id = ANY ($4))
    AND ($2::text IS NULL
        OR $2 = CASE WHEN r.serial IS NOT NULL THEN 'revoked' WHEN t.not_after <= $3 THEN 'expired' ELSE 'live' END)
    AND (t.state = 'signed' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id))
ORDER BY t.id DESC LIMIT $5;

-- name: contracts_of
-- $1 customer_id
SELECT id FROM gate.contracts WHERE customer_id = $1;
