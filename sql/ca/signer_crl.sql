-- name: lock_shard
-- One CRL of a shard is made at a time, on any node; held until the transaction ends.
-- $1 issuer_id  $2 shard
SELECT pg_advisory_xact_lock(7102, $1::integer * 1024 + $2::integer);

-- name: previous_crl
-- After a restore numbers go on above those that were published and lost. C-136.
-- $1 issuer_id  $2 shard
SELECT greatest(number, (SELECT crl_floor FROM keiyaku.cluster)) AS number, this_update FROM ca.crls WHERE issuer_id = $1 AND shard = $2 ORDER BY number DESC LIMIT 1;

-- name: load_revocations
-- What the next CRL must carry: all but those that a CRL issued after the certificate's end has carried (C-141). `since`
-- is the revocationDate: that of a compromise proven later, if there is one (C-143).
-- $1 issuer_id  $2 shard  $3 this_update of the newest CRL
SELECT serial, reason, coalesce(compromised_at, revoked_at) AS since, published_at IS NULL AS fresh
FROM ca.revocations
WHERE issuer_id = $1 AND shard = $2 AND (published_at IS NULL OR not_after >= $3)
ORDER BY octet_length(serial), serial;

-- name: mark_published
-- One that is as the CRL shows it; if its reason or date changed meanwhile, it waits for the next CRL. Written so that only
-- the serial number's index fits: that of all that is not published may have a million entries, and plans are old.
-- $1 serial  $2 reason  $3 revocationDate  $4 this_update
UPDATE ca.revocations SET published_at = $4
WHERE serial = $1 AND coalesce(published_at, $4) = $4 AND reason IS NOT DISTINCT FROM $2
    AND coalesce(compromised_at, revoked_at) = $3;

-- name: store_crl
-- The CRL and its evidence.
-- $1 issuer_id  $2 shard  $3 number  $4 this_update  $5 next_update  $6 der
-- $7 evidence id  $8 kind  $9 actor  $10 content
WITH stored AS (
    INSERT INTO ca.crls (issuer_id, shard, number, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6)
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
VALUES ($7, $8, NULL, $9, $4, $10);
