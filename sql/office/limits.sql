-- name: insert_override
-- $1 id  $2 contract_id  $3 name  $4 number, or null  $5 starts_at  $6 reason  $7 set_by  $8 now
INSERT INTO acme.limit_overrides (id, contract_id, name, number, starts_at, reason, set_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: overrides
-- $1 contract_id  $2 most  $3 behind this one, or null
SELECT o.id, o.name, o.number, o.starts_at, o.reason, p.handle AS set_by, o.created_at
FROM acme.limit_overrides o JOIN gate.persons p ON p.id = o.set_by
WHERE o.contract_id = $1
    AND ($3::uuid IS NULL OR (o.starts_at, o.id) < (SELECT x.starts_at, x.id FROM acme.limit_overrides x WHERE x.id = $3))
ORDER BY o.starts_at DESC, o.id DESC LIMIT $2;
