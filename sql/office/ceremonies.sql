-- name: hold_room
-- One ceremony is held at a time, on any node; until the connection ends.
SELECT pg_try_advisory_lock(7104);

-- name: newest
SELECT id, script, begun_at, transcript, ended_at FROM office.ceremonies ORDER BY begun_at DESC, id DESC LIMIT 1;

-- name: listed
-- Newest first. $1 before this id, or null  $2 most
SELECT id, begun_at, ended_at FROM office.ceremonies WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2;

-- name: ceremony
-- $1 id
SELECT id, script, begun_at, transcript, ended_at FROM office.ceremonies WHERE id = $1;

-- name: insert_ceremony
-- $1 id  $2 script  $3 begun_at
INSERT INTO office.ceremonies (id, script, begun_at) VALUES ($1, $2, $3);

-- name: steps
-- $1 ceremony_id
SELECT s.step, s.tbs, s.prepared_at, s.preparations, s.result, s.done_at, a.handle AS first, b.handle AS second
FROM office.ceremony_steps s
LEFT JOIN gate.persons a ON a.id = s.first_person
LEFT JOIN gate.persons b ON b.id = s.second_person
WHERE s.ceremony_id = $1 ORDER BY s.number;

-- name: prepare
-- What the step will sign; what was prepared before and is not done is replaced.
-- $1 ceremony_id  $2 number  $3 step  $4 tbs  $5 prepared_at
INSERT INTO office.ceremony_steps AS s (ceremony_id, number, step, tbs, prepared_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ceremony_id, number) DO UPDATE
SET tbs = excluded.tbs, prepared_at = excluded.prepared_at, preparations = s.preparations + 1 WHERE s.done_at IS NULL;

-- name: finish_step
-- $1 ceremony_id  $2 step  $3 first_person  $4 second_person  $5 result  $6 done_at
UPDATE office.ceremony_steps SET first_person = $3, second_person = $4, result = $5, done_at = $6
WHERE ceremony_id = $1 AND step = $2 AND done_at IS NULL RETURNING number;

-- name: end_ceremony
-- $1 id  $2 transcript  $3 ended_at
UPDATE office.ceremonies SET transcript = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL RETURNING id;
