-- Statements of office/storage/case_deadlines.py: deadlines of revocations that run.

-- name: clocks
-- Cases whose deadline for published revocation runs, the nearest first. $1 most
SELECT id, ground, underlying, deadline_at FROM office.cases
WHERE state NOT IN ('published', 'closed') AND deadline_at IS NOT NULL ORDER BY deadline_at, id LIMIT $1;

-- name: results_due
-- $1 most
SELECT id, executed_at AS since, result_due_at AS due_at FROM office.cases
WHERE result_due_at IS NOT NULL AND result_notice_id IS NULL ORDER BY result_due_at, id LIMIT $1;

-- name: warn
-- No row: the officers were told. $1 subject  $2 kind of deadline  $3 seconds left  $4 now
INSERT INTO office.deadline_warnings (subject_id, kind, threshold, warned_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING subject_id;
