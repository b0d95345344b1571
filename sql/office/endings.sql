-- name: end
-- An accepted contract ends; no row: it is not running. $1 id  $2 now  $3 cause
UPDATE gate.contracts SET state = 'ended', ended_at = $2, end_cause = $3 WHERE id = $1 AND state = 'accepted'
RETURNING id;

-- name: record
-- Who asked or decided. $1 contract_id  $2 cause  $3 clause  $4 asked_by  $5 first  $6 second  $7 now
INSERT INTO office.endings (contract_id, cause, clause, asked_by, decided_by_first, decided_by_second, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: without_certificate
-- Accepted before $1 and never issued for (T12-8); by number. $1 accepted before  $2 after number  $3 most
SELECT c.id, c.number, c.accepted_at FROM gate.contracts c
WHERE c.state = 'accepted' AND c.accepted_at < $1 AND c.number > $2
  AND NOT EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id)
ORDER BY c.number LIMIT $3;

-- name: perhaps_expired
-- Running contracts whose own term is over, were it counted from their first certificate: a renewal may last longer.
-- $1 now  $2 after number  $3 most
SELECT c.id, c.number FROM gate.contracts c JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.state = 'accepted' AND c.number > $2
  AND s.issued_at + make_interval(months => c.term_months) - interval '1 day' <= $1
ORDER BY c.number LIMIT $3;

-- name: live_certificates
-- notAfter of what may be in use (T12-3). $1 contract_id  $2 now
SELECT not_after FROM acme.living($1, $2);

-- name: reissues_pending
-- $1 most
SELECT p.contract_id, c.number, p.since, p.ends_at FROM office.reissues_pending p JOIN gate.contracts c ON c.id = p.contract_id
WHERE p.closed_at IS NULL ORDER BY p.ends_at LIMIT $1;

-- name: close_reissue
-- $1 contract_id  $2 now
UPDATE office.reissues_pending SET closed_at = $2 WHERE contract_id = $1 AND closed_at IS NULL;

-- name: still_idle
-- When the lapse of an accepted contract without a certificate was announced. No row: it is used, or ended.
-- $1 contract_id
SELECT a.announced_at FROM gate.contracts c
JOIN office.announcements a ON a.contract_id = c.id AND a.kind = 'lapse'
WHERE c.id = $1 AND c.state = 'accepted'
  AND NOT EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id);
