-- name: perhaps_blocking
-- Running contracts that one of these invoices may block: its own, and those of its customer that any of theirs blocks
-- (R-13); of which customer, and whether it is so. Few: most is paid before bank data reaches the due date. A due date
-- that is read as the bank day before it may be up to two weeks early (R-9). By id, so that two writers ask in one order.
-- $1 invoice ids
WITH paid AS MATERIALIZED (
    SELECT DISTINCT c.id, c.customer_id, c.state FROM gate.invoices i
    CROSS JOIN LATERAL (SELECT id, customer_id, state FROM gate.contracts WHERE id = i.contract_id OFFSET 0) AS c
    WHERE i.id = ANY ($1::uuid[]) AND i.open_yen > 0 AND i.kind <> 'difference'
      AND i.due_on <= (SELECT min(awaited_after) FROM gate.bank_accounts) + CASE WHEN EXISTS (
          SELECT FROM gate.readings WHERE key = 'due.roll' AND value = 'previous') THEN 14 ELSE 0 END
), whole AS (
    SELECT c.id, c.customer_id FROM gate.contracts c
    WHERE EXISTS (SELECT FROM gate.readings WHERE key = 'block.scope' AND value = 'customer')
      AND c.customer_id = ANY (ARRAY(SELECT customer_id FROM paid)) AND c.state = 'accepted' AND (
          SELECT r.value FROM gate.readings r WHERE r.key = 'block.scope' AND r.effective_at <= c.accepted_at
          ORDER BY r.effective_at DESC LIMIT 1) = 'customer'
)
SELECT id AS contract_id, customer_id, true AS whole_customer FROM whole
UNION ALL
SELECT id, customer_id, false FROM paid WHERE state = 'accepted' AND NOT EXISTS (SELECT FROM whole WHERE whole.id = paid.id)
ORDER BY 1;

-- name: hold_customers
-- What is paid for one of these customers at this moment is committed first. $1 customer ids
SELECT pg_advisory_xact_lock(7002, n) FROM (
    SELECT DISTINCT hashtext(id::text) AS n FROM unnest($1::uuid[]) AS id ORDER BY 1) AS each;
