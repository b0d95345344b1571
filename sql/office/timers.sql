-- name: suspension
-- When a suspension began. No row: there is none. $1 id
SELECT starts_at FROM gate.suspensions WHERE id = $1;

-- name: extend
-- $1 id  $2 suspension_id  $3 contract_id  $4 timer  $5 until  $6 reason  $7 person  $8 now
INSERT INTO office.timer_extensions (id, suspension_id, contract_id, timer, until, reason, extended_by, extended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: reissue
-- No row: the contract waits for no reissue, or for longer. $1 contract_id  $2 until
UPDATE office.reissues_pending SET ends_at = $2 WHERE contract_id = $1 AND closed_at IS NULL AND ends_at < $2
RETURNING contract_id;

-- name: lapse_until
-- Until when the lapse of a contract is put off; null: it is not. $1 contract_id
SELECT max(until) FROM office.timer_extensions WHERE contract_id = $1 AND timer = 'lapse';

-- name: extensions
-- All, newest first. $1 most
SELECT e.id, c.handle AS contract, e.timer, e.until, e.suspension_id, e.reason, p.handle AS extended_by, e.extended_at
FROM office.timer_extensions e JOIN gate.contracts c ON c.id = e.contract_id JOIN gate.persons p ON p.id = e.extended_by
ORDER BY e.extended_at DESC, e.id DESC LIMIT $1;

-- name: extensions_of
-- Of a contract, newest first. $1 contract_id  $2 most  $3 after this one, or null
SELECT e.id, c.handle AS contract, e.timer, e.until, e.suspension_id, e.reason, p.handle AS extended_by, e.extended_at
FROM office.timer_extensions e JOIN gate.contracts c ON c.id = e.contract_id JOIN gate.persons p ON p.id = e.extended_by
WHERE e.contract_id = $1
    AND ($3::uuid IS NULL OR (e.extended_at, e.id) < (
        SELECT x.extended_at, x.id FROM office.timer_extensions x WHERE x.id = $3))
ORDER BY e.extended_at DESC, e.id DESC LIMIT $2;
