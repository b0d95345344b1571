-- name: due
-- Held until the transaction ends; what another node holds is passed over. $1 most
SELECT id, contract_id, domain, address, forbidden_at FROM acme.caa_reports
WHERE told_at IS NULL AND address IS NOT NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED;

-- name: told
-- $1 ids  $2 now
UPDATE acme.caa_reports SET told_at = $2 WHERE id = ANY ($1);

-- name: forget
-- $1 instant
UPDATE acme.caa_reports SET address = NULL WHERE told_at < $1 AND address IS NOT NULL;
