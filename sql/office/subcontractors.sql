-- name: add
-- No row: it is in the register. $1 id  $2 organisation  $3 role  $4 from_on  $5 person  $6 now
INSERT INTO office.subcontractors (id, organisation, role, from_on, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organisation) DO NOTHING RETURNING id;

-- name: end
-- No row: unknown, or ended before. $1 organisation  $2 until_on
UPDATE office.subcontractors SET until_on = $2 WHERE organisation = $1 AND until_on IS NULL AND from_on <= $2
RETURNING id;

-- name: subcontractors
-- $1 most  $2 after this organisation, or null
SELECT s.id, s.organisation, s.role, s.from_on, s.until_on,
    (SELECT count(*)::integer FROM gate.persons p WHERE p.organisation = s.organisation) AS persons
FROM office.subcontractors s WHERE $2::text IS NULL OR s.organisation > $2 ORDER BY s.organisation LIMIT $1;
