-- name: versions
-- The one in force is among them: versions to come are few.
SELECT version, effective_at FROM gate.texts WHERE kind = 'terms' ORDER BY effective_at DESC LIMIT 20;
