-- name: owner
-- Whose certificate it is. $1 certificate id
SELECT account_id, contract_id FROM acme.issuances WHERE to_be_signed_id = $1;

-- name: renewal_info
-- $1 serial
SELECT i.key_id AS issuer_key_id, c.serial, c.not_before, c.not_after, r.revoked_at, w.starts_at, w.ends_at, w.explanation_url
FROM ca.serials s
JOIN ca.certificates c ON c.id = s.to_be_signed_id
JOIN ca.issuers i ON i.id = c.issuer_id
LEFT JOIN ca.revocations r ON r.serial = s.serial
LEFT JOIN acme.renewal_windows w ON w.serial = s.serial
WHERE s.serial = $1;

-- name: spend_and_read
-- Spends the nonce, loads the account, and reads a certificate if it is the account's own: a POST-as-GET is one statement.
-- The inner join is one side of the outer one: as two outer joins, PostgreSQL 18.4 gave strangers the certificate.
-- $1 slot  $2 nonce  $3 epoch  $4 account id, or null  $5 certificate id
WITH spent AS (
    INSERT INTO acme.spent_nonces (slot, nonce)
    SELECT $1, $2 FROM acme.nonce_epoch WHERE epoch = $3
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM spent) AS fresh, a.id, a.status, a.public_key, a.thumbprint, a.contacts,
    a.external_account_binding, a.binding_key_id, b.contract_id, a.created_at,
    c.der, c.issuer_id
FROM (VALUES (true)) AS request
LEFT JOIN acme.accounts a ON a.id = $4
LEFT JOIN gate.binding_keys b ON b.id = a.binding_key_id
LEFT JOIN (acme.issuances i JOIN ca.certificates c ON c.id = i.to_be_signed_id)
    ON i.to_be_signed_id = $5 AND i.account_id = a.id;

-- name: set_renewal_window
-- $1 serial  $2 starts at  $3 ends at  $4 explanation URL
INSERT INTO acme.renewal_windows (serial, starts_at, ends_at, explanation_url) VALUES ($1, $2, $3, $4)
ON CONFLICT (serial) DO UPDATE
SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, explanation_url = excluded.explanation_url;
