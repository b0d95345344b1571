-- name: issuing
-- Every issuing CA: from when it issues, and since when its own certificate is revoked.
SELECT i.id, i.name, i.certificate, i.key_id, i.status_url, i.shard_count, i.issues_from, v.decided_at
FROM ca.issuers i LEFT JOIN ca.authority_revocations v ON v.issuer_id = i.id AND v.cross_id IS NULL
WHERE i.kind = 'issuing' ORDER BY i.id;

-- name: issuer
-- $1 issuer_id
SELECT id, name, certificate, key_id, status_url, shard_count FROM ca.issuers WHERE id = $1;

-- name: issuing_ca
-- $1 issuer_id
SELECT id, name, certificate, key_id, status_url, shard_count FROM ca.issuers WHERE id = $1 AND kind = 'issuing';

-- name: roots
SELECT id, name, certificate, key_id, status_url, shard_count FROM ca.issuers WHERE kind = 'root' ORDER BY id;

-- name: number_for
-- The id of the issuer called $1, or of the next one.
SELECT coalesce((SELECT id FROM ca.issuers WHERE name = $1), (SELECT max(id) + 1 FROM ca.issuers), 0);

-- name: issuer_chain
-- An issuer's certificate and those above it, the root last.
-- $1 issuer_id
WITH RECURSIVE chain AS (
    SELECT certificate, parent_id, 0 AS depth FROM ca.issuers WHERE id = $1
    UNION ALL
    SELECT i.certificate, i.parent_id, chain.depth + 1 FROM ca.issuers i JOIN chain ON i.id = chain.parent_id
    WHERE chain.depth < 8
)
SELECT certificate FROM chain ORDER BY depth;

-- name: chains_above
-- An issuer's certificate, and the chains of its cross certificates that are not revoked in order of id. $1 issuer_id
SELECT i.certificate AS issuer,
       ARRAY(SELECT x.chain FROM ca.cross_certificates x WHERE x.subject_issuer_id = i.id AND NOT EXISTS (
           SELECT FROM ca.authority_revocations v WHERE v.cross_id = x.id) ORDER BY x.id) AS crosses
FROM ca.issuers i WHERE i.id = $1;

-- name: issuer_keys
-- Of responders too (C-077).
SELECT spki_sha256 FROM ca.issuers UNION SELECT spki_sha256 FROM ca.responders;

-- name: certificate_by_serial
-- A certificate or precertificate, or both of them (C-125). $1 serial
SELECT t.id, t.issuer_id, t.serial, c.der, p.der AS precertificate, t.names, t.spki_sha256, t.not_before, t.not_after,
       t.shard, coalesce(c.signed_at, p.signed_at) AS signed_at, r.revoked_at, r.reason
FROM ca.serials s
JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
LEFT JOIN ca.certificates c ON c.id = s.to_be_signed_id
LEFT JOIN ca.precertificates p ON p.id = s.to_be_signed_id
LEFT JOIN ca.revocations r ON r.serial = s.serial
WHERE s.serial = $1 AND (c.id IS NOT NULL OR p.id IS NOT NULL);

-- name: live_with_key
-- Precertificates too, whatever became of them (C-125, C-163). $1 spki_sha256  $2 now
SELECT t.id, t.serial FROM (
    SELECT id FROM ca.certificates WHERE spki_sha256 = $1 UNION SELECT id FROM ca.precertificates WHERE spki_sha256 = $1
) AS issued CROSS JOIN LATERAL (SELECT id, serial, not_after FROM ca.to_be_signed WHERE id = issued.id OFFSET 0) AS t
WHERE t.not_after > $2 ORDER BY t.id;

-- name: revoke
-- The revocation and its evidence: both or neither. No row when the serial is unknown or revoked already.
-- $1 serial  $2 reason  $3 ground  $4 requested_by  $5 requested_at  $6 revoked_at
-- $7 evidence id  $8 kind  $9 contract_id  $10 actor  $11 content  $12 where it cites the Terms (T20-3)
WITH revoked AS (
    INSERT INTO ca.revocations
        (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by, requested_at, revoked_at, not_after)
    SELECT t.serial, t.issuer_id, t.id, t.shard, $2, $3, $4, $5, $6, t.not_after
    FROM ca.serials s JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
    WHERE s.serial = $1
    ON CONFLICT (serial) DO NOTHING
    RETURNING issuer_id, shard
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $7, $8, $9, $10, $6, evidence.cited($11, $12, evidence.citation($6)) FROM revoked
)
SELECT issuer_id, shard FROM revoked;

-- name: upgrade_reason_to_key_compromise
-- C-143. Not published as it is now. No row when the serial is not revoked, or for keyCompromise already.
-- $1 serial  $2 evidence id  $3 kind  $4 contract_id  $5 actor  $6 at  $7 content  $8 where it cites the Terms (T20-3)
WITH upgraded AS (
    UPDATE ca.revocations SET reason = 1, published_at = NULL, upgraded_by = $5, upgraded_at = $6
    WHERE serial = $1 AND reason IS DISTINCT FROM 1 RETURNING issuer_id, shard
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $2, $3, $4, $5, $6, evidence.cited($7, $8, evidence.citation($6)) FROM upgraded
)
SELECT issuer_id, shard FROM upgraded;

-- name: date_compromise
-- C-143. Not published as it is now. No row when the serial is not revoked for keyCompromise, or from an earlier date.
-- $1 serial  $2 compromised_at  $3 evidence id  $4 kind  $5 contract_id  $6 actor  $7 at  $8 content
WITH dated AS (
    UPDATE ca.revocations SET compromised_at = $2, published_at = NULL
    WHERE serial = $1 AND reason = 1 AND $2 < coalesce(compromised_at, revoked_at) RETURNING issuer_id, shard
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $3, $4, $5, $6, $7, $8 FROM dated
)
SELECT issuer_id, shard FROM dated;

-- name: void
-- A record that nobody may sign any more; as it may have been signed, it is revoked too (design §4.5), as compromised if
-- its key is (C-163).
-- $1 to_be_signed_id  $2 ground  $3 requested_by  $4 at  $5 evidence id  $6 kind  $7 contract_id  $8 content
WITH ended AS (
    SELECT id, serial, issuer_id, shard, not_after, spki_sha256 FROM ca.void_record($1)
), revoked AS (
    INSERT INTO ca.revocations
        (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by, requested_at, revoked_at, not_after)
    SELECT serial, issuer_id, id, shard, (SELECT 1 FROM ca.blocked_keys b WHERE b.spki_sha256 = ended.spki_sha256),
        $2, $3, $4, $4, not_after FROM ended
    ON CONFLICT (serial) DO NOTHING
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $5, $6, $7, $3, $4, $8 FROM ended
)
SELECT issuer_id, shard FROM ended;

-- name: lock_key
-- Held until the transaction ends: no certificate with this key is stored meanwhile (acme.certificate_stored).
-- $1 spki_sha256
SELECT pg_advisory_xact_lock(7103, ca.lock_of($1));

-- name: block_key
-- $1 spki_sha256  $2 cause  $3 at  $4 evidence id  $5 kind  $6 actor  $7 content
WITH blocked AS (
    INSERT INTO ca.blocked_keys (spki_sha256, cause, blocked_at) VALUES ($1, $2, $3)
    ON CONFLICT (spki_sha256) DO NOTHING
    RETURNING spki_sha256
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT $4, $5, NULL, $6, $3, $7 FROM blocked
)
SELECT spki_sha256 FROM blocked;

-- name: newest_crl
-- $1 issuer_id  $2 shard
SELECT number, this_update, next_update, der FROM ca.crls
WHERE issuer_id = $1 AND shard = $2 ORDER BY number DESC LIMIT 1;

-- name: crls_due
-- Shards of issuing CAs whose newest CRL is as old as $1 or lacks a recorded revocation. C-134.
-- $1 this_update of the newest CRL that is old enough  $2 ids of issuing CAs
SELECT i.id::integer AS issuer_id, s.shard
FROM ca.issuers i CROSS JOIN LATERAL generate_series(0, i.shard_count - 1) AS s(shard)
WHERE i.id = ANY ($2) AND (
    NOT EXISTS (SELECT FROM ca.crls c WHERE c.issuer_id = i.id AND c.shard = s.shard AND c.this_update > $1)
    OR EXISTS (SELECT FROM ca.revocations r
               WHERE r.issuer_id = i.id AND r.shard = s.shard AND r.published_at IS NULL))
ORDER BY 1, 2;

-- name: issuer_count
SELECT count(*) FROM ca.issuers;

-- name: insert_issuer
-- $1 id  $2 name  $3 kind  $4 parent_id  $5 certificate  $6 key_id  $7 spki_sha256  $8 shard_count  $9 status_url
-- $10 created_at  $11 issues_from, null of a root
INSERT INTO ca.issuers
    (id, name, kind, parent_id, certificate, key_id, spki_sha256, shard_count, status_url, created_at, issues_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: insert_cross_certificate
-- $1 id  $2 subject_issuer_id  $3 chain, the cross certificate and its root  $4 created_at
INSERT INTO ca.cross_certificates (id, subject_issuer_id, chain, created_at) VALUES ($1, $2, $3, $4);

-- name: insert_crl
-- $1 issuer_id  $2 shard  $3 number  $4 this_update  $5 next_update  $6 der
INSERT INTO ca.crls (issuer_id, shard, number, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6);
