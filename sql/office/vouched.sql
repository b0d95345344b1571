-- Statements of office/storage/vouched.py: what two people vouch for with their tokens, and the database writes.

-- name: first
-- No row: the token is not of who proposed it, or its role may not. $1 proposal_id  $2 proof  $3 now
SELECT office.vouch_first($1, $2, $3);

-- name: second
-- No row: the token is not of who confirmed it, or its role may not, or it is not what was proposed.
-- $1 proposal_id  $2 proof  $3 now
SELECT office.vouch_second($1, $2, $3);

-- name: first_stands
-- $1 proposal_id
SELECT office.first_stands($1);

-- name: set_reading
-- Null: the key has a value from that instant on already. $1 proposal_id
SELECT office.set_reading($1);

-- name: add_plan
-- No row: the handle is taken. $1 proposal_id  $2 id
SELECT id, handle, name, fee_yen, term_months, names_max FROM office.add_plan($1, $2);

-- name: close_plan
-- Null: there is no such plan. $1 proposal_id
SELECT office.close_plan($1);

-- name: make_token
-- Null: the second confirms a token of their own. $1 proposal_id  $2 id  $3 SHA-256 of the second part of its secret
SELECT office.make_token($1, $2, $3);

-- name: withdraw_token
-- Null: withdrawn before, or whose proof it is may not. $1 id  $2 proof  $3 now
SELECT office.withdraw_token($1, $2, $3);

-- name: leave
-- Null: they left before. $1 proposal_id
SELECT office.leave($1);

-- name: close_access_review
-- $1 proposal_id  $2 id  $3 entries
SELECT office.close_access_review($1, $2, $3);
