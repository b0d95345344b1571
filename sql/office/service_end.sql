-- name: decide
-- No row: it is decided for that day or a later one, or everybody was told in time.
-- $1 cause  $2 ends_on  $3 certificates  $4 notice_id  $5 first  $6 second  $7 now
INSERT INTO office.service_end AS e
    (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (one_row) DO UPDATE SET cause = $1, ends_on = $2, certificates = $3, notice_id = $4, decided_by_first = $5,
    decided_by_second = $6, decided_at = $7
WHERE e.suspension_id IS NULL AND e.ends_on < $2
RETURNING one_row;

-- name: give_up_letters
-- Nothing of the notice of an earlier day goes out any more. $1 notice_id of the day decided
UPDATE office.deliveries d SET state = 'dropped', locked_until = NULL, fence = fence + 1
FROM office.notices n
WHERE n.id = d.notice_id AND n.kind = 'service_end' AND n.id <> $1 AND d.state IN ('waiting', 'person');

-- name: ends_on
SELECT ends_on FROM office.service_end;

-- name: told
-- The first delivery to each customer of a live contract since the day was decided; null: not told. `announced`: all its
-- live contracts were accepted after that. $1 after this handle  $2 most, or null: all
WITH reached AS (
    SELECT d.customer_id, min(d.delivered_at) AS delivered_at
    FROM office.service_end e JOIN office.notices n ON n.kind = 'service_end' AND n.queued_at >= e.decided_at
    JOIN office.deliveries d ON d.notice_id = n.id GROUP BY d.customer_id)
SELECT c.handle AS customer, r.delivered_at, t.accepted_at > coalesce(e.decided_at, 'infinity') AS announced
FROM gate.customers c
JOIN LATERAL (SELECT min(t.accepted_at) AS accepted_at FROM gate.contracts t
              WHERE t.customer_id = c.id AND t.state = 'accepted') AS t ON t.accepted_at IS NOT NULL
LEFT JOIN office.service_end e ON true LEFT JOIN reached r ON r.customer_id = c.id
WHERE c.handle > $1
ORDER BY c.handle LIMIT $2;

-- name: untold
-- Customers of contracts that were accepted since the notice was addressed; nothing of it goes to them. $1 most
SELECT c.id FROM gate.customers c JOIN office.service_end e ON true
JOIN office.notices o ON o.id = e.notice_id AND o.addressed_at IS NOT NULL
WHERE EXISTS (SELECT FROM gate.contracts t WHERE t.customer_id = c.id AND t.state = 'accepted')
  AND NOT EXISTS (SELECT FROM office.deliveries d WHERE d.notice_id = e.notice_id AND d.customer_id = c.id)
  AND NOT EXISTS (SELECT FROM office.notices n
                  WHERE n.kind = 'service_end' AND n.customer_id = c.id AND n.queued_at >= e.decided_at)
ORDER BY c.id LIMIT $1;

-- name: decided
-- Nobody decides another day meanwhile. No row: it is not decided.
SELECT ends_on, certificates, suspension_id, decided_by_first, decided_by_second FROM office.service_end FOR UPDATE;

-- name: close
-- Nothing is issued past the end: every recipient was told in time (T23-3). $1 suspension_id
UPDATE office.service_end SET suspension_id = $1;

-- name: running
-- Contracts that end with the service; by number. $1 after number  $2 most
SELECT id, number FROM gate.contracts WHERE state = 'accepted' AND number > $1 ORDER BY number LIMIT $2;
