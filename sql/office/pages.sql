-- name: help_page
-- The class of the refusal that a page explains, and nothing of its contract (T0-1). No row: no such page.
-- $1 token
SELECT gate, "case" FROM gate.help_pages WHERE token = $1;

-- name: terms
-- $1 version
SELECT kind, version, sha256, url, effective_at FROM gate.texts WHERE kind = 'terms' AND version = $1;

-- name: terms_in_force
-- T20-2.
-- $1 now
SELECT kind, version, sha256, url, effective_at FROM gate.texts WHERE kind = 'terms' AND effective_at <= $1
ORDER BY effective_at DESC LIMIT 1;
