-- name: insert_hold
-- T3-4, T13-2.
-- $1 id  $2 contract_id  $3 kind  $4 status  $5 item, or null  $6 reason  $7 set_by  $8 now
INSERT INTO gate.holds (id, contract_id, kind, status, item, reason, set_by, set_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: contract_of_hold
-- $1 id
SELECT c.id, c.number FROM gate.holds h JOIN gate.contracts c ON c.id = h.contract_id WHERE h.id = $1;

-- name: suspect
-- No row: it is not reported any more. $1 id
UPDATE gate.holds SET status = 'suspected' WHERE id = $1 AND status = 'reported' RETURNING id;

-- name: confirm
-- Two people (T3-4). No row: confirmed or lifted before. $1 id  $2 first person  $3 second person  $4 now
UPDATE gate.holds SET status = 'confirmed', confirmed_by_first = $2, confirmed_by_second = $3, confirmed_at = $4
WHERE id = $1 AND status IN ('reported', 'suspected')
RETURNING id;

-- name: lift
-- No row: lifted before.
-- $1 id  $2 first person  $3 second person  $4 now
UPDATE gate.holds SET status = 'lifted', lifted_by_first = $2, lifted_by_second = $3, lifted_at = $4
WHERE id = $1 AND lifted_at IS NULL
RETURNING id;

-- name: holds
-- Live ones, of one contract or of all.
-- $1 contract_id, or null  $2 most  $3 after this one, or null
SELECT h.id, c.handle AS contract, h.kind, h.status, h.item, h.reason, p.handle AS set_by, h.set_at
FROM gate.holds h JOIN gate.contracts c ON c.id = h.contract_id JOIN gate.persons p ON p.id = h.set_by
WHERE h.lifted_at IS NULL AND ($1::uuid IS NULL OR h.contract_id = $1)
    AND ($3::uuid IS NULL OR (h.set_at, h.id) > (SELECT x.set_at, x.id FROM gate.holds x WHERE x.id = $3))
ORDER BY h.set_at, h.id LIMIT $2;

-- name: finding
-- Whether two people confirmed that the contract is held for anti-social forces (T13-2), of columns that the office may
-- read; its grounds are compliance's (T13-3). $1 contract_id
SELECT EXISTS (SELECT FROM gate.holds
    WHERE contract_id = $1 AND kind = 'antisocial' AND status = 'confirmed' AND lifted_at IS NULL);

-- name: insert_change
-- T6-4.
-- $1 id  $2 contract_id  $3 item  $4 in_certificate  $5 learned_at
INSERT INTO gate.information_changes (id, contract_id, item, in_certificate, learned_at) VALUES ($1, $2, $3, $4, $5);

-- name: contract_of_change
-- $1 id
SELECT c.id, c.number FROM gate.information_changes i JOIN gate.contracts c ON c.id = i.contract_id WHERE i.id = $1;

-- name: resolve_change
-- No row: resolved before.
-- $1 id  $2 now
UPDATE gate.information_changes SET resolved_at = $2 WHERE id = $1 AND resolved_at IS NULL RETURNING id;

-- name: changes
-- Unresolved ones of a contract.
-- $1 contract_id
SELECT id, item, in_certificate, learned_at FROM gate.information_changes
WHERE contract_id = $1 AND resolved_at IS NULL ORDER BY learned_at, id;

-- name: insert_suspension
-- T10-1, T22-1.
-- $1 id  $2 clause  $3 cause  $4 starts_at  $5 ends_at, or null  $6 set_by
INSERT INTO gate.suspensions (id, clause, cause, starts_at, ends_at, set_by) VALUES ($1, $2, $3, $4, $5, $6);

-- name: end_suspension
-- No row: it has ended, or has not begun.
-- $1 id  $2 now
UPDATE gate.suspensions SET ends_at = $2 WHERE id = $1 AND starts_at < $2 AND (ends_at IS NULL OR ends_at > $2)
RETURNING id;

-- name: suspensions
-- Those that have not ended.
-- $1 now
SELECT s.id, s.clause, s.cause, s.starts_at, s.ends_at, p.handle AS set_by
FROM gate.suspensions s JOIN gate.persons p ON p.id = s.set_by
WHERE s.ends_at IS NULL OR s.ends_at > $1
ORDER BY s.starts_at;
