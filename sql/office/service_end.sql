-- name: insert
-- No row: it is decided already.
-- $1 cause  $2 ends_on  $3 certificates  $4 notice_id  $5 first  $6 second  $7 now
INSERT INTO office.service_end (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING RETURNING one_row;

-- name: ends_on
SELECT ends_on FROM office.service_end;

-- name: told
-- The first delivery to each customer of a live contract; null: not told. $1 after this handle  $2 most, or null: all
SELECT c.handle AS customer, (
    SELECT min(d.delivered_at) FROM office.service_end e JOIN office.deliveries d ON d.notice_id = e.notice_id
    WHERE d.customer_id = c.id) AS delivered_at
FROM gate.customers c
WHERE c.handle > $1 AND EXISTS (SELECT FROM gate.contracts t WHERE t.customer_id = c.id AND t.state = 'accepted')
ORDER BY c.handle LIMIT $2;

-- name: decided
-- No row: it is not decided.
SELECT ends_on, certificates, suspension_id, decided_by_first, decided_by_second FROM office.service_end;

-- name: close
-- Nothing is issued past the end: every recipient was told in time (T23-3). No row: somebody was first. $1 suspension_id
UPDATE office.service_end SET suspension_id = $1 WHERE suspension_id IS NULL RETURNING one_row;

-- name: running
-- Contracts that end with the service; by number. $1 after number  $2 most
SELECT id, number FROM gate.contracts WHERE state = 'accepted' AND number > $1 ORDER BY number LIMIT $2;
