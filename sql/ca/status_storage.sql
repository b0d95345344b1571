-- name: ocsp_answer
-- $1 issuer_id  $2 serial
SELECT not_after, this_update, next_update, by_sha1, by_sha256 FROM ca.ocsp_responses
WHERE serial = $2 AND issuer_id = $1;

-- name: ocsp_due
-- Issuers that have answers to sign. $1 now
SELECT i.id::integer AS issuer_id FROM ca.issuers i
WHERE EXISTS (SELECT FROM ca.ocsp_responses o WHERE o.issuer_id = i.id AND o.due_at <= $1) ORDER BY 1;

-- name: ocsp_late
-- How many answers have been due since before $1, and are of certificates that have not ended at $2.
SELECT count(*) FROM ca.issuers i JOIN ca.ocsp_responses o ON o.issuer_id = i.id AND o.due_at <= $1 WHERE o.not_after > $2;

-- name: responders
-- $1 most
SELECT issuer_id, serial, held_by, not_before, not_after FROM ca.responders ORDER BY made_at DESC LIMIT $1;
