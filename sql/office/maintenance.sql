-- name: insert
-- $1 id  $2 reason  $3 starts_at  $4 ends_at  $5 notice_id  $6 emergency  $7 planned_by  $8 now
INSERT INTO office.maintenance (id, reason, starts_at, ends_at, notice_id, emergency, planned_by, planned_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: locked
-- $1 id
SELECT m.id, m.reason, m.starts_at, m.ends_at, m.notice_id,
       (SELECT d.delivered_at FROM office.deliveries d WHERE d.notice_id = m.notice_id AND d.channel = 'web') AS told_at,
       m.emergency, m.suspension_id
FROM office.maintenance m WHERE m.id = $1 FOR UPDATE OF m;

-- name: opened
-- $1 id  $2 suspension_id
UPDATE office.maintenance SET suspension_id = $2 WHERE id = $1 AND suspension_id IS NULL;

-- name: windows
-- Newest first. $1 most  $2 before this one, or null
SELECT m.id, m.reason, m.starts_at, m.ends_at, m.notice_id,
       (SELECT d.delivered_at FROM office.deliveries d WHERE d.notice_id = m.notice_id AND d.channel = 'web') AS told_at,
       m.emergency, m.suspension_id
FROM office.maintenance m WHERE $2::uuid IS NULL OR m.id < $2 ORDER BY m.id DESC LIMIT $1;
