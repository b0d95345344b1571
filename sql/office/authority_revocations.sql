-- name: certificates
-- Every certificate of an issuing CA that a root of ours signed, with the root's number, its name, and of one that is revoked
-- for which reason, by when the CRL must say so and since when it does: its own, and cross certificates, each before its
-- root in `chain`.
SELECT c.issuer_id, c.cross_id, c.root_id, c.name, c.root, c.chain, coalesce(w.reason, v.reason)::integer AS reason,
    coalesce(w.deadline_at, v.deadline_at) AS deadline_at, v.published_at
FROM (
    SELECT i.id::integer AS issuer_id, NULL::integer AS cross_id, p.id::integer AS root_id, i.name, p.name AS root,
        i.certificate AS chain
    FROM ca.issuers i JOIN ca.issuers p ON p.id = i.parent_id WHERE i.kind = 'issuing'
    UNION ALL
    SELECT i.id::integer, x.id::integer, p.id::integer, i.name, p.name, x.chain
    FROM ca.cross_certificates x JOIN ca.issuers i ON i.id = x.subject_issuer_id
    JOIN ca.issuers p ON p.kind = 'root' AND right(encode(x.chain, 'hex'), 2 * octet_length(p.certificate))
        = encode(p.certificate, 'hex')
) c LEFT JOIN ca.authority_revocations v
    ON v.issuer_id = c.issuer_id AND v.root_id = c.root_id AND v.cross_id IS NOT DISTINCT FROM c.cross_id
LEFT JOIN ca.authority_compromises w ON w.root_id = v.root_id AND w.serial = v.serial
ORDER BY c.issuer_id, c.cross_id NULLS FIRST;

-- name: insert
-- $1 serial  $2 root_id  $3 issuer_id  $4 cross_id  $5 ground  $6 reason  $7 note  $8 first_person  $9 second_person
-- $10 requested_at  $11 decided_at  $12 deadline_at  $13 not_after
INSERT INTO ca.authority_revocations (serial, root_id, issuer_id, cross_id, ground, reason, note, first_person,
    second_person, requested_at, decided_at, deadline_at, not_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: insert_compromise
-- The revocation says keyCompromise, and waits for the CRL that does.
-- $1 root_id  $2 serial  $3 note  $4 first_person  $5 second_person  $6 known_at  $7 decided_at  $8 deadline_at
WITH said AS (
    UPDATE ca.authority_revocations SET published_at = NULL WHERE root_id = $1 AND serial = $2
)
INSERT INTO ca.authority_compromises
    (root_id, serial, note, first_person, second_person, known_at, decided_at, deadline_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: listing
SELECT i.name, v.serial, v.cross_id::integer, p.name AS root, v.root_id::integer, v.ground,
    coalesce(w.reason, v.reason)::integer AS reason, v.requested_at, v.decided_at, w.decided_at AS compromise_decided_at,
    coalesce(w.deadline_at, v.deadline_at) AS deadline_at, v.published_at
FROM ca.authority_revocations v JOIN ca.issuers i ON i.id = v.issuer_id JOIN ca.issuers p ON p.id = v.root_id
LEFT JOIN ca.authority_compromises w ON w.root_id = v.root_id AND w.serial = v.serial
ORDER BY v.decided_at DESC, v.root_id;

-- name: to_carry
-- What the root's next CRL must show: all but those that a CRL issued after the certificate's end has shown (C-141).
-- $1 root_id
SELECT v.serial, coalesce(w.reason, v.reason) AS reason, v.decided_at
FROM ca.authority_revocations v LEFT JOIN ca.authority_compromises w ON w.root_id = v.root_id AND w.serial = v.serial
WHERE v.root_id = $1 AND (v.published_at IS NULL OR v.not_after >= (
    SELECT this_update FROM ca.crls WHERE issuer_id = $1 AND shard = 0 ORDER BY number DESC LIMIT 1))
ORDER BY octet_length(v.serial), v.serial;

-- name: published
-- $1 root_id  $2 serials  $3 published_at
UPDATE ca.authority_revocations SET published_at = $3
WHERE root_id = $1 AND serial = ANY ($2::bytea[]) AND published_at IS NULL;
