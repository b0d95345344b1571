-- name: scts_recorded
-- What evidence says of the last certificates that got SCTs. $1 the first id
SELECT content FROM evidence.records WHERE id >= $1 AND kind = 'scts.recorded' ORDER BY id DESC LIMIT 1000;

-- name: precertificate
-- A stored precertificate whose record is still open, and whether the certificate it leads to is recorded. $1 id
SELECT p.der, p.signed_at, t.tbs, t.serial, t.issuer_id, t.not_before, t.not_after, d.contract_id, f.id IS NOT NULL AS is_final
FROM ca.precertificates p
JOIN ca.to_be_signed t ON t.id = p.id AND t.state = 'admitted'
JOIN gate.decisions d ON d.id = t.admission_id
LEFT JOIN ca.final_records f ON f.id = p.id
WHERE p.id = $1;

-- name: insert_final
-- The certificate's to-be-signed bytes, once for ever, while its record is open; with its evidence.
-- $1 id  $2 tbs  $3 now  $4 evidence id  $5 kind  $6 contract id  $7 actor  $8 evidence content
WITH open AS (
    SELECT id FROM ca.open_record($1) AS id
), added AS (
    INSERT INTO ca.final_records (id, tbs, recorded_at) SELECT id, $2, $3 FROM open ON CONFLICT (id) DO NOTHING RETURNING id
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
SELECT $4, $5, $6, $7, $3, $8 FROM added;
