-- name: sealed_through
-- Everything committed before this instant is sealed; no instant before the sealer's first run.
SELECT CASE WHEN isfinite(sealed_through_at) THEN sealed_through_at END FROM evidence.seal_state;
