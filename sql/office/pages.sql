-- name: help_page
-- The class of the refusal that a page explains, and nothing of its contract (T0-1). No row: no such page.
-- $1 token
SELECT gate, "case" FROM gate.help_pages WHERE token = $1;

-- name: paused
-- The name that the page of a token resumes, and whether it is paused still. No row: no such page.
-- $1 token
SELECT name, paused_at IS NOT NULL AS paused FROM acme.failures WHERE token = $1;

-- name: resume
-- The account may try the name again, and that somebody said so is recorded, for the contract that its key serves now
-- (T12-7): both or neither. No row: it is not paused.
-- $1 token  $2 now  $3 evidence id  $4 actor  $5 content
WITH resumed AS (
    UPDATE acme.failures SET paused_at = NULL, consecutive = 0, full_at = $2
    WHERE token = $1 AND paused_at IS NOT NULL RETURNING account_id
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
SELECT $3, 'account.resumed', v.contract_id, $4, $2, $5
FROM resumed r JOIN acme.accounts a ON a.id = r.account_id JOIN gate.binding_keys b ON b.id = a.binding_key_id
CROSS JOIN LATERAL gate.served_by(b.contract_id, $2) AS v;

-- name: terms
-- $1 version
SELECT kind, version, sha256, url, effective_at FROM gate.texts WHERE kind = 'terms' AND version = $1;

-- name: terms_in_force
-- T20-2.
-- $1 now
SELECT kind, version, sha256, url, effective_at FROM gate.texts WHERE kind = 'terms' AND effective_at <= $1
ORDER BY effective_at DESC LIMIT 1;
