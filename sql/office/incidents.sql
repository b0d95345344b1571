-- Statements of office/storage/incidents.py: bulk revocations that are planned, paced and rehearsed (C-166).

-- name: insert
-- $1 id  $2 drill  $3 title  $4 ground  $5 query in words  $6 explanation_url, or null  $7 known_at  $8 deadline_at
-- $9 planned_by  $10 now
INSERT INTO office.incidents (id, drill, title, ground, query, explanation_url, known_at, deadline_at, planned_by, planned_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: insert_list
-- What may have been signed, lives, and fits every part of the query that is not null. Revoked ones too, while their code
-- is not $11; of records that were void before their certificate was signed, those with a precertificate (C-125). $1 incident_id  $2 now  $3 made after  $4 profile  $5 from  $6 until  $7 spki_sha256
-- $8 type of challenge  $9 contract_id  $10 serials  $11 a code that revoked ones shall have, or null
INSERT INTO office.incident_certificates (incident_id, serial, contract_id, not_after)
SELECT DISTINCT ON (t.serial) $1, t.serial, i.contract_id, t.not_after
FROM ca.to_be_signed t
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE t.id >= keiyaku.uuid7_floor($3) AND t.not_after > $2
    AND (t.state <> 'void' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id))
    AND (r.serial IS NULL OR ($11::smallint IS NOT NULL AND r.reason IS DISTINCT FROM $11))
    AND ($4::text IS NULL OR t.profile = $4)
    AND ($5::timestamptz IS NULL OR t.created_at >= $5) AND ($6::timestamptz IS NULL OR t.created_at < $6)
    AND ($7::bytea IS NULL OR t.spki_sha256 = $7)
    AND ($9::uuid IS NULL OR i.contract_id = $9)
    AND ($10::bytea[] IS NULL OR t.serial = ANY ($10))
    AND ($8::text IS NULL OR EXISTS (
        SELECT FROM acme.orders o JOIN acme.authorizations a ON a.id = ANY (o.authorization_ids)
        WHERE o.id = i.order_id AND a.challenge_type = $8))
ORDER BY t.serial, i.contract_id;

-- name: widen
-- Every other live certificate and precertificate with a key of the list (C-125, C-163).
-- $1 incident_id  $2 now  $3 code that revoked ones shall have
WITH keys AS (
    SELECT DISTINCT t.spki_sha256 FROM office.incident_certificates x
    JOIN ca.serials s ON s.serial = x.serial JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
    WHERE x.incident_id = $1
), issued AS (
    SELECT id FROM ca.certificates WHERE spki_sha256 IN (SELECT spki_sha256 FROM keys)
    UNION SELECT id FROM ca.precertificates WHERE spki_sha256 IN (SELECT spki_sha256 FROM keys)
)
INSERT INTO office.incident_certificates (incident_id, serial, contract_id, not_after)
SELECT $1, t.serial, i.contract_id, t.not_after
FROM issued JOIN ca.to_be_signed t ON t.id = issued.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE t.not_after > $2 AND (r.serial IS NULL OR r.reason IS DISTINCT FROM $3::smallint)
ON CONFLICT (incident_id, serial) DO NOTHING;

-- name: digest
-- What the list holds, so that evidence can tell whether it is still the same. $1 incident_id
SELECT count(*) AS certificates, sha256(coalesce(string_agg(serial, '' ORDER BY serial), '')) AS sha256
FROM office.incident_certificates WHERE incident_id = $1;

-- name: incidents
-- One, or those under way, or all; the newest first. $1 id, or null  $2 finished ones too  $3 most
-- $4 before this one, or null
SELECT n.id, n.title, n.drill, n.ground, n.query, n.explanation_url, n.known_at, n.deadline_at, n.planned_at,
    p.handle AS planned_by, n.per_second, n.wait, n.begun_at, n.windows_at, n.next_at, n.paused_at, n.finished_at,
    c.id AS case_id, c.state AS case_state, c.published_at,
    (SELECT count(*) FROM office.incident_certificates x WHERE x.incident_id = n.id) AS certificates
FROM office.incidents n JOIN gate.persons p ON p.id = n.planned_by
LEFT JOIN office.cases c ON c.incident_id = n.id
WHERE ($1::uuid IS NULL OR n.id = $1)
    AND ($1 IS NOT NULL OR $2 OR (n.finished_at IS NULL AND c.state IS DISTINCT FROM 'closed')
         OR (NOT n.drill AND c.state = 'revoked'))
    AND ($4::uuid IS NULL OR n.id < $4)
ORDER BY n.id DESC LIMIT $3;

-- name: under_way
-- Those that a worker goes on with. $1 most
SELECT id FROM office.incidents
WHERE finished_at IS NULL AND begun_at IS NOT NULL AND paused_at IS NULL ORDER BY deadline_at, id LIMIT $1;

-- name: lock
-- Nobody else goes on with it until this transaction ends. $1 id
SELECT id FROM office.incidents WHERE id = $1 FOR NO KEY UPDATE;

-- name: begin
-- No row: it has begun. $1 id  $2 certificates a second  $3 wait  $4 now  $5 first, of a drill  $6 second
UPDATE office.incidents SET per_second = $2, wait = $3, begun_at = $4, begun_by_first = $5, begun_by_second = $6
WHERE id = $1 AND begun_at IS NULL RETURNING id;

-- name: set_pace
-- $1 id  $2 certificates a second
UPDATE office.incidents SET per_second = $2 WHERE id = $1 AND finished_at IS NULL;

-- name: set_paused
-- No row: it was so already, or there is nothing to pause. $1 id  $2 since when, or null to go on
UPDATE office.incidents SET paused_at = $2
WHERE id = $1 AND begun_at IS NOT NULL AND finished_at IS NULL AND (paused_at IS NULL) <> ($2::timestamptz IS NULL)
RETURNING id;

-- name: pull_windows
-- The next of the list: clients that ask are told to renew at once (RFC 9773 §4.2). A drill writes its own list alone.
-- $1 incident_id  $2 now  $3 start of the window  $4 its end  $5 most
WITH chosen AS (
    UPDATE office.incident_certificates SET window_at = $2
    WHERE incident_id = $1 AND serial = ANY (ARRAY(
        SELECT serial FROM office.incident_certificates
        WHERE incident_id = $1 AND window_at IS NULL ORDER BY serial LIMIT $5))
    RETURNING serial
), pulled AS (
    INSERT INTO acme.renewal_windows (serial, starts_at, ends_at, explanation_url)
    SELECT c.serial, $3, $4, n.explanation_url FROM chosen c JOIN office.incidents n ON n.id = $1 AND NOT n.drill
    ON CONFLICT (serial) DO UPDATE
        SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, explanation_url = excluded.explanation_url
)
SELECT count(*) FROM chosen;

-- name: set_windows
-- All of them lie in the past; revocation may begin at $3. $1 id  $2 now  $3 instant
UPDATE office.incidents SET windows_at = $2, next_at = $3 WHERE id = $1;

-- name: set_next
-- $1 id  $2 instant
UPDATE office.incidents SET next_at = $2 WHERE id = $1;

-- name: rehearse
-- The next of a drill's list is marked; nothing else. How many. $1 incident_id  $2 now  $3 most
WITH marked AS (
    UPDATE office.incident_certificates SET revoked_at = $2
    WHERE incident_id = $1 AND serial = ANY (ARRAY(
        SELECT x.serial FROM office.incident_certificates x JOIN office.incidents n ON n.id = x.incident_id AND n.drill
        WHERE x.incident_id = $1 AND x.revoked_at IS NULL ORDER BY x.serial LIMIT $3))
    RETURNING serial
)
SELECT count(*) FROM marked;

-- name: mark
-- These were revoked by it. $1 incident_id  $2 serials  $3 now
UPDATE office.incident_certificates SET revoked_at = $3 WHERE incident_id = $1 AND serial = ANY ($2::bytea[]);

-- name: finish
-- $1 id  $2 now
UPDATE office.incidents SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL RETURNING id;

-- name: done
-- How many are revoked, or marked by a drill. $1 incident_id
SELECT count(*) FILTER (WHERE revoked_at IS NOT NULL) FROM office.incident_certificates WHERE incident_id = $1;

-- name: counts
-- By contract: of how many certificates clients are told, which are revoked, on a CRL, replaced by a valid order.
-- $1 incident_id
SELECT k.handle AS contract, count(*) AS certificates, min(x.not_after) AS first_expiry, count(x.window_at) AS windows,
    count(*) FILTER (WHERE x.revoked_at IS NOT NULL OR (NOT n.drill AND r.serial IS NOT NULL)) AS revoked,
    count(*) FILTER (WHERE NOT n.drill AND r.published_at IS NOT NULL) AS published,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM acme.replacements p JOIN acme.orders o ON o.id = p.order_id AND o.status = 'valid'
        WHERE p.serial = x.serial)) AS replaced
FROM office.incident_certificates x JOIN office.incidents n ON n.id = x.incident_id
LEFT JOIN gate.contracts k ON k.id = x.contract_id
LEFT JOIN ca.revocations r ON r.serial = x.serial
WHERE x.incident_id = $1 GROUP BY k.handle ORDER BY count(*) DESC, k.handle;

-- name: revocation_span
-- When the first and the last of the list were revoked, and the last of those shown by a CRL. $1 incident_id
SELECT min(r.revoked_at) AS first_at, max(r.revoked_at) AS last_at, max(r.published_at) AS published_at,
    count(*) FILTER (WHERE r.published_at IS NULL) AS unpublished
FROM office.incident_certificates x JOIN office.incidents n ON n.id = x.incident_id AND NOT n.drill
JOIN ca.revocations r ON r.serial = x.serial WHERE x.incident_id = $1;
