-- name: ocsp_answer
-- $1 issuer_id  $2 serial
SELECT not_after, this_update, next_update, by_sha1, by_sha256 FROM ca.ocsp_responses
WHERE serial = $2 AND issuer_id = $1;

-- name: ocsp_due
-- Issuers that have answers to sign. $1 now
SELECT i.id::integer AS issuer_id FROM ca.issuers i
WHERE EXISTS (SELECT FROM ca.ocsp_responses o WHERE o.issuer_id = i.id AND o.due_at <= $1) ORDER BY 1;

-- name: ocsp_late
-- How many answers have been due since before $1, and are of certificates that have not ended at $2.
SELECT count(*) FROM ca.issuers i JOIN ca.ocsp_responses o ON o.issuer_id = i.id AND o.due_at <= $1 WHERE o.not_after > $2;

-- name: responders
-- $1 most
SELECT issuer_id, serial, held_by, not_before, not_after FROM ca.responders ORDER BY made_at DESC LIMIT $1;

-- name: hold_shelf
-- One node at a time publishes to a shelf; until it leaves it, or its session ends. $1 name
SELECT pg_try_advisory_lock(7105, hashtext($1));

-- name: leave_shelf
-- $1 name
SELECT pg_advisory_unlock(7105, hashtext($1));

-- name: unpublished
-- Newest CRLs, certificates and chains that the shelf lacks, and since when it has lacked them: since the first CRL after
-- the one it has, or since the newest where it has none. $1 shelf
SELECT w.path, w.issuer_id, w.shard, coalesce(
    (SELECT min(c.this_update) FROM ca.crls c
     WHERE c.issuer_id = w.issuer_id AND c.shard = w.shard AND c.number > p.number), w.this_update) AS since
FROM (
    SELECT format('crl/%s/%s.crl', i.id, s.shard) AS path, i.id::integer AS issuer_id, s.shard, c.number, c.this_update
    FROM ca.issuers i CROSS JOIN LATERAL generate_series(0, i.shard_count - 1) AS s(shard)
    CROSS JOIN LATERAL (SELECT number, this_update FROM ca.crls WHERE issuer_id = i.id AND shard = s.shard
                        ORDER BY number DESC LIMIT 1) c
    UNION ALL SELECT format('issuer/%s.cer', id), id::integer, NULL, 0, created_at FROM ca.issuers
    UNION ALL SELECT format('chain/%s.pem', id), id::integer, NULL, 0, created_at FROM ca.issuers
) w LEFT JOIN ca.publications p ON p.target = $1 AND p.path = w.path
WHERE p.number IS NULL OR p.number < w.number ORDER BY w.shard IS NULL, w.path;

-- name: published
-- $1 shelf  $2 path  $3 number  $4 sha256  $5 now
INSERT INTO ca.publications AS p (target, path, number, sha256, published_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (target, path) DO UPDATE
SET number = excluded.number, sha256 = excluded.sha256, published_at = excluded.published_at
WHERE p.number < excluded.number;

-- name: shelves
-- Shelves that something was ever put on.
SELECT DISTINCT target FROM ca.publications ORDER BY 1;

-- name: root_crls_ending
-- $1 before
SELECT i.name, i.id::integer AS issuer_id, c.next_update FROM ca.issuers i CROSS JOIN LATERAL
    (SELECT next_update FROM ca.crls WHERE issuer_id = i.id AND shard = 0 ORDER BY number DESC LIMIT 1) c
WHERE i.kind = 'root' AND c.next_update < $1 ORDER BY i.id;

-- name: forget_crls
-- Those that so many newer ones of their shard have replaced. $1 how many
DELETE FROM ca.crls c USING (
    SELECT i.id, s.shard, (SELECT n.number FROM ca.crls n WHERE n.issuer_id = i.id AND n.shard = s.shard
                           ORDER BY n.number DESC OFFSET $1 LIMIT 1) AS number
    FROM ca.issuers i CROSS JOIN LATERAL generate_series(0, i.shard_count - 1) AS s(shard)
) last WHERE c.issuer_id = last.id AND c.shard = last.shard AND c.number <= last.number;
