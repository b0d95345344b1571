-- name: insert
-- No row: it is decided already.
-- $1 cause  $2 ends_on  $3 certificates  $4 notice_id  $5 first  $6 second  $7 now
INSERT INTO office.service_end (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING RETURNING one_row;

-- name: ends_on
SELECT ends_on FROM office.service_end;

-- name: told
-- The first delivery to each customer of a live contract; null: not told.
SELECT c.handle AS customer, (
    SELECT min(d.delivered_at) FROM office.service_end e JOIN office.deliveries d ON d.notice_id = e.notice_id
    WHERE d.customer_id = c.id) AS delivered_at
FROM gate.customers c
WHERE EXISTS (SELECT FROM gate.contracts t WHERE t.customer_id = c.id AND t.state = 'accepted')
ORDER BY c.handle;
