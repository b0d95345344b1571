-- name: terms_version
-- T20-3. $1 now
SELECT gate.terms_in_force($1);

-- name: insert
-- $1 id  $2 contract_id  $3 incident_on  $4 damage_yen  $5 received_fee_yen  $6 term_months  $7 term_end  $8 ceiling_yen
-- $9 proposed_yen  $10 excluded_by  $11 terms_version  $12 answered_by  $13 now
INSERT INTO office.liability_proposals (id, contract_id, incident_on, damage_yen, received_fee_yen, term_months,
    term_end, ceiling_yen, proposed_yen, excluded_by, terms_version, answered_by, proposed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: proposals
-- Of a contract, or all; newest first. $1 contract_id, or null  $2 most  $3 before this one, or null
SELECT l.id, c.handle AS contract, l.incident_on, l.damage_yen, l.received_fee_yen, l.term_months, l.term_end,
    l.ceiling_yen, l.proposed_yen, l.excluded_by, l.terms_version, p.handle AS answered_by, l.proposed_at
FROM office.liability_proposals l JOIN gate.contracts c ON c.id = l.contract_id
JOIN gate.persons p ON p.id = l.answered_by
WHERE ($1::uuid IS NULL OR l.contract_id = $1) AND ($3::uuid IS NULL OR l.id < $3) ORDER BY l.id DESC LIMIT $2;
