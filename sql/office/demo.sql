-- name: secrets
-- $1 kids
SELECT kid, hmac_key FROM gate.binding_keys WHERE kid = ANY ($1::text[]);
