-- Statements of office/storage/samples.py: random samples of what was issued, examined anew (BR 8.7, C-175).

-- name: population
-- How many serial numbers were issued from $1 on and before $2, precertificates included (C-125), and the digest of all
-- in their order.
SELECT count(*)::integer AS number, sha256(coalesce(string_agg(t.serial, ''::bytea ORDER BY t.serial), '')) AS sha256
FROM ca.to_be_signed t LEFT JOIN ca.precertificates p ON p.id = t.id LEFT JOIN ca.certificates c ON c.id = t.id
WHERE t.id >= keiyaku.uuid7_floor($1::timestamptz - interval '7 days')
    AND t.id < keiyaku.uuid7_floor($2::timestamptz + interval '1 millisecond')
    AND coalesce(p.signed_at, c.signed_at) >= $1 AND coalesce(p.signed_at, c.signed_at) < $2;

-- name: chosen
-- The first $4 of that population in the order of SHA-256 over seed and serial number.
-- $1 from  $2 before  $3 seed  $4 how many
SELECT t.serial
FROM ca.to_be_signed t LEFT JOIN ca.precertificates p ON p.id = t.id LEFT JOIN ca.certificates c ON c.id = t.id
WHERE t.id >= keiyaku.uuid7_floor($1::timestamptz - interval '7 days')
    AND t.id < keiyaku.uuid7_floor($2::timestamptz + interval '1 millisecond')
    AND coalesce(p.signed_at, c.signed_at) >= $1 AND coalesce(p.signed_at, c.signed_at) < $2
ORDER BY sha256($3::bytea || t.serial), t.serial LIMIT $4;

-- name: seed_after
-- The first checkpoint sealed at or after an instant. $1 instant
SELECT number, hash FROM evidence.checkpoints WHERE sealed_at >= $1 ORDER BY sealed_at, number LIMIT 1;

-- name: sampled_until
-- Up to when everything issued was open to a sample; null before the first.
SELECT max(until_at) FROM office.audit_samples;

-- name: insert_sample
-- $1 id  $2 from  $3 until  $4 percent  $5 seed  $6 seed source  $7 population  $8 its sha256  $9 person  $10 now
-- $11 serials
WITH drawn AS (
    INSERT INTO office.audit_samples (id, from_at, until_at, percent, seed, seed_source, population, population_sha256,
        drawn_by, drawn_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
)
INSERT INTO office.sampled_certificates (sample_id, serial) SELECT drawn.id, s FROM drawn, unnest($11::bytea[]) AS s;

-- name: samples
-- Newest first. $1 id, or null: all  $2 before this id, or null  $3 most
SELECT s.id, s.from_at, s.until_at, s.percent::integer, s.population, count(x.serial)::integer AS drawn,
    count(x.audited_at)::integer AS audited, count(*) FILTER (WHERE cardinality(x.faults) > 0)::integer AS faulty,
    s.seed, s.seed_source, s.population_sha256, p.handle AS drawn_by, s.drawn_at
FROM office.audit_samples s JOIN gate.persons p ON p.id = s.drawn_by
LEFT JOIN office.sampled_certificates x ON x.sample_id = s.id
WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::uuid IS NULL OR s.id < $2)
GROUP BY s.id, p.handle ORDER BY s.id DESC LIMIT $3;

-- name: unfinished
-- A sample of the same period and share that was drawn, but not examined to its end. $1 from  $2 until  $3 percent
SELECT s.id FROM office.audit_samples s WHERE s.from_at = $1 AND s.until_at = $2 AND s.percent = $3 AND EXISTS (
    SELECT FROM office.sampled_certificates x WHERE x.sample_id = s.id AND x.audited_at IS NULL) ORDER BY s.id LIMIT 1;

-- name: certificates
-- $1 sample  $2 behind this serial number, or null  $3 most, or null: all
SELECT encode(serial, 'hex') AS serial, linted_by, faults, audited_at FROM office.sampled_certificates
WHERE sample_id = $1 AND ($2::bytea IS NULL OR serial > $2) ORDER BY serial LIMIT $3;

-- name: waiting
-- $1 sample  $2 most
SELECT serial FROM office.sampled_certificates WHERE sample_id = $1 AND audited_at IS NULL ORDER BY serial LIMIT $2;

-- name: evidence_of_issuance
-- What was signed, with the decision that admitted it, if it did not come back through an import. $1 serial
SELECT t.id, t.issuer_id, t.serial, t.profile, t.tbs, t.names, t.spki_sha256, t.not_before, t.not_after, t.shard,
    t.created_at, coalesce(p.signed_at, c.signed_at) AS signed_at, p.der AS precertificate, c.der AS certificate, d.id AS decision_id, d.contract_id, d.binding_key_id,
    d.stage, d.outcome, d.gate, d."case", d.names AS admitted_names, d.not_after_limit, d.facts, d.findings, d.decided_at
FROM ca.serials s JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id LEFT JOIN gate.decisions d ON d.id = t.admission_id
LEFT JOIN ca.precertificates p ON p.id = t.id LEFT JOIN ca.certificates c ON c.id = t.id
WHERE s.serial = $1;

-- name: record_audit
-- No row when it was recorded meanwhile. $1 sample  $2 serial  $3 linted by  $4 faults  $5 now
UPDATE office.sampled_certificates SET linted_by = $3, faults = $4, audited_at = $5
WHERE sample_id = $1 AND serial = $2 AND audited_at IS NULL RETURNING serial;
