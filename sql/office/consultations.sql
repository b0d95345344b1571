-- name: set
-- No row: one is held already. $1 id  $2 contract_id  $3 reason  $4 owner  $5 review_on  $6 set_by  $7 now
INSERT INTO office.consultations (id, contract_id, reason, owner_id, review_on, set_by, set_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (contract_id) WHERE ended_at IS NULL DO NOTHING RETURNING id;

-- name: review
-- No row: none is held. $1 contract_id  $2 review_on
UPDATE office.consultations SET review_on = $2 WHERE contract_id = $1 AND ended_at IS NULL RETURNING id;

-- name: end
-- No row: none is held. $1 contract_id  $2 person  $3 now
UPDATE office.consultations SET ended_by = $2, ended_at = $3 WHERE contract_id = $1 AND ended_at IS NULL RETURNING id;

-- name: held
-- $1 contract ids
SELECT EXISTS (SELECT FROM office.consultations WHERE contract_id = ANY ($1::uuid[]) AND ended_at IS NULL);

-- name: consultations
-- Those held, over a contract or all; the nearest review first. $1 contract_id, or null  $2 most
-- $3 after one with this day to look again, or null  $4 and the contract of this handle
SELECT c.handle AS contract, h.reason, p.handle AS owner, h.review_on, h.set_at
FROM office.consultations h JOIN gate.contracts c ON c.id = h.contract_id JOIN gate.persons p ON p.id = h.owner_id
WHERE h.ended_at IS NULL AND ($1::uuid IS NULL OR h.contract_id = $1)
    AND ($3::date IS NULL OR (h.review_on, c.handle) > ($3, $4::text))
ORDER BY h.review_on, c.handle LIMIT $2;
