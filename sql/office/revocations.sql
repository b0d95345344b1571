-- Statements of office/storage/revocations.py: cases of revocation, what was known, decisions, what was revoked.

-- name: insert_case
-- $1 id  $2 ground  $3 underlying  $4 contract_id  $5 customer_id  $6 spki_sha256  $7 serials  $8 issuer_id
-- $9 reporter  $10 note  $11 asked code  $12 whether the CP/CPS demands it  $13 received_at  $14 state  $15 attention
-- $16 incident_id, of no drill
INSERT INTO office.cases (id, ground, underlying, contract_id, customer_id, spki_sha256, serials, issuer_id, reporter,
    note, asked_code, cps_demands, received_at, state, attention, incident_id, incident_is_drill)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, CASE WHEN $16::uuid IS NOT NULL THEN false END);

-- name: insert_awareness
-- $1 id  $2 case_id  $3 kind  $4 known_at  $5 now
INSERT INTO office.awareness (id, case_id, kind, known_at, recorded_at) VALUES ($1, $2, $3, $4, $5);

-- name: cases
-- One case, or those that are not done, or all; earliest receipt first. The materiality and the decision that live; the
-- first hundred contracts that it names, or of whose certificates it is, or that lost some by it; notices before revoking.
-- $1 case id, or null  $2 done ones too  $3 most  $4 after this one, or null
SELECT c.id, c.ground, c.underlying, c.contract_id, k.handle AS contract, c.customer_id, u.handle AS customer,
    c.spki_sha256, c.serials, c.issuer_id, c.incident_id, c.reporter, c.note, c.asked_code, c.cps_demands, c.received_at, c.state,
    c.attention, c.executed_at, c.published_at, c.result_due_at, c.result_told_at,
    c.deadline_at,
    m.decided_at AS material_at, d.decided_at, d.code,
    (SELECT coalesce(json_agg(json_build_object('kind', a.kind, 'at', a.known_at) ORDER BY a.known_at), '[]')::text
     FROM office.awareness a WHERE a.case_id = c.id) AS known,
    ARRAY(
        SELECT h.handle FROM gate.contracts h WHERE h.id IN (
            SELECT n.id FROM gate.concerned(c.contract_id, c.customer_id,
                CASE WHEN c.ground = 'change_learned' AND c.customer_id IS NOT NULL THEN c.received_at END) AS n
            UNION ALL SELECT i.contract_id FROM ca.serials s JOIN acme.issuances i USING (to_be_signed_id)
            WHERE s.serial = ANY (c.serials)
            UNION ALL SELECT i.contract_id FROM ca.certificates m JOIN acme.issuances i ON i.to_be_signed_id = m.id
            WHERE m.spki_sha256 = c.spki_sha256
            UNION ALL SELECT i.contract_id FROM ca.precertificates p JOIN acme.issuances i ON i.to_be_signed_id = p.id
            WHERE p.spki_sha256 = c.spki_sha256
            UNION ALL SELECT x.contract_id FROM office.case_certificates x WHERE x.case_id = c.id)
        ORDER BY h.number LIMIT 100) AS contracts,
    (SELECT coalesce(json_agg(json_build_object('contract', h.handle, 'notice_id', t.notice_id, 'late', t.late)
        ORDER BY h.number), '[]')::text
     FROM office.case_notices t JOIN gate.contracts h ON h.id = t.contract_id WHERE t.case_id = c.id) AS notices,
    (SELECT count(*) FROM office.case_certificates x WHERE x.case_id = c.id) AS revoked
FROM office.cases c
LEFT JOIN gate.contracts k ON k.id = c.contract_id
LEFT JOIN gate.customers u ON u.id = c.customer_id
LEFT JOIN office.case_decisions m ON m.case_id = c.id AND m.kind = 'material' AND m.ended_at IS NULL
LEFT JOIN office.case_decisions d ON d.case_id = c.id AND d.kind = 'revoke' AND d.ended_at IS NULL
WHERE ($1::uuid IS NULL OR c.id = $1) AND ($1 IS NOT NULL OR $2 OR c.state NOT IN ('published', 'closed') OR c.attention)
    AND ($4::uuid IS NULL OR (c.received_at, c.id) > (SELECT x.received_at, x.id FROM office.cases x WHERE x.id = $4))
ORDER BY c.received_at, c.id LIMIT $3;

-- name: to_do
-- Cases that a sweep goes on with, oldest first; what an incident lists it revokes itself, at its pace, and what people
-- decided, people execute. $1 state  $2 most
SELECT c.id FROM office.cases c WHERE c.state = $1 AND c.incident_id IS NULL AND (c.state <> 'decided' OR NOT EXISTS (
    SELECT FROM office.case_decisions d WHERE d.case_id = c.id AND d.kind = 'revoke' AND d.ended_at IS NULL))
ORDER BY c.received_at, c.id LIMIT $2;

-- name: shown
-- Cases that are done with revoking, once CRLs show all that they revoked; those that wait for one hold up no other. $1 most
SELECT c.id FROM office.cases c
WHERE c.state = 'revoked' AND NOT EXISTS (
    SELECT FROM office.case_certificates x JOIN ca.revocations r USING (serial)
    WHERE x.case_id = c.id AND r.published_at IS NULL)
ORDER BY c.received_at, c.id LIMIT $1;

-- name: lock_case
-- Its state, held until the transaction ends; what refers to the case waits for nobody. $1 id
SELECT state FROM office.cases WHERE id = $1 FOR NO KEY UPDATE;

-- name: set_state
-- $1 id  $2 new state  $3 states it may be in
UPDATE office.cases SET state = $2 WHERE id = $1 AND state = ANY ($3::text[]) RETURNING id;

-- name: set_revoked
-- $1 id  $2 since  $3 before which instant the result is told, or null
UPDATE office.cases SET state = 'revoked', executed_at = $2, result_due_at = $3
WHERE id = $1 AND state IN ('open', 'executing') RETURNING id;

-- name: set_published
-- Once a CRL shows all that the case revoked: since when. $1 id
UPDATE office.cases c SET state = 'published', published_at = coalesce(p.last, c.executed_at)
FROM (SELECT max(r.published_at) AS last, count(*) FILTER (WHERE r.published_at IS NULL) AS hidden
      FROM office.case_certificates x JOIN ca.revocations r USING (serial) WHERE x.case_id = $1) p
WHERE c.id = $1 AND c.state = 'revoked' AND p.hidden = 0
RETURNING c.published_at;

-- name: attended
-- $1 id
UPDATE office.cases SET attention = false WHERE id = $1 AND attention RETURNING id;

-- name: long_unpaid
-- Running contracts with an open fee due before $1, by number; not those about which people have a case under A11.4.4 open.
-- $1 due before  $2 after number  $3 most
SELECT c.id, c.number FROM gate.contracts c
WHERE c.state = 'accepted' AND c.number > $2
  AND EXISTS (SELECT FROM gate.open_invoices o JOIN gate.invoices i ON i.id = o.id
      WHERE i.contract_id = c.id AND i.kind = 'fee' AND o.due_on < $1)
  AND NOT EXISTS (SELECT FROM office.cases k
      WHERE k.contract_id = c.id AND k.ground = 'unpaid' AND k.state IN ('open', 'decided', 'executing'))
ORDER BY c.number LIMIT $3;

-- name: paid_after
-- Cases that were executed under A11.4.4 against a contract, or its whole customer: a person looks at what the payment makes
-- of them. With the contract that paid. $1 contract ids
WITH concerned AS (
    SELECT k.id, k.contract_id AS paid FROM office.cases k
    WHERE k.contract_id = ANY ($1::uuid[]) AND k.ground = 'unpaid' AND k.state IN ('executing', 'revoked', 'published')
    UNION ALL
    SELECT k.id, c.id FROM gate.contracts c JOIN office.cases k ON k.customer_id = c.customer_id
    WHERE c.id = ANY ($1::uuid[]) AND k.ground = 'unpaid' AND k.state IN ('executing', 'revoked', 'published')
), flagged AS (
    UPDATE office.cases SET attention = true WHERE id = ANY (ARRAY(SELECT id FROM concerned))
)
SELECT id, paid AS contract_id FROM concerned ORDER BY id, paid;

-- name: issuing
-- The issuing CAs, by id.
SELECT id, name FROM ca.issuers WHERE kind = 'issuing' ORDER BY id;

-- name: set_deadline
-- $1 id  $2 deadline, or null
UPDATE office.cases SET deadline_at = $2 WHERE id = $1;

-- name: set_result
-- $1 id  $2 notice id  $3 now  $4 before which instant it was to be told, or null: as the case says
UPDATE office.cases SET result_notice_id = $2, result_told_at = $3, result_due_at = coalesce($4, result_due_at) WHERE id = $1;

-- name: insert_decision
-- $1 id  $2 case_id  $3 kind  $4 first  $5 second  $6 reason  $7 code  $8 deadline_at  $9 now
INSERT INTO office.case_decisions (id, case_id, kind, by_first, by_second, reason, code, deadline_at, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (case_id, kind) WHERE ended_at IS NULL DO NOTHING RETURNING id;

-- name: end_decisions
-- $1 case_id  $2 end kind  $3 first, or null  $4 second, or null  $5 now  $6 kinds
UPDATE office.case_decisions SET ended_at = $5, end_kind = $2, ended_by_first = $3, ended_by_second = $4
WHERE case_id = $1 AND ended_at IS NULL AND kind = ANY ($6::text[]) RETURNING kind;

-- name: live
-- What may have been signed, lives and is covered, in order of serial. Revoked ones too, while their code is not $8; of
-- records that were void before their certificate was signed, those with a precertificate (C-125).
-- $1 contract ids  $2 spki_sha256, or null  $3 serials  $4 issuer, or null  $5 now  $6 after this serial  $7 most
-- $8 a code that revoked ones shall have, or null: leave them  $9 whose alone, and what is of no contract, or null: all
WITH chosen AS (
    SELECT i.to_be_signed_id AS id FROM acme.issuances i WHERE i.contract_id = ANY ($1::uuid[])
    UNION SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $2
    UNION SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $2
    UNION SELECT s.to_be_signed_id FROM ca.serials s WHERE s.serial = ANY ($3::bytea[])
    UNION SELECT m.id FROM ca.to_be_signed m WHERE m.issuer_id = $4 AND m.not_after > $5
)
SELECT t.serial, t.names, t.not_after, t.spki_sha256, i.contract_id, k.handle AS contract
FROM chosen JOIN ca.to_be_signed t ON t.id = chosen.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
LEFT JOIN gate.contracts k ON k.id = i.contract_id
LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE (t.state <> 'void' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id)) AND t.not_after > $5 AND t.serial > $6
  AND (r.serial IS NULL OR ($8::smallint IS NOT NULL AND r.reason IS DISTINCT FROM $8))
  AND ($9::uuid[] IS NULL OR i.contract_id IS NULL OR i.contract_id = ANY ($9))
ORDER BY t.serial LIMIT $7;

-- name: live_of_incident
-- The same of an incident's list. $1 incident_id  $2 now  $3 most  $4 a code that revoked ones shall have, or null
SELECT t.serial, t.names, t.not_after, t.spki_sha256, x.contract_id, k.handle AS contract
FROM office.incident_certificates x
JOIN ca.serials s ON s.serial = x.serial JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
LEFT JOIN gate.contracts k ON k.id = x.contract_id
LEFT JOIN ca.revocations r ON r.serial = x.serial
WHERE x.incident_id = $1 AND x.revoked_at IS NULL AND t.not_after > $2
  AND (t.state <> 'void' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id))
  AND (r.serial IS NULL OR ($4::smallint IS NOT NULL AND r.reason IS DISTINCT FROM $4))
ORDER BY x.serial LIMIT $3;

-- name: covered_by_incident
-- $1 incident_id  $2 now
SELECT k.id, k.number, k.handle,
    CASE WHEN k.state = 'accepted' AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = k.id)
        THEN 'active' ELSE k.state END AS state,
    count(*) AS certificates
FROM office.incident_certificates x LEFT JOIN gate.contracts k ON k.id = x.contract_id
WHERE x.incident_id = $1 AND x.not_after > $2 AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = x.serial)
GROUP BY k.id ORDER BY k.number;

-- name: covered
-- How many certificates, of which contracts. $1 contract ids  $2 spki_sha256  $3 serials  $4 issuer  $5 now
WITH chosen AS (
    SELECT i.to_be_signed_id AS id FROM acme.issuances i WHERE i.contract_id = ANY ($1::uuid[])
    UNION SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $2
    UNION SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $2
    UNION SELECT s.to_be_signed_id FROM ca.serials s WHERE s.serial = ANY ($3::bytea[])
    UNION SELECT m.id FROM ca.to_be_signed m WHERE m.issuer_id = $4 AND m.not_after > $5
)
SELECT k.id, k.number, k.handle,
    CASE WHEN k.state = 'accepted' AND EXISTS (SELECT FROM gate.contract_starts s WHERE s.contract_id = k.id)
        THEN 'active' ELSE k.state END AS state,
    count(*) AS certificates
FROM chosen JOIN ca.to_be_signed t ON t.id = chosen.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
LEFT JOIN gate.contracts k ON k.id = i.contract_id
WHERE t.state <> 'void' AND t.not_after > $5 AND NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = t.serial)
GROUP BY k.id ORDER BY k.number;

-- name: contracts_of
-- Contracts that a case names itself. $1 contract_id  $2 customer_id  $3 when it was learned, or null
SELECT k.id, k.number FROM gate.concerned($1, $2, $3) AS k ORDER BY k.number;

-- name: asked_about
-- $1 serials, or null  $2 spki_sha256, or null
SELECT DISTINCT i.contract_id FROM (
    SELECT s.to_be_signed_id AS id FROM ca.serials s WHERE s.serial = ANY ($1::bytea[])
    UNION ALL SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $2
    UNION ALL SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $2
) AS named JOIN acme.issuances i ON i.to_be_signed_id = named.id WHERE i.contract_id IS NOT NULL;

-- name: revoked_by
-- This case revoked these. $1 case_id  $2 serials  $3 their contracts
INSERT INTO office.case_certificates (case_id, serial, contract_id)
SELECT $1, x.serial, x.contract_id FROM unnest($2::bytea[], $3::uuid[]) AS x(serial, contract_id) ON CONFLICT DO NOTHING;

-- name: enqueue_crl
-- One live job per shard. $1 id  $2 issuer/shard  $3 attempts at most
INSERT INTO acme.jobs (id, kind, subject, max_attempts) VALUES ($1, 'crl', $2, $3)
ON CONFLICT (kind, subject) WHERE NOT dead DO NOTHING;

-- name: contracts_revoked
-- Contracts of which the case revoked something: those serials, when, whether anything of them lives, and whether a seal was
-- asked for. $1 case_id  $2 now
SELECT x.contract_id, (SELECT c.number FROM gate.contracts c WHERE c.id = x.contract_id) AS number,
    array_agg(x.serial ORDER BY x.serial) AS serials, max(r.revoked_at) AS revoked_at,
    EXISTS (SELECT FROM acme.living(x.contract_id, $2)) AS alive,
    EXISTS (SELECT FROM office.seals e WHERE e.contract_id = x.contract_id) AS sealed
FROM office.case_certificates x JOIN ca.revocations r USING (serial)
WHERE x.case_id = $1 AND x.contract_id IS NOT NULL GROUP BY x.contract_id ORDER BY x.contract_id;

-- name: reissue_pending
-- The contract lost its last certificate, and runs: whoever ends it comes before, or finds this. $1 contract_id  $2 since
-- $3 until
INSERT INTO office.reissues_pending (contract_id, since, ends_at)
SELECT id, $2, $3 FROM gate.contracts WHERE id = $1 AND state = 'accepted' FOR SHARE
ON CONFLICT DO NOTHING;

-- name: end_contract
-- No row: it does not run. $1 contract_id  $2 now
UPDATE gate.contracts SET state = 'ended', ended_at = $2, end_cause = 'revoked'
WHERE id = $1 AND state = 'accepted' RETURNING id;

-- name: free_reissue
-- $1 contract_id  $2 case_id  $3 now  $4 until
INSERT INTO gate.free_reissues (contract_id, case_id, granted_at, ends_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (contract_id) DO UPDATE SET case_id = $2, granted_at = $3, ends_at = greatest(free_reissues.ends_at, $4);

-- name: last_payment
-- The value date of the newest receipt that pays a fee of these contracts, or the day on which two people credited or gave up
-- a part of one. $1 contract ids
SELECT max(settled.day) FROM (
    SELECT r.value_on AS day FROM gate.invoices v
    JOIN gate.payment_matches m ON m.invoice_id = v.id AND m.undone_at IS NULL
    JOIN gate.receipts r ON r.id = m.receipt_id AND r.cancelled_at IS NULL
    WHERE v.contract_id = ANY ($1::uuid[]) AND v.kind = 'fee'
    UNION ALL
    SELECT (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date FROM gate.invoices v JOIN office.adjustments a ON a.invoice_id = v.id
    WHERE v.contract_id = ANY ($1::uuid[]) AND v.kind = 'fee' AND a.kind <> 'recovery'
) AS settled;

-- name: confirmed
-- Since when conduct of Article 3 is confirmed for every one of these contracts. $1 contract ids
SELECT bool_and(EXISTS (SELECT FROM gate.holds h WHERE h.contract_id = c.id AND h.kind = 'conduct'
                        AND h.status = 'confirmed')) FROM unnest($1::uuid[]) AS c(id);

-- name: certificates
-- Of a contract, a customer or a key, newest first; live ones only unless $5; also what is but a precertificate (C-125). $1 contract_id  $2 customer_id
-- $3 spki_sha256  $4 now  $5 dead ones too  $6 most
SELECT t.serial, t.names, k.handle AS contract, t.not_before, t.not_after, r.revoked_at, r.reason, r.published_at
FROM (
    SELECT i.to_be_signed_id AS id FROM acme.issuances i
    WHERE i.contract_id = $1 OR i.contract_id = ANY (ARRAY(SELECT m.id FROM gate.contracts m WHERE m.customer_id = $2))
    UNION SELECT c.id FROM ca.certificates c WHERE c.spki_sha256 = $3
    UNION SELECT p.id FROM ca.precertificates p WHERE p.spki_sha256 = $3
) AS chosen
JOIN ca.to_be_signed t ON t.id = chosen.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id LEFT JOIN gate.contracts k ON k.id = i.contract_id
LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE (t.state = 'signed' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id))
    AND ($5 OR (t.not_after > $4 AND r.serial IS NULL))
ORDER BY t.not_before DESC, t.serial LIMIT $6;

-- name: certificate
-- With the four instants of T11-11: request, revocation, publication, and the next certificate of its contract. Of what
-- waits for its revocation the request is that of the first case that its customer asked for, as are the cases.
-- $1 serial  $2 grounds that a customer asks for
SELECT t.serial, t.names, k.handle AS contract, t.not_before, t.not_after, encode(t.spki_sha256, 'hex') AS key_sha256,
    coalesce(r.requested_at, w.since) AS requested_at, r.revoked_at, r.published_at, r.reason, r.ground, r.requested_by,
    (SELECT min(n.signed_at) FROM acme.issuances o JOIN ca.certificates n ON n.id = o.to_be_signed_id
     WHERE o.contract_id = i.contract_id AND n.signed_at > r.revoked_at) AS reissued_at,
    coalesce((SELECT array_agg(x.case_id ORDER BY x.case_id) FROM office.case_certificates x WHERE x.serial = t.serial),
        w.cases) AS cases
FROM ca.serials s JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id LEFT JOIN gate.contracts k ON k.id = i.contract_id
LEFT JOIN ca.revocations r ON r.serial = t.serial
LEFT JOIN LATERAL (
    SELECT min(c.received_at) AS since, array_agg(c.id ORDER BY c.id) AS cases FROM office.cases c
    WHERE r.serial IS NULL AND c.state NOT IN ('published', 'closed') AND c.ground = ANY ($2::text[])
      AND (t.serial = ANY (c.serials) OR c.spki_sha256 = t.spki_sha256 OR c.contract_id = i.contract_id
           OR c.customer_id = k.customer_id)) AS w ON true
WHERE s.serial = $1 AND (t.state = 'signed' OR EXISTS (SELECT FROM ca.precertificates p WHERE p.id = t.id));
