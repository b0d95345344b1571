-- name: issuer_count
SELECT count(*) FROM ca.issuers;

-- name: insert_issuer
-- $1 id  $2 name  $3 kind  $4 parent_id  $5 certificate  $6 key_id  $7 spki_sha256  $8 shard_count  $9 status_url
-- $10 active  $11 created_at
INSERT INTO ca.issuers
    (id, name, kind, parent_id, certificate, key_id, spki_sha256, shard_count, status_url, active, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: insert_cross_certificate
-- $1 id  $2 subject_issuer_id  $3 chain, the cross certificate and its root  $4 created_at
INSERT INTO ca.cross_certificates (id, subject_issuer_id, chain, created_at) VALUES ($1, $2, $3, $4);

-- name: insert_first_crl
-- $1 issuer_id  $2 shard  $3 number  $4 this_update  $5 next_update  $6 der
INSERT INTO ca.crls (issuer_id, shard, number, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6);
