-- name: insert
-- No row: the version is announced or among the texts already, or other Terms count from that very instant.
-- $1 version  $2 sha256  $3 url  $4 change  $5 reason  $6 effective_at  $7 notice_id  $8 announced_by
INSERT INTO office.terms_changes (version, sha256, url, change, reason, effective_at, notice_id, announced_by)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE NOT EXISTS (SELECT FROM gate.texts WHERE kind = 'terms' AND (version = $1 OR effective_at = $6))
ON CONFLICT DO NOTHING
RETURNING version;

-- name: withdraw
-- $1 version  $2 now
UPDATE office.terms_changes SET withdrawn_at = $2
WHERE version = $1 AND withdrawn_at IS NULL AND announced_at IS NULL RETURNING version;

-- name: delivered
SELECT t.version, t.sha256, t.url, t.change, t.reason, t.effective_at, t.notice_id, d.delivered_at, t.announced_at,
       t.withdrawn_at
FROM office.terms_changes t JOIN office.deliveries d ON d.notice_id = t.notice_id AND d.channel = 'web'
WHERE t.announced_at IS NULL AND t.withdrawn_at IS NULL AND d.delivered_at IS NOT NULL
FOR UPDATE OF t SKIP LOCKED;

-- name: enact
-- T20-1: both or neither. No row: Terms of that version or instant were added meanwhile.
-- $1 version  $2 announced_at
WITH enacted AS (
    INSERT INTO gate.texts (kind, version, sha256, url, effective_at)
    SELECT 'terms', version, sha256, url, effective_at FROM office.terms_changes WHERE version = $1
    ON CONFLICT DO NOTHING RETURNING version
)
UPDATE office.terms_changes SET announced_at = $2 WHERE version = (SELECT version FROM enacted) RETURNING version;

-- name: changes
-- Newest first. $1 most  $2 after this version, or null
SELECT t.version, t.sha256, t.url, t.change, t.reason, t.effective_at, t.notice_id, d.delivered_at, t.announced_at,
       t.withdrawn_at
FROM office.terms_changes t LEFT JOIN office.deliveries d ON d.notice_id = t.notice_id AND d.channel = 'web'
WHERE $2::text IS NULL OR (t.effective_at, t.version) < (
    SELECT x.effective_at, x.version FROM office.terms_changes x WHERE x.version = $2)
ORDER BY t.effective_at DESC, t.version DESC LIMIT $1;
