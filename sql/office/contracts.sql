-- name: insert_contract
-- Price, months and number of names are those of the plan now, and stay (T8-1). No row: the handle is taken, or the
-- plan is not on offer.
-- $1 id  $2 handle  $3 customer_id  $4 plan_id  $5 now
INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, applied_at)
SELECT $1, $2, $3, id, fee_yen, term_months, names_max, $5 FROM gate.plans
WHERE id = $4 AND offered_from <= $5 AND offered_until > $5
ON CONFLICT (handle) DO NOTHING
RETURNING id, number;

-- name: key
-- Id and number, which never change, of a contract named by handle or id.
-- $1 handle  $2 id, or null
SELECT id, number FROM gate.contracts WHERE handle = $1 OR id = $2;

-- name: contract
-- $1 id
SELECT c.id, c.number, c.handle, u.handle AS customer, u.name AS customer_name, p.handle AS plan, c.fee_yen,
    c.term_months, c.names_max, c.applied_at, c.accepted_at, s.issued_at AS first_certificate_at,
    CASE WHEN c.state = 'accepted' AND s.contract_id IS NOT NULL THEN 'active' ELSE c.state END AS state,
    c.ended_at, c.end_cause
FROM gate.contracts c
JOIN gate.customers u ON u.id = c.customer_id
JOIN gate.plans p ON p.id = c.plan_id
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.id = $1;

-- name: contracts
-- $1 most
SELECT c.id, c.number, c.handle, u.handle AS customer, u.name AS customer_name, p.handle AS plan, c.fee_yen,
    c.term_months, c.names_max, c.applied_at, c.accepted_at, s.issued_at AS first_certificate_at,
    CASE WHEN c.state = 'accepted' AND s.contract_id IS NOT NULL THEN 'active' ELSE c.state END AS state,
    c.ended_at, c.end_cause
FROM gate.contracts c
JOIN gate.customers u ON u.id = c.customer_id
JOIN gate.plans p ON p.id = c.plan_id
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
ORDER BY c.number LIMIT $1;

-- name: accept
-- $1 id  $2 now  $3 first person  $4 second person  $5 states it may be in
UPDATE gate.contracts SET state = 'accepted', accepted_at = $2, accepted_by_first = $3, accepted_by_second = $4
WHERE id = $1 AND state = ANY ($5::text[])
RETURNING id;

-- name: tell
-- The notice of its formation, which has not left (T4-5).
-- $1 contract_id  $2 notice_id
INSERT INTO gate.formation_notices (contract_id, notice_id) VALUES ($1, $2);

-- name: live_names
-- $1 contract_id
SELECT kind, value, added_at FROM gate.contract_names WHERE contract_id = $1 AND removed_at IS NULL
ORDER BY kind, value;

-- name: insert_name
-- No row: the name is there already.
-- $1 id  $2 contract_id  $3 kind  $4 value  $5 network, or null  $6 now
INSERT INTO gate.contract_names (id, contract_id, kind, value, network, added_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (contract_id, value, kind) WHERE removed_at IS NULL DO NOTHING
RETURNING kind, value, added_at;

-- name: remove_name
-- $1 contract_id  $2 kind  $3 value  $4 now
UPDATE gate.contract_names SET removed_at = $4
WHERE contract_id = $1 AND kind = $2 AND value = $3 AND removed_at IS NULL
RETURNING kind, value, added_at;

-- name: insert_consent
-- T2-1.
-- $1 id  $2 contract_id  $3 terms_version  $4 cps_version  $5 person_id  $6 channel  $7 consented_at
INSERT INTO gate.consents (id, contract_id, terms_version, cps_version, person_id, channel, consented_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: insert_review_item
-- T4-3. The first item begins the review (articles.md §0.3).
-- $1 id  $2 contract_id  $3 kind  $4 criteria_version  $5 source  $6 obtained_on  $7 checked_by  $8 verdict  $9 now
WITH begun AS (UPDATE gate.contracts SET state = 'under_review' WHERE id = $2 AND state = 'applied')
INSERT INTO gate.review_items
    (id, contract_id, kind, criteria_version, source, obtained_on, checked_by, verdict, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: review_items
-- $1 contract_id
SELECT DISTINCT ON (r.kind) r.kind, r.verdict, r.obtained_on, r.criteria_version, r.source, p.handle AS checked_by
FROM gate.review_items r JOIN gate.persons p ON p.id = r.checked_by
WHERE r.contract_id = $1
ORDER BY r.kind, r.obtained_on DESC, r.recorded_at DESC;

-- name: insert_subject
-- $1 id  $2 contract_id  $3 organization  $4 country  $5 state_or_province  $6 locality  $7 checked_by  $8 now
INSERT INTO gate.reviewed_subjects
    (id, contract_id, organization, country, state_or_province, locality, checked_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
