-- Statements of office/storage/tokens.py: who may call the JSON API.

-- name: insert
-- $1 id  $2 sha256  $3 person_id, or null  $4 service, or null  $5 role  $6 customer_id, or null  $7 now  $8 expires_at
-- $9 $10 the two who grant it, or null
INSERT INTO office.tokens (id, sha256, person_id, service, role, customer_id, created_at, expires_at, granted_by_first,
    granted_by_second)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: hold
-- Until the transaction ends nobody else makes a token of this holder. $1 person_id, or null  $2 service, or null
SELECT pg_advisory_xact_lock(7112, hashtext(coalesce($1::uuid::text, $2::text)));

-- name: held_another
-- Whether they had a token of another role, dead ones too. $1 person_id, or null  $2 service, or null  $3 role
SELECT EXISTS (SELECT FROM office.tokens WHERE (person_id = $1 OR service = $2) AND role <> $3);

-- name: roles
-- In which a person may call now. $1 person_id  $2 now
SELECT DISTINCT role FROM office.tokens WHERE person_id = $1 AND withdrawn_at IS NULL AND expires_at > $2;

-- name: caller
-- Who holds the live token, and has not left; the day of its use is written once a day. $1 sha256  $2 now  $3 today
WITH used AS (
    UPDATE office.tokens SET last_used_on = $3
    WHERE sha256 = $1 AND withdrawn_at IS NULL AND expires_at > $2 AND last_used_on IS DISTINCT FROM $3
)
SELECT t.id, t.person_id, p.handle, t.service, t.role, t.customer_id, c.handle AS customer, t.expires_at
FROM office.tokens t LEFT JOIN gate.persons p ON p.id = t.person_id LEFT JOIN gate.customers c ON c.id = t.customer_id
WHERE t.sha256 = $1 AND t.withdrawn_at IS NULL AND t.expires_at > $2 AND p.left_at IS NULL;

-- name: tokens
-- Those that live, or all; newest first. $1 dead ones too  $2 now  $3 before this id, or null  $4 most
SELECT t.id, p.handle AS person, t.service, t.role, c.handle AS customer, t.created_at, t.expires_at, t.withdrawn_at,
    t.last_used_on, one.handle AS first, two.handle AS second
FROM office.tokens t LEFT JOIN gate.persons p ON p.id = t.person_id LEFT JOIN gate.customers c ON c.id = t.customer_id
LEFT JOIN gate.persons one ON one.id = t.granted_by_first LEFT JOIN gate.persons two ON two.id = t.granted_by_second
WHERE ($1 OR (t.withdrawn_at IS NULL AND t.expires_at > $2)) AND ($3::uuid IS NULL OR t.id < $3)
ORDER BY t.id DESC LIMIT $4;

-- name: withdraw
-- No row: withdrawn before, or no such token. $1 id  $2 now
UPDATE office.tokens SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL RETURNING id;
