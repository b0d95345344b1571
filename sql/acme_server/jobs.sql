-- name: claim
-- Due jobs, each taken by one worker with a new fence and a lease, which is shorter for issuance: it has a deadline.
-- $1 how many  $2 worker  $3 lease in seconds  $4 that of issuance at most  $5 kinds
UPDATE acme.jobs j SET locked_by = $2, attempts = attempts + 1, fence = fence + 1,
    locked_until = now() + make_interval(secs => CASE kind WHEN 'issue' THEN least($3::float8, $4::float8) ELSE $3::float8 END)
FROM (
    SELECT id FROM acme.jobs
    WHERE NOT dead AND run_at <= now() AND (locked_until IS NULL OR locked_until < now()) AND attempts < max_attempts
      AND kind = ANY ($5)
    ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
) AS due
WHERE j.id = due.id
RETURNING j.id, j.kind, j.subject, j.attempts, j.max_attempts, j.fence, j.deadline_at;

-- name: enqueue
-- One live job per kind and subject. $1 id  $2 kind  $3 subject  $4 attempts at most
INSERT INTO acme.jobs (id, kind, subject, max_attempts) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, subject) WHERE NOT dead DO NOTHING;

-- name: finish
-- $1 id  $2 fence
DELETE FROM acme.jobs WHERE id = $1 AND fence = $2;

-- name: fail
-- Back into the queue with growing, jittered delay; dead after its last attempt. $1 id  $2 fence  $3 error  $4 cap in s
UPDATE acme.jobs SET locked_by = NULL, locked_until = NULL, last_error = $3, dead = attempts >= max_attempts,
    run_at = now() + make_interval(secs => least($4, 0.25 * 2 ^ least(attempts, 20)) * (0.5 + random()))
WHERE id = $1 AND fence = $2;

-- name: bury
-- Jobs are dead whose last worker never came back: nobody takes them any more.
UPDATE acme.jobs SET dead = true, locked_by = NULL, locked_until = NULL, last_error = 'its last worker never came back'
WHERE NOT dead AND attempts >= max_attempts AND locked_until < now();

-- name: dead
-- $1 kind
SELECT id, kind, subject, attempts, max_attempts, fence, deadline_at FROM acme.jobs WHERE dead AND kind = $1 LIMIT 100;

-- name: depth
SELECT kind, count(*) FILTER (WHERE NOT dead) AS waiting, count(*) FILTER (WHERE dead) AS dead,
    coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE NOT dead AND run_at <= now())), 0)::float8 AS oldest
FROM acme.jobs GROUP BY kind;

-- name: overdue
-- Orders whose issuance is past its deadline, whoever holds the job, and be it dead. $1 now
SELECT subject FROM acme.jobs WHERE kind = 'issue' AND deadline_at <= $1 ORDER BY deadline_at LIMIT 100;
