-- Statements of office/storage/proposals.py: what one person proposes and another confirms (2p).

-- name: insert
-- $1 id  $2 kind  $3 contract_id, or null  $4 arguments  $5 proposed_by  $6 now  $7 expires_at
INSERT INTO office.proposals (id, kind, contract_id, arguments, proposed_by, proposed_at, expires_at)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7);

-- name: proposal
-- $1 id  $2 now
SELECT p.id, p.kind, p.contract_id, k.number AS contract_number, k.handle AS contract, p.arguments::text AS arguments,
    a.handle AS proposed_by, p.proposed_at, p.expires_at, b.handle AS confirmed_by, p.confirmed_at, p.withdrawn_at,
    CASE WHEN p.confirmed_at IS NOT NULL THEN 'confirmed' WHEN p.withdrawn_at IS NOT NULL THEN 'withdrawn'
         WHEN p.expires_at <= $2 THEN 'expired' ELSE 'open' END AS state
FROM office.proposals p JOIN gate.persons a ON a.id = p.proposed_by LEFT JOIN gate.persons b ON b.id = p.confirmed_by
LEFT JOIN gate.contracts k ON k.id = p.contract_id
WHERE p.id = $1;

-- name: proposals
-- Of these kinds, newest first. $1 kinds  $2 now  $3 before this id  $4 most
SELECT p.id, p.kind, p.contract_id, k.number AS contract_number, k.handle AS contract, p.arguments::text AS arguments,
    a.handle AS proposed_by, p.proposed_at, p.expires_at, b.handle AS confirmed_by, p.confirmed_at, p.withdrawn_at,
    CASE WHEN p.confirmed_at IS NOT NULL THEN 'confirmed' WHEN p.withdrawn_at IS NOT NULL THEN 'withdrawn'
         WHEN p.expires_at <= $2 THEN 'expired' ELSE 'open' END AS state
FROM office.proposals p JOIN gate.persons a ON a.id = p.proposed_by LEFT JOIN gate.persons b ON b.id = p.confirmed_by
LEFT JOIN gate.contracts k ON k.id = p.contract_id
WHERE p.kind = ANY ($1::text[]) AND p.id < $3
ORDER BY p.id DESC LIMIT $4;

-- name: confirm
-- No row: it is not open, or the same person proposed it. $1 id  $2 person  $3 now
UPDATE office.proposals SET confirmed_by = $2, confirmed_at = $3
WHERE id = $1 AND confirmed_at IS NULL AND withdrawn_at IS NULL AND expires_at > $3 AND proposed_by <> $2
RETURNING id;

-- name: withdraw
-- No row: it is not open, or another person proposed it. $1 id  $2 person  $3 now
UPDATE office.proposals SET withdrawn_by = $2, withdrawn_at = $3
WHERE id = $1 AND confirmed_at IS NULL AND withdrawn_at IS NULL AND proposed_by = $2
RETURNING id;
