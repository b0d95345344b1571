-- name: due
-- Customers of running contracts with a corporate number, not looked up since $1. $2 not these  $3 most
SELECT u.id, u.corporate_number AS number, u.name AS customer_name, s.name, s.prefecture, s.city, s.street, s.closed_on,
    s.successor, s.checked_at,
    ARRAY(SELECT c.number FROM gate.contracts c WHERE c.customer_id = u.id AND c.state = 'accepted') AS contracts
FROM gate.customers u LEFT JOIN office.register_states s ON s.customer_id = u.id
WHERE u.corporate_number IS NOT NULL AND (s.checked_at IS NULL OR s.checked_at < $1)
  AND u.id <> ALL ($2::uuid[])
  AND EXISTS (SELECT FROM gate.contracts c WHERE c.customer_id = u.id AND c.state = 'accepted')
ORDER BY s.checked_at NULLS FIRST, u.id LIMIT $3;

-- name: keep
-- What the register says now. No row: another node has looked since.
-- $1 customer_id  $2 name  $3 prefecture  $4 city  $5 street  $6 closed_on  $7 successor  $8 now  $9 looked before, or null
INSERT INTO office.register_states AS s (customer_id, name, prefecture, city, street, closed_on, successor, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (customer_id) DO UPDATE SET name = excluded.name, prefecture = excluded.prefecture, city = excluded.city,
    street = excluded.street, closed_on = excluded.closed_on, successor = excluded.successor,
    checked_at = excluded.checked_at
WHERE s.checked_at = $9
RETURNING customer_id;

-- name: running
-- Contracts of the customer that may ask for certificates. $1 customer_id
SELECT id, number FROM gate.contracts WHERE customer_id = $1 AND state = 'accepted' ORDER BY number;

-- name: states
-- What the register said last, by customer. $1 most  $2 after this customer, or null
SELECT u.handle AS customer, s.name, s.prefecture, s.city, s.closed_on, s.successor, s.checked_at
FROM office.register_states s JOIN gate.customers u ON u.id = s.customer_id
WHERE $2::text IS NULL OR u.handle > $2 ORDER BY u.handle LIMIT $1;
