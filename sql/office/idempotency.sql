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

-- name: alone_open
-- Whether nobody else answers this key of an open door now; held until the transaction ends. $1 key_sha256
SELECT pg_try_advisory_xact_lock(7114, hashtext(encode($1::bytea, 'hex')));

-- name: open_answer
-- $1 key_sha256
SELECT request_sha256, sealed FROM office.open_answers WHERE key_sha256 = $1;

-- name: insert_open
-- $1 key_sha256  $2 request_sha256  $3 sealed  $4 now
INSERT INTO office.open_answers (key_sha256, request_sha256, sealed, answered_at) VALUES ($1, $2, $3, $4);

-- name: forget_open
-- How many went, a thousand at most. $1 before
SELECT office.forget_open_answers($1);
