-- Statements of office/storage/desk.py: what waits for people (office.waiting), whose it is, and who stands in for them.

-- name: desk
-- A page of what waits, the nearest deadline first. Proposals that expired wait no more. A case over certificates or a key
-- is its contract's if it is about one alone.
-- $1 now  $2 today  $3 acting person, or null  $4 snoozed too  $5 kind, or null  $6 $7 $8 after deadline, kind, subject
-- $9 most
WITH page AS (
    SELECT w.*, t.owner_id, t.snoozed_until, office.acting(t.owner_id, $2) AS acting_id
    FROM office.waiting w LEFT JOIN office.tasks t ON t.kind = w.kind AND t.subject = w.subject
    WHERE w.since <= $1 AND (w.kind <> 'proposal' OR w.deadline_at > $1)
        AND (t.done_at IS NULL OR t.done_at < w.since)
        AND ($4 OR t.snoozed_until IS NULL OR t.snoozed_until <= $1)
        AND ($3::uuid IS NULL OR office.acting(t.owner_id, $2) = $3)
        AND ($5::text IS NULL OR w.kind = $5)
        AND (w.deadline_at, w.kind, w.subject) > ($6, $7, $8)
    ORDER BY w.deadline_at, w.kind, w.subject LIMIT $9
)
SELECT page.deadline_at, page.kind, page.subject, coalesce(c.handle, sole.handle) AS contract, page.since, page.binding,
    page.deadline_at < $1 AS overdue, owner.handle AS owner, acting.handle AS acting, page.snoozed_until,
    page.kind IN ('letter', 'delivery') AND EXISTS (
        SELECT FROM gate.formation_notices f JOIN office.deliveries d ON d.notice_id = f.notice_id
        WHERE f.contract_id = page.contract_id AND f.dispatched_at IS NULL AND d.id::text = page.subject
    ) AS issuance_waits
FROM page LEFT JOIN gate.contracts c ON c.id = page.contract_id
LEFT JOIN LATERAL (
    SELECT max(h.handle) AS handle FROM office.cases k
    CROSS JOIN LATERAL (
        SELECT s.to_be_signed_id AS id FROM ca.serials s WHERE s.serial = ANY (k.serials)
        UNION ALL SELECT m.id FROM ca.certificates m WHERE m.spki_sha256 = k.spki_sha256
        UNION ALL SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = k.spki_sha256) AS named
    JOIN acme.issuances i ON i.to_be_signed_id = named.id JOIN gate.contracts h ON h.id = i.contract_id
    WHERE k.id = CASE WHEN page.contract_id IS NULL AND page.kind LIKE 'revocation%' THEN page.subject::uuid END
    HAVING count(DISTINCT h.id) = 1) AS sole ON true
LEFT JOIN gate.persons owner ON owner.id = page.owner_id LEFT JOIN gate.persons acting ON acting.id = page.acting_id
ORDER BY page.deadline_at, page.kind, page.subject;

-- name: waiting
-- No row: it does not wait, or somebody looked at it since. $1 kind  $2 subject
SELECT w.since, w.deadline_at, w.binding, w.contract_id FROM office.waiting w
LEFT JOIN office.tasks t ON t.kind = w.kind AND t.subject = w.subject
WHERE w.kind = $1 AND w.subject = $2 AND (t.done_at IS NULL OR t.done_at < w.since);

-- name: assign
-- $1 kind  $2 subject  $3 owner_id  $4 today  $5 now
INSERT INTO office.tasks AS t (kind, subject, owner_id, acting_id, changed_at)
VALUES ($1, $2, $3, office.acting($3, $4), $5)
ON CONFLICT (kind, subject) DO UPDATE
    SET owner_id = excluded.owner_id, acting_id = excluded.acting_id, changed_at = excluded.changed_at
RETURNING t.acting_id;

-- name: snooze
-- $1 kind  $2 subject  $3 until  $4 now
INSERT INTO office.tasks (kind, subject, snoozed_until, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, subject) DO UPDATE SET snoozed_until = excluded.snoozed_until, changed_at = excluded.changed_at;

-- name: done
-- No row: somebody else said so a moment ago. $1 kind  $2 subject  $3 now  $4 since when it waits
INSERT INTO office.tasks AS t (kind, subject, done_at, changed_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (kind, subject) DO UPDATE SET done_at = excluded.done_at, changed_at = excluded.changed_at
    WHERE t.done_at IS NULL OR t.done_at < $4
RETURNING t.kind;

-- name: to_hand_over
-- Tasks that wait and that somebody else does from today on. $1 today  $2 most
SELECT t.kind, t.subject, t.owner_id, t.acting_id AS was_id, office.acting(t.owner_id, $1) AS acting_id
FROM office.tasks t JOIN office.waiting w ON w.kind = t.kind AND w.subject = t.subject
WHERE t.owner_id IS NOT NULL AND t.acting_id IS DISTINCT FROM office.acting(t.owner_id, $1)
ORDER BY t.kind, t.subject LIMIT $2;

-- name: hand_over
-- No row: another did it. $1 kind  $2 subject  $3 who did it  $4 who does  $5 now
UPDATE office.tasks SET acting_id = $4, changed_at = $5
WHERE kind = $1 AND subject = $2 AND acting_id IS NOT DISTINCT FROM $3
RETURNING kind;

-- name: insert_absence
-- $1 id  $2 person_id  $3 deputy_id  $4 from_on  $5 until_on  $6 recorded_by  $7 now
INSERT INTO office.absences (id, person_id, deputy_id, from_on, until_on, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: end_absences
-- Those that last or are to come. $1 person_id  $2 today  $3 now
UPDATE office.absences SET ended_at = $3 WHERE person_id = $1 AND until_on >= $2 AND ended_at IS NULL RETURNING id;

-- name: absences
-- Those that last or are to come. $1 today  $2 most  $3 after this one, or null
SELECT a.id, p.handle AS person, d.handle AS deputy, a.from_on, a.until_on
FROM office.absences a JOIN gate.persons p ON p.id = a.person_id JOIN gate.persons d ON d.id = a.deputy_id
WHERE a.until_on >= $1 AND a.ended_at IS NULL
    AND ($3::uuid IS NULL OR (a.from_on, a.id) > (SELECT x.from_on, x.id FROM office.absences x WHERE x.id = $3))
ORDER BY a.from_on, a.id LIMIT $2;
