-- name: perhaps_blocking
-- Few: most is paid before bank data reaches the due date. A due date that is read as the bank day before it may be up to
-- two weeks early (R-9). By id, so that two writers ask in one order. $1 invoice ids
SELECT DISTINCT i.contract_id FROM gate.invoices i
CROSS JOIN LATERAL (SELECT state FROM gate.contracts WHERE id = i.contract_id OFFSET 0) AS c
WHERE i.id = ANY ($1::uuid[]) AND i.open_yen > 0 AND i.kind <> 'difference' AND c.state = 'accepted'
  AND i.due_on <= (SELECT min(covered_through) FROM gate.bank_accounts) + CASE WHEN EXISTS (
      SELECT FROM gate.readings WHERE key = 'due.roll' AND value = 'previous') THEN 14 ELSE 0 END
ORDER BY 1;
