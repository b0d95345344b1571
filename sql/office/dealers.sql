-- Statements of office/storage/dealers.py: names under which dealers pay (T8-16).

-- name: insert
-- No row: no application names the dealer so, or the name is known. $1 id  $2 dealer  $3 name  $4 key  $5 added_by  $6 now
INSERT INTO office.dealer_aliases (id, dealer, name, key, added_by, added_at)
SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT FROM office.applications WHERE dealer = $2)
ON CONFLICT DO NOTHING RETURNING id;

-- name: end
-- $1 id  $2 now
UPDATE office.dealer_aliases SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL RETURNING id;

-- name: aliases
-- $1 most  $2 after this one, or null
SELECT id, dealer, name, key, added_at FROM office.dealer_aliases
WHERE removed_at IS NULL
    AND ($2::uuid IS NULL OR (dealer, key) > (SELECT a.dealer, a.key FROM office.dealer_aliases a WHERE a.id = $2))
ORDER BY dealer, key LIMIT $1;
