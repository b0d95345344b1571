-- name: next_number
-- Above every number that was published, prepared, or may have been lost with a restored backup, also one that nobody has
-- accepted yet. $1 issuer_id  $2 seconds since 1970
SELECT 1 + greatest(
    (SELECT max(number) FROM ca.crls WHERE issuer_id = $1 AND shard = 0),
    (SELECT max(number) FROM office.root_crls WHERE issuer_id = $1),
    (SELECT CASE WHEN identity = keiyaku.cluster_identity() THEN crl_floor ELSE greatest(crl_floor, $2) END FROM keiyaku.cluster));

-- name: is_root
-- $1 issuer_id
SELECT kind = 'root' FROM ca.issuers WHERE id = $1;

-- name: insert
-- $1 id  $2 issuer_id  $3 number  $4 tbs  $5 first_person  $6 second_person  $7 prepared_at
INSERT INTO office.root_crls (id, issuer_id, number, tbs, first_person, second_person, prepared_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: finish
-- $1 id  $2 transcript  $3 signed_at
UPDATE office.root_crls SET transcript = $2, signed_at = $3 WHERE id = $1 AND signed_at IS NULL RETURNING id;
