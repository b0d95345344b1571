-- Statements of office/storage/leavers.py: people who leave (C-176).

-- name: leave
-- No row: they left before. $1 person_id  $2 left_at
UPDATE gate.persons SET left_at = $2 WHERE id = $1 AND left_at IS NULL RETURNING id;

-- name: withdraw_tokens
-- $1 person_id  $2 now
UPDATE office.tokens SET withdrawn_at = $2 WHERE person_id = $1 AND withdrawn_at IS NULL RETURNING id;

-- name: insert
-- $1 person_id  $2 recorded_by  $3 now
INSERT INTO office.departures (person_id, recorded_by, recorded_at) VALUES ($1, $2, $3);

-- name: removed
-- No row: nobody who left, or recorded before. $1 person_id  $2 removed_by  $3 now
UPDATE office.departures SET removed_by = $2, removed_at = $3 WHERE person_id = $1 AND removed_at IS NULL
RETURNING person_id;
