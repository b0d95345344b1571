-- name: load_precertificates
-- What has come of records that are precertificates, for those of which there is one. $1 ids
SELECT p.id, p.der, p.signed_at, (SELECT f.tbs FROM ca.final_records f WHERE f.id = asked.id) AS final
FROM unnest($1::uuid[]) AS asked (id)
CROSS JOIN LATERAL (SELECT * FROM ca.precertificates WHERE id = asked.id OFFSET 0) AS p;

-- name: begin_signing
-- The same as for records, of the certificates that go with precertificates (design §4.5). $1 ids  $2 now
UPDATE ca.final_records SET signing_at = $2 WHERE id = ANY($1::uuid[]) AND signing_at IS NULL RETURNING id;

-- name: not_signed
-- No signature was made of these: they may be asked for again. $1 ids
UPDATE ca.final_records SET signing_at = NULL WHERE id = ANY($1::uuid[]);

-- name: store_precertificates
-- Precertificates of records that are still `admitted` and not revoked (C-142), and their evidence: one commit, before any
-- log sees them (C-125). Triggers refuse what they refuse of certificates.
-- $1 ids  $2 ders  $3 signed_at  $4 evidence ids  $5 kind  $6 contract_ids  $7 actor  $8 contents
WITH open AS (
    SELECT t.id, t.spki_sha256 FROM ca.to_be_signed t WHERE t.id = ANY($1::uuid[]) AND t.state = 'admitted'
      AND NOT EXISTS (SELECT FROM ca.revocations v WHERE v.serial = t.serial)
    FOR NO KEY UPDATE
), stored AS (
    INSERT INTO ca.precertificates (id, der, signed_at, spki_sha256)
    SELECT id, der, $3, spki_sha256 FROM unnest($1::uuid[], $2::bytea[]) AS s(id, der) JOIN open USING (id)
    ON CONFLICT (id) DO NOTHING RETURNING id
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT evidence_id, $5, contract_id, $7, $3, content
    FROM unnest($1::uuid[], $4::uuid[], $6::uuid[], $8::bytea[]) AS s(id, evidence_id, contract_id, content)
    WHERE id IN (SELECT id FROM stored)
)
SELECT id FROM open;
