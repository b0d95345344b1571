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

-- name: certificate_of_account
-- $1 certificate id  $2 account id
SELECT c.der, c.issuer_id FROM ca.certificates c
JOIN acme.issuances i ON i.to_be_signed_id = c.id
WHERE c.id = $1 AND i.account_id = $2;

-- name: set_renewal_window
-- $1 serial  $2 starts at  $3 ends at  $4 explanation URL
INSERT INTO acme.renewal_windows (serial, starts_at, ends_at, explanation_url) VALUES ($1, $2, $3, $4)
ON CONFLICT (serial) DO UPDATE
SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, explanation_url = excluded.explanation_url;
