-- name: record
-- $1 id  $2 found_at  $3 malicious  $4 affected  $5 measures  $6 person  $7 preliminary_due_at  $8 final_due_at
INSERT INTO office.leaks (id, found_at, malicious, affected, measures, recorded_by, preliminary_due_at, final_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: preliminary
-- No row: reported before. $1 id  $2 now
UPDATE office.leaks SET preliminary_at = $2 WHERE id = $1 AND preliminary_at IS NULL RETURNING id;

-- name: final
-- No row: reported before, or the preliminary report is still to come. $1 id  $2 now
UPDATE office.leaks SET final_at = $2 WHERE id = $1 AND preliminary_at IS NOT NULL AND final_at IS NULL RETURNING id;

-- name: leaks
-- Open ones first. $1 most  $2 after this one, or null  $3 whether it was done when it was shown
SELECT id, found_at, malicious, affected, preliminary_due_at, preliminary_at, final_due_at, final_at
FROM office.leaks
WHERE $2::uuid IS NULL OR (final_at IS NOT NULL, found_at, id) > (
    SELECT $3::boolean, x.found_at, x.id FROM office.leaks x WHERE x.id = $2)
ORDER BY final_at IS NOT NULL, found_at, id LIMIT $1;
