-- name: insert
-- $1 id  $2 contract_id  $3 kind  $4 issued_on  $5 received_on  $6 sha256  $7 sealed_key  $8 sealed_content
-- $9 recorded_by  $10 now
INSERT INTO office.documents (id, contract_id, kind, issued_on, received_on, sha256, sealed_key, sealed_content,
    recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: documents
-- $1 contract_id
SELECT d.id, d.kind, d.issued_on, d.received_on, d.sha256, p.handle AS recorded_by, d.destroy_at, d.destroyed_at
FROM office.documents d JOIN gate.persons p ON p.id = d.recorded_by
WHERE d.contract_id = $1 ORDER BY d.recorded_at, d.id;

-- name: sealed
-- No row: there is no such document, or it is destroyed. $1 id
SELECT contract_id, sealed_key, sealed_content FROM office.documents WHERE id = $1 AND destroyed_at IS NULL;

-- name: destroy_later
-- The application came to nothing: its documents, and what it stated (T16-2), are destroyed at that instant.
-- $1 contract_id  $2 destroy_at  $3 now
WITH over AS (
    INSERT INTO office.application_ends (contract_id, ended_at, destroy_at) VALUES ($1, $3, $2)
    ON CONFLICT (contract_id) DO NOTHING
)
UPDATE office.documents SET destroy_at = $2 WHERE contract_id = $1 AND destroyed_at IS NULL;

-- name: destroy_due
-- Key and content go, hash and kind stay (T4-7). $1 now  $2 contract_id, or null  $3 most
SELECT id, contract_id FROM office.destroy_documents($1, $2, $3);
