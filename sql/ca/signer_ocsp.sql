-- name: store_responder
-- The responder's certificate, its serial number, and the evidence of both.
-- $1 id  $2 issuer_id  $3 serial  $4 held_by  $5 certificate  $6 not_before  $7 not_after  $8 made_at
-- $9 SHA-256 of its key  $10 evidence id  $11 kind  $12 actor  $13 content
WITH drawn AS (
    INSERT INTO ca.serials (serial, to_be_signed_id, issuer_id) VALUES ($3, $1, $2)
), responder AS (
    INSERT INTO ca.responders (id, issuer_id, serial, held_by, certificate, not_before, not_after, made_at, spki_sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
VALUES ($10, $11, NULL, $12, $8, $13);

-- name: end_expired
-- Nothing more is said of certificates that have ended.
-- $1 issuer_id  $2 now
UPDATE ca.ocsp_responses SET due_at = 'infinity' WHERE issuer_id = $1 AND due_at <= $2 AND not_after <= $2;

-- name: take_due
-- Serial numbers whose answers are due, locked: a revocation from now on waits, and makes them due again (ocsp_outdated).
-- $1 issuer_id  $2 now  $3 limit
SELECT serial FROM ca.ocsp_responses WHERE issuer_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3
FOR UPDATE SKIP LOCKED;

-- name: revoked_of
-- $1 serials
SELECT serial, reason, coalesce(compromised_at, revoked_at) AS since FROM ca.revocations WHERE serial = ANY($1::bytea[]);

-- name: store_answers
-- $1 serials  $2 answers by SHA-1  $3 by SHA-256  $4 this_update  $5 next_update  $6 due_at
UPDATE ca.ocsp_responses o
SET by_sha1 = a.by_sha1, by_sha256 = a.by_sha256, this_update = $4, next_update = $5, due_at = $6
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS a(serial, by_sha1, by_sha256) WHERE o.serial = a.serial;

-- name: status_of
-- Of a serial number that the issuer answers for, and whose certificate has not ended.
-- $1 issuer_id  $2 serial  $3 now
SELECT r.reason, coalesce(r.compromised_at, r.revoked_at) AS since
FROM ca.ocsp_responses o LEFT JOIN ca.revocations r ON r.serial = o.serial
WHERE o.serial = $2 AND o.issuer_id = $1 AND o.not_after > $3;
