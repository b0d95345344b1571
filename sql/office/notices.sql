-- name: insert
-- The outbox row, in the transaction of its cause (T5-5).
-- $1 id  $2 kind  $3 clause  $4 contract_id  $5 customer_id  $6 given (JSON)  $7 now
INSERT INTO office.notices (id, kind, clause, contract_id, customer_id, given, queued_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7);

-- name: unaddressed
-- $1 most
SELECT n.id, n.kind, n.contract_id, coalesce(n.customer_id, c.customer_id) AS customer_id,
       coalesce(c.handle, '') AS contract, n.given::text AS given
FROM office.notices n LEFT JOIN gate.contracts c ON c.id = n.contract_id
WHERE n.addressed_at IS NULL
ORDER BY n.id LIMIT $1
FOR UPDATE OF n SKIP LOCKED;

-- name: parties
-- T5-2, T8-14, T8-16. A payer or dealer whose address is destroyed (T16-2) is none.
-- $1 contract_id  $2 customer_id
SELECT 'customer' AS recipient, c.id AS customer_id, c.name, c.kind, coalesce(k.language, 'ja') AS language,
       nullif(c.contact_email, '') AS email, k.postal_address, k.stale_since IS NOT NULL AS stale
FROM gate.customers c LEFT JOIN office.contacts k ON k.customer_id = c.id WHERE c.id = $2
UNION ALL
SELECT r.role, NULL, r.name, CASE r.role WHEN 'dealer' THEN 'other_organisation' END, r.language, r.email, NULL, false FROM office.recipients r
WHERE r.contract_id = $1 AND r.email <> '-';

-- name: everyone
-- Every customer of a contract that is accepted and has not ended.
SELECT 'customer' AS recipient, c.id AS customer_id, c.name, c.kind, coalesce(k.language, 'ja') AS language,
       nullif(c.contact_email, '') AS email, k.postal_address, k.stale_since IS NOT NULL AS stale
FROM gate.customers c LEFT JOIN office.contacts k ON k.customer_id = c.id
WHERE EXISTS (SELECT FROM gate.contracts t WHERE t.customer_id = c.id AND t.state = 'accepted');

-- name: addressed
-- $1 id  $2 now
UPDATE office.notices SET addressed_at = $2 WHERE id = $1 AND addressed_at IS NULL;

-- name: insert_delivery
-- $1 id  $2 notice_id  $3 recipient  $4 customer_id  $5 channel  $6 state  $7 address  $8 language  $9 subject  $10 body
-- $11 body_sha256  $12 message_id  $13 now
INSERT INTO office.deliveries (id, notice_id, recipient, customer_id, channel, state, address, language, subject, body,
    body_sha256, message_id, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: claim
-- T5-2: the address is the one registered at the moment of sending.
-- $1 channel  $2 most  $3 lease in seconds  $4 now
UPDATE office.deliveries d SET attempts = d.attempts + 1, fence = d.fence + 1,
    locked_until = clock_timestamp() + make_interval(secs => $3),
    address = CASE WHEN d.channel = 'email' AND d.recipient = 'customer'
        THEN coalesce((SELECT nullif(c.contact_email, '') FROM gate.customers c WHERE c.id = d.customer_id), d.address)
        ELSE d.address END
FROM (
    SELECT id FROM office.deliveries
    WHERE state = 'waiting' AND channel = $1 AND next_at <= $4
      AND (locked_until IS NULL OR locked_until < clock_timestamp())
    ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
) due, office.notices n
WHERE d.id = due.id AND n.id = d.notice_id
RETURNING d.id, d.notice_id, d.customer_id, n.contract_id, n.kind, n.clause, d.recipient, d.channel, d.address,
    d.subject, d.body, d.body_sha256, d.message_id, d.attempts, d.fence, n.queued_at;

-- name: handed
-- T5-3. No row: the lease ended and someone else has it.
-- $1 id  $2 fence  $3 state  $4 now  $5 delivered_at
UPDATE office.deliveries SET state = $3, handed_at = $4, delivered_at = $5, locked_until = NULL, last_error = NULL
WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id;

-- name: viewed
-- T5-4.
-- $1 id  $2 fence  $3 now
UPDATE office.deliveries SET state = 'delivered', first_viewed_at = $3, delivered_at = $3, locked_until = NULL,
    last_error = NULL
WHERE id = $1 AND fence = $2 AND state = 'waiting' RETURNING id;

-- name: failed
-- $1 id  $2 fence  $3 state  $4 reason  $5 next_at
UPDATE office.deliveries SET state = $3, last_error = $4, next_at = $5, locked_until = NULL
WHERE id = $1 AND fence = $2 AND state = 'waiting';

-- name: delivery
-- $1 id
SELECT d.id, n.kind, n.clause, c.handle AS contract, d.recipient, d.channel, d.state, d.address, d.subject, d.attempts,
       d.last_error, n.queued_at, d.handed_at, d.delivered_at, d.bounced_at, d.language, d.body, d.body_sha256,
       d.message_id, d.first_viewed_at, d.posted_on, d.customer_id
FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id LEFT JOIN gate.contracts c ON c.id = n.contract_id
WHERE d.id = $1;

-- name: by_message_id
-- $1 message_id
SELECT d.id, n.kind, n.clause, c.handle AS contract, d.recipient, d.channel, d.state, d.address, d.subject, d.attempts,
       d.last_error, n.queued_at, d.handed_at, d.delivered_at, d.bounced_at, d.language, d.body, d.body_sha256,
       d.message_id, d.first_viewed_at, d.posted_on, d.customer_id
FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id LEFT JOIN gate.contracts c ON c.id = n.contract_id
WHERE d.message_id = $1;

-- name: deliveries
-- $1 contract_id (null: all)  $2 state (null: all)  $3 most  $4 behind this one, or null
SELECT d.id, n.kind, n.clause, c.handle AS contract, d.recipient, d.channel, d.state, d.address, d.subject, d.attempts,
       d.last_error, n.queued_at, d.handed_at, d.delivered_at, d.bounced_at
FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id LEFT JOIN gate.contracts c ON c.id = n.contract_id
WHERE ($1::uuid IS NULL OR n.contract_id = $1) AND ($2::text IS NULL OR d.state = $2)
    AND ($4::uuid IS NULL OR d.id < $4)
ORDER BY d.id DESC LIMIT $3;

-- name: retry
-- $1 id  $2 now
UPDATE office.deliveries SET state = 'waiting', attempts = 0, next_at = $2, locked_until = NULL
WHERE id = $1 AND state = 'person' AND channel <> 'paper' RETURNING id;

-- name: posted
-- T5-2.
-- $1 id  $2 posted_on  $3 delivered_at
UPDATE office.deliveries SET state = 'delivered', posted_on = $2, delivered_at = $3
WHERE id = $1 AND state = 'person' AND channel = 'paper' RETURNING id;

-- name: forms
-- The contract whose formation the delivery tells of, if it is not told yet (T4-5).
-- $1 id
SELECT c.number FROM office.deliveries d
JOIN gate.formation_notices f ON f.notice_id = d.notice_id AND f.dispatched_at IS NULL
JOIN gate.contracts c ON c.id = f.contract_id WHERE d.id = $1;

-- name: dispatched
-- $1 id  $2 now
UPDATE gate.formation_notices f SET dispatched_at = $2 FROM office.deliveries d
WHERE d.id = $1 AND f.notice_id = d.notice_id AND f.dispatched_at IS NULL;

-- name: relayed
-- T5-3.
-- $1 id  $2 at
UPDATE office.deliveries SET state = 'delivered', delivered_at = $2
WHERE id = $1 AND state = 'handed' RETURNING id;

-- name: bounced
-- T5-3: a bounce undoes nothing.
-- $1 id  $2 reason  $3 at
UPDATE office.deliveries SET bounced_at = $3, last_error = $2,
    state = CASE WHEN delivered_at IS NULL THEN 'person' ELSE state END
WHERE id = $1 AND channel = 'email' AND bounced_at IS NULL RETURNING id;

-- name: set_stale
-- $1 customer_id  $2 since
INSERT INTO office.contacts AS k (customer_id, stale_since) VALUES ($1, $2)
ON CONFLICT (customer_id) DO UPDATE SET stale_since = $2 WHERE k.stale_since IS NULL
RETURNING customer_id;

-- name: postal_address
-- $1 customer_id
SELECT postal_address FROM office.contacts WHERE customer_id = $1;

-- name: set_contact
-- $1 customer_id  $2 language, or null: as it is  $3 postal_address, or null: as it is; empty: none
INSERT INTO office.contacts AS c (customer_id, language, postal_address) VALUES ($1, coalesce($2, 'ja'), nullif($3, ''))
ON CONFLICT (customer_id) DO UPDATE SET language = coalesce($2, c.language),
    postal_address = nullif(coalesce($3, c.postal_address), ''), stale_since = NULL;

-- name: set_email
-- $1 customer_id  $2 email
UPDATE gate.customers SET contact_email = $2 WHERE id = $1;

-- name: set_recipient
-- $1 contract_id  $2 role  $3 name  $4 email  $5 language
INSERT INTO office.recipients (contract_id, role, name, email, language) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (contract_id, role) DO UPDATE SET name = $3, email = $4, language = $5;

-- name: undelivered
-- Recipients whom nothing of the notice has reached by any channel. Null: nobody is addressed yet.
-- $1 notice_id
SELECT CASE WHEN n.addressed_at IS NOT NULL THEN (
    SELECT count(*)::integer FROM (
        SELECT FROM office.deliveries d WHERE d.notice_id = n.id
        GROUP BY d.recipient, d.customer_id HAVING min(d.delivered_at) IS NULL) AS missing) END
FROM office.notices n WHERE n.id = $1;

-- name: first_delivery
-- T5-4: the posting's.
-- $1 notice_id
SELECT delivered_at FROM office.deliveries WHERE notice_id = $1 AND channel = 'web';

-- name: page
-- $1 notice_id
SELECT n.clause, d.subject, d.body, d.body_sha256, n.queued_at
FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id WHERE d.notice_id = $1 AND d.channel = 'web';

-- name: holidays
SELECT day FROM gate.holidays WHERE removed_at IS NULL;
