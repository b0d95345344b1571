-- Statements of office/storage/settlements.py: what two people made of the fee of a contract that ended early (Article 9).

-- name: insert
-- No row: it is settled already.
-- $1 contract_id  $2 end_cause  $3 ended_on  $4 outcome  $5 owed  $6 open  $7 ceiling, or null  $8 returned  $9 reason
-- $10 first  $11 second  $12 now
INSERT INTO office.settlements (contract_id, end_cause, ended_on, outcome, owed_yen, open_yen, ceiling_yen, returned_yen,
    reason, decided_by_first, decided_by_second, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING RETURNING contract_id;

-- name: settlements
-- Newest first. $1 most  $2 after that of the contract of this handle, or null
SELECT c.handle AS contract, s.end_cause, s.ended_on, s.outcome, s.owed_yen, s.open_yen, s.ceiling_yen, s.returned_yen,
    s.reason, one.handle AS first, two.handle AS second, s.decided_at
FROM office.settlements s JOIN gate.contracts c ON c.id = s.contract_id
JOIN gate.persons one ON one.id = s.decided_by_first JOIN gate.persons two ON two.id = s.decided_by_second
LEFT JOIN (office.settlements l JOIN gate.contracts lc ON lc.id = l.contract_id) ON lc.handle = $2
WHERE $2::text IS NULL OR s.decided_at < l.decided_at OR (s.decided_at = l.decided_at AND c.handle > $2)
ORDER BY s.decided_at DESC, c.handle LIMIT $1;
