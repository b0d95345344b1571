-- name: lock_shard
-- One CRL of a shard is made at a time, on any node; held until the transaction ends.
-- $1 issuer_id  $2 shard
SELECT pg_advisory_xact_lock(7102, $1::integer * 1024 + $2::integer);

-- name: previous_crl
-- After a restore numbers go on above those that were published and lost; in a copy that nobody has accepted yet, above the
-- seconds since 1970, which accepting it makes the floor. C-136.
-- $1 issuer_id  $2 shard  $3 seconds since 1970
SELECT greatest(number, (SELECT CASE WHEN identity = keiyaku.cluster_identity() THEN crl_floor ELSE greatest(crl_floor, $3) END
                         FROM keiyaku.cluster)) AS number, this_update
FROM ca.crls WHERE issuer_id = $1 AND shard = $2 ORDER BY number DESC LIMIT 1;

-- name: load_revocations
-- What the next CRL must carry: all but those that a CRL issued after the certificate's end has carried (C-141). `since`
-- is the revocationDate: that of a compromise proven later, if there is one (C-143).
-- $1 issuer_id  $2 shard  $3 this_update of the newest CRL
SELECT serial, reason, coalesce(compromised_at, revoked_at) AS since, published_at IS NULL AS fresh
FROM ca.revocations
WHERE issuer_id = $1 AND shard = $2 AND (published_at IS NULL OR not_after >= $3)
ORDER BY octet_length(serial), serial;

-- name: mark_published
-- Those that are as the CRL shows them; one whose reason or date changed meanwhile waits for the next. Each is found by its
-- serial number and then by its place, whatever the plan: the index of all that is not published may have a million.
-- $1 serials  $2 reasons  $3 revocationDates  $4 this_update
UPDATE ca.revocations r SET published_at = $4
FROM unnest($1::bytea[], $2::smallint[], $3::timestamptz[]) AS c(serial, reason, since)
CROSS JOIN LATERAL (SELECT ctid AS place FROM ca.revocations WHERE serial = c.serial OFFSET 0) AS f
WHERE r.ctid = f.place AND coalesce(r.published_at, $4) = $4 AND r.reason IS NOT DISTINCT FROM c.reason
    AND coalesce(r.compromised_at, r.revoked_at) = c.since;

-- name: store_crl
-- The CRL and its evidence.
-- $1 issuer_id  $2 shard  $3 number  $4 this_update  $5 next_update  $6 der
-- $7 evidence id  $8 kind  $9 actor  $10 content
WITH stored AS (
    INSERT INTO ca.crls (issuer_id, shard, number, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
VALUES ($7, $8, NULL, $9, $4, $10);
