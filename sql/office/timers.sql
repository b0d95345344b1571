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
