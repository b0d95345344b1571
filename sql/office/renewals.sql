-- name: line
-- The contract, then those before it, nearest first: all that a term is counted from. $1 contract_id
WITH RECURSIVE line AS (
    SELECT c.id, c.number, c.predecessor_id, c.link, c.end_cause, c.accepted_at, c.term_months, NULL AS led_by, 0 AS depth
    FROM gate.contracts c WHERE c.id = $1
    UNION ALL
    SELECT p.id, p.number, p.predecessor_id, p.link, p.end_cause, p.accepted_at, p.term_months, l.link, l.depth + 1
    FROM line l JOIN gate.contracts p ON p.id = l.predecessor_id WHERE l.depth < 100
)
SELECT l.id AS contract_id, l.number, l.end_cause, l.accepted_at, s.issued_at AS started_at, l.term_months,
    coalesce(l.led_by, 'renewal') AS link, l.link AS own_link
FROM line l LEFT JOIN gate.contract_starts s ON s.contract_id = l.id ORDER BY l.depth;

-- name: term_readings
-- $1 now
SELECT key, effective_at, value FROM gate.readings
WHERE key IN ('term.first_day', 'renewal.opens', 'renewal.issues') AND effective_at <= $1;

-- name: insert_successor
-- An application that follows a contract of the same customer (T12-4, T14-1). No row: the handle is taken, or that
-- contract has a successor or is no contract, or the customer's name is destroyed (T16-2).
-- $1 id  $2 handle  $3 predecessor_id  $4 plan_id, or null: the same  $5 link  $6 now
INSERT INTO gate.contracts
    (id, handle, customer_id, plan_id, predecessor_id, link, fee_yen, term_months, names_max, applied_at)
SELECT $1, $2, o.customer_id, p.id, o.id, $5, p.fee_yen, p.term_months, p.names_max, $6
FROM gate.contracts o JOIN gate.plans p ON p.id = coalesce($4, o.plan_id)
JOIN gate.customers u ON u.id = o.customer_id AND u.personal_data_destroyed_at IS NULL
WHERE o.id = $3 AND o.accepted_at IS NOT NULL AND p.offered_from <= $6 AND p.offered_until > $6
ON CONFLICT DO NOTHING
RETURNING id, number;

-- name: copy_names
-- The names of the contract before it, as an application may list them again. $1 predecessor_id  $2 ids  $3 contract_id  $4 now
INSERT INTO gate.contract_names (id, contract_id, kind, value, network, added_at)
SELECT ids.id, $3, n.kind, n.value, n.network, $4
FROM (SELECT kind, value, network, row_number() OVER (ORDER BY kind, value) AS place FROM gate.contract_names
      WHERE contract_id = $1 AND removed_at IS NULL) n
JOIN unnest($2::uuid[]) WITH ORDINALITY AS ids(id, place) ON ids.place = n.place;

-- name: serve
-- From then on the keys and accounts of the contracts before it place their orders here (T12-7).
-- $1 contract ids before it  $2 successor_id  $3 starts_at
INSERT INTO gate.successions (contract_id, successor_id, starts_at) SELECT unnest($1::uuid[]), $2, $3;

-- name: give_back
-- A successor that ended early serves nobody any more. $1 successor_id  $2 now
UPDATE gate.successions SET ends_at = $2 WHERE successor_id = $1 AND ends_at > $2;

-- name: successor_numbers
-- Locks of the contracts that a contract's keys serve. $1 contract_id
SELECT c.number FROM gate.successions s JOIN gate.contracts c ON c.id = s.successor_id WHERE s.contract_id = $1;

-- name: consent
-- $1 contract_id  $2 plan_id  $3 person_id  $4 now
INSERT INTO office.renewal_consents (contract_id, plan_id, person_id, consented_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (contract_id) DO NOTHING
RETURNING contract_id;

-- name: withdraw_consent
-- $1 contract_id  $2 now
UPDATE office.renewal_consents SET withdrawn_at = $2 WHERE contract_id = $1 AND withdrawn_at IS NULL
RETURNING contract_id;

-- name: consented
-- Running contracts with a standing consent for a plan that is on offer, whose term may end before $1; an application that
-- came to nothing is not made again by itself. $1 until  $2 now  $3 after number  $4 most
SELECT c.id, c.number, c.handle, p.id AS plan_id, p.term_months, r.person_id
FROM office.renewal_consents r JOIN gate.contracts c ON c.id = r.contract_id
JOIN gate.contract_starts s ON s.contract_id = c.id JOIN gate.plans p ON p.id = r.plan_id
WHERE r.withdrawn_at IS NULL AND c.state = 'accepted' AND c.number > $3
  AND s.issued_at + make_interval(months => c.term_months) - interval '1 day' <= $1
  AND p.offered_from <= $2 AND p.offered_until > $2
  AND NOT EXISTS (SELECT FROM gate.contracts n WHERE n.predecessor_id = c.id)
ORDER BY c.number LIMIT $4;

-- name: consents
-- Whether the contract runs and its customer consents. $1 contract_id
SELECT EXISTS (SELECT FROM office.renewal_consents r JOIN gate.contracts c ON c.id = r.contract_id
    WHERE r.contract_id = $1 AND r.withdrawn_at IS NULL AND c.state = 'accepted');

-- name: free_handle
-- No row: all are taken. $1 handles, in order
SELECT w.handle FROM unnest($1::text[]) WITH ORDINALITY AS w (handle, place)
WHERE NOT EXISTS (SELECT FROM gate.contracts c WHERE c.handle = w.handle) ORDER BY w.place LIMIT 1;

-- name: renewal_due
-- Running contracts whose term may end before $1, without a successor or an announcement. $1 until  $2 after number  $3 most
SELECT c.id, c.number FROM gate.contracts c JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.state = 'accepted' AND c.number > $2
  AND s.issued_at + make_interval(months => c.term_months) - interval '1 day' <= $1
  AND NOT EXISTS (SELECT FROM office.announcements a WHERE a.contract_id = c.id AND a.kind = 'renewal')
ORDER BY c.number LIMIT $3;

-- name: announce
-- No row: announced before. $1 contract_id  $2 kind  $3 now
INSERT INTO office.announcements (contract_id, kind, announced_at) VALUES ($1, $2, $3)
ON CONFLICT (contract_id, kind) DO NOTHING
RETURNING contract_id;
