-- Statements of office/storage/certificate_imports.py: what a restored backup does not know, taken in again.

-- name: hold
-- One import at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(7115);

-- name: insert
-- $1 id  $2 SHA-256 of the file  $3 first  $4 second  $5 now
INSERT INTO office.certificate_imports (id, file_sha256, imported_by_first, imported_by_second, imported_at)
VALUES ($1, $2, $3, $4, $5);

-- name: own
-- The certificates of all CAs, cross certificates with their roots too.
SELECT certificate AS der FROM ca.issuers UNION SELECT chain FROM ca.cross_certificates;

-- name: known
-- What is known of serial numbers; without a record that they are a responder's, or stand on a CRL that was taken in.
-- $1 serials
SELECT s.serial, s.issuer_id::integer, t.tbs, t.spki_sha256, t.import_id IS NOT NULL AS imported, c.der AS certificate,
    p.der AS precertificate, i.contract_id, r.serial IS NOT NULL AS revoked,
    coalesce(r.compromised_at, r.revoked_at) AS since, r.reason::integer
FROM unnest($1::bytea[]) AS a (asked) JOIN ca.serials s ON s.serial = a.asked LEFT JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
LEFT JOIN ca.certificates c ON c.id = t.id LEFT JOIN ca.precertificates p ON p.id = t.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id LEFT JOIN ca.revocations r ON r.serial = s.serial;

-- name: contracts_of_subject
-- Contracts that were accepted and reviewed, ever, as this organisation, with all names that they ever listed.
-- $1 organization  $2 country  $3 state or province  $4 locality
SELECT c.id, c.handle, ARRAY(SELECT n.kind || ' ' || n.value FROM gate.contract_names n WHERE n.contract_id = c.id) AS entries
FROM gate.contracts c
WHERE c.accepted_at IS NOT NULL AND EXISTS (SELECT FROM gate.reviewed_subjects s
    WHERE s.contract_id = c.id AND s.organization = $1 AND s.country = $2
      AND s.state_or_province IS NOT DISTINCT FROM $3 AND s.locality IS NOT DISTINCT FROM $4)
ORDER BY c.number;

-- name: handle
-- $1 contract id
SELECT handle FROM gate.contracts WHERE id = $1;

-- name: import_certificate
-- $1 import  $2 id of its record  $3 issuer_id  $4 serial  $5 profile  $6 to-be-signed bytes  $7 names  $8 SHA-256 of its key
-- $9 not_before  $10 not_after  $11 shard  $12 certificate  $13 precertificate  $14 contract  $15 signed_at  $16 now
SELECT ca.import_certificate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: import_serials
-- $1 issuer_id  $2 serials  $3 ids  $4 by then they have ended  $5 now
SELECT ca.import_serials($1, $2, $3, $4, $5);

-- name: take_up
-- Revocations as a lost CRL shows them, of serial numbers that are known and not revoked; the next CRL of the shard has them.
-- $1 serials  $2 revocation dates  $3 reasons  $4 issuer_id  $5 shard  $6 by then what has no record has ended
-- $7 ground  $8 requested_by
INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by, requested_at, revoked_at, not_after)
SELECT s.serial, s.issuer_id, s.to_be_signed_id, $5, e.reason, $7, $8, e.at, e.at, coalesce(t.not_after, $6)
FROM unnest($1::bytea[], $2::timestamptz[], $3::smallint[]) AS e (serial, at, reason)
JOIN ca.serials s ON s.serial = e.serial AND s.issuer_id = $4 LEFT JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
ORDER BY s.serial;

-- name: raise_floor
-- CRL numbers go on above this one. $1 number
UPDATE keiyaku.cluster SET crl_floor = $1 WHERE crl_floor < $1;

-- name: blocked
-- Those of the keys that are blocked. $1 SHA-256 of keys
SELECT spki_sha256 FROM ca.blocked_keys WHERE spki_sha256 = ANY ($1::bytea[]);
