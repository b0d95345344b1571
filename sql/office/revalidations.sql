-- Statements of office/storage/revalidations.py: new reviews of running contracts, before the old are too old (T4-4).

-- name: candidates
-- Running contracts, wholly reviewed, whose oldest item that the gate looks at was obtained by $2, and for whom no new
-- review is asked for yet. $1 after number  $2 obtained by  $3 most  $4 kinds
SELECT c.id, c.number, r.oldest FROM gate.contracts c CROSS JOIN LATERAL (
    SELECT min(n.obtained_on) AS oldest, count(*) FILTER (WHERE n.verdict = 'positive') AS positive
    FROM unnest($4::text[]) AS k(kind) CROSS JOIN LATERAL (
        SELECT i.obtained_on, i.verdict FROM gate.review_items i
        WHERE i.contract_id = c.id AND i.kind = k.kind AND (i.kind <> 'screening' OR i.verdict = 'positive')
        ORDER BY i.obtained_on DESC, i.recorded_at DESC LIMIT 1) AS n) AS r
WHERE c.state = 'accepted' AND c.number > $1 AND r.positive = cardinality($4::text[]) AND r.oldest <= $2
    AND NOT EXISTS (SELECT FROM office.revalidations v WHERE v.contract_id = c.id AND v.closed_at IS NULL)
ORDER BY c.number LIMIT $3;

-- name: open
-- No row: asked for before. $1 contract_id  $2 fails_on  $3 now
INSERT INTO office.revalidations (contract_id, fails_on, opened_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING contract_id;

-- name: under_way
-- Those of one contract or of all, with the oldest item that the gate looks at now. $1 contract_id, or null
-- $2 after contract_id  $3 most
SELECT v.contract_id, v.fails_on, c.state = 'ended' AS ended, (
    SELECT min(n.obtained_on) FROM unnest($4::text[]) AS k(kind) CROSS JOIN LATERAL (
        SELECT i.obtained_on FROM gate.review_items i
        WHERE i.contract_id = c.id AND i.kind = k.kind AND (i.kind <> 'screening' OR i.verdict = 'positive')
        ORDER BY i.obtained_on DESC, i.recorded_at DESC LIMIT 1) AS n) AS oldest
FROM office.revalidations v JOIN gate.contracts c ON c.id = v.contract_id
WHERE v.closed_at IS NULL AND ($1::uuid IS NULL OR v.contract_id = $1) AND v.contract_id > $2
ORDER BY v.contract_id LIMIT $3;

-- name: close
-- No row: closed before. $1 contract_id  $2 now
UPDATE office.revalidations SET closed_at = $2 WHERE contract_id = $1 AND closed_at IS NULL RETURNING contract_id;
