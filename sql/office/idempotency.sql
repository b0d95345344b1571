-- Statements of office/storage/idempotency.py: answers that are given again.

-- name: alone
-- Whether nobody else answers this key now; held until the transaction ends. $1 token_id  $2 key
SELECT pg_try_advisory_xact_lock(7110, hashtext($1::uuid::text || ' ' || $2::text));

-- name: answer
-- $1 token_id  $2 key
SELECT request_sha256, sealed FROM office.idempotency_keys WHERE token_id = $1 AND key = $2;

-- name: insert
-- $1 token_id  $2 key  $3 request_sha256  $4 sealed  $5 now
INSERT INTO office.idempotency_keys (token_id, key, request_sha256, sealed, answered_at) VALUES ($1, $2, $3, $4, $5);

-- name: forget
-- How many went, a thousand at most. $1 before
SELECT office.forget_answers($1);
