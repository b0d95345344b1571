-- name: request
-- The seal of a contract is on again, at the same address, or for the first time. No row: it is on already, or the
-- contract has ended.
-- $1 contract_id  $2 token  $3 requested_by  $4 now
INSERT INTO office.seals AS s (contract_id, token, requested_by, requested_at)
SELECT id, $2, $3, $4 FROM gate.contracts WHERE id = $1 AND state <> 'ended'
ON CONFLICT (contract_id) DO UPDATE SET withdrawn_at = NULL WHERE s.withdrawn_at IS NOT NULL
RETURNING token;

-- name: withdraw
-- No row: it was not on. $1 contract_id  $2 now
UPDATE office.seals SET withdrawn_at = $2 WHERE contract_id = $1 AND withdrawn_at IS NULL RETURNING token;

-- name: seal
-- What decides whether the seal of a token is valid (T19-2), read from contract, certificates and revocations at each
-- request: nothing of it is stored. No row: no such seal. $1 token  $2 now
SELECT c.id AS contract_id, c.ended_at, c.state = 'accepted' AND EXISTS (
        SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id) AS active,
    ARRAY(SELECT t.not_after FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.state = 'signed' AND t.not_after >= $2
          AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = t.serial)) AS live,
    ARRAY(SELECT n.kind || ' ' || n.value FROM gate.contract_names n
        WHERE n.contract_id = c.id AND n.removed_at IS NULL ORDER BY n.value LIMIT 1000) AS names,
    (SELECT r.value FROM gate.readings r WHERE r.key = 'seal.scope' AND r.effective_at <= c.accepted_at
        ORDER BY r.effective_at DESC LIMIT 1) AS scope
FROM office.seals e JOIN gate.contracts c ON c.id = e.contract_id WHERE e.token = $1 AND e.withdrawn_at IS NULL;

-- name: used_after_end
-- The first use on a host and day, and its evidence: both or neither; not more than so many hosts a day.
-- $1 contract_id  $2 host  $3 day  $4 now  $5 most hosts  $6 evidence id  $7 kind  $8 actor  $9 content
-- $10 where it cites the Terms (T20-3)
WITH used AS (
    INSERT INTO office.seal_uses (contract_id, host, used_on, first_at)
    SELECT $1, $2, $3, $4
    WHERE (SELECT count(*) FROM office.seal_uses WHERE contract_id = $1 AND used_on = $3) < $5
    ON CONFLICT DO NOTHING RETURNING contract_id
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
SELECT $6, $7, contract_id, $8, $4, evidence.cited($9, $10, evidence.citation($4)) FROM used;

-- name: to_delete
-- Seals of contracts that have ended, whose customers are not told yet (T19-1). $1 most
SELECT e.contract_id, c.ended_at FROM office.seals e JOIN gate.contracts c ON c.id = e.contract_id
WHERE e.deletion_notice_id IS NULL AND c.state = 'ended' ORDER BY c.ended_at LIMIT $1 FOR UPDATE OF e SKIP LOCKED;

-- name: told
-- $1 contract_id  $2 notice_id
UPDATE office.seals SET deletion_notice_id = $2 WHERE contract_id = $1;

-- name: seals
-- By contract. $1 most  $2 after the contract of this handle, or null
SELECT c.handle AS contract, e.token, e.requested_at, e.withdrawn_at,
    CASE WHEN c.state = 'accepted' AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id)
        THEN 'active' ELSE c.state END AS state,
    (SELECT count(*)::integer FROM office.seal_uses u WHERE u.contract_id = c.id) AS uses_after_end
FROM office.seals e JOIN gate.contracts c ON c.id = e.contract_id
WHERE $2::text IS NULL OR c.handle > $2 ORDER BY c.handle LIMIT $1;

-- name: seal_of
-- No row: never asked for. $1 contract_id
SELECT c.handle AS contract, e.token, e.requested_at, e.withdrawn_at,
    CASE WHEN c.state = 'accepted' AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = c.id)
        THEN 'active' ELSE c.state END AS state,
    (SELECT count(*)::integer FROM office.seal_uses u WHERE u.contract_id = c.id) AS uses_after_end
FROM office.seals e JOIN gate.contracts c ON c.id = e.contract_id WHERE c.id = $1;
