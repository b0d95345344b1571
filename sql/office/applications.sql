-- name: state
-- No row: stated before.
-- $1 contract_id  $2 representative  $3 applicant_id  $4 servers  $5 dealer, or null  $6 payer, or null  $7 now
INSERT INTO office.applications (contract_id, own_use, representative, applicant_id, servers, dealer, payer, stated_at)
VALUES ($1, true, $2, $3, $4, $5, $6, $7)
ON CONFLICT (contract_id) DO NOTHING
RETURNING contract_id;

-- name: statement
-- $1 contract_id
SELECT a.representative, p.handle AS applicant, a.servers, a.dealer, a.payer, a.stated_at
FROM office.applications a JOIN gate.persons p ON p.id = a.applicant_id WHERE a.contract_id = $1;

-- name: name_requester
-- $1 contract_id  $2 person_id  $3 named_by  $4 now
INSERT INTO office.requesters (contract_id, person_id, named_by, named_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (contract_id, person_id) DO UPDATE SET withdrawn_at = NULL
    WHERE office.requesters.withdrawn_at IS NOT NULL
RETURNING person_id;

-- name: withdraw_requester
-- $1 contract_id  $2 person_id  $3 now
UPDATE office.requesters SET withdrawn_at = $3 WHERE contract_id = $1 AND person_id = $2 AND withdrawn_at IS NULL
RETURNING person_id;

-- name: requesters
-- $1 contract_id
SELECT p.handle, p.name, r.named_at, r.withdrawn_at
FROM office.requesters r JOIN gate.persons p ON p.id = r.person_id WHERE r.contract_id = $1 ORDER BY r.named_at, p.handle;

-- name: call_back
-- $1 id  $2 contract_id  $3 number_source  $4 confirmed  $5 called_by  $6 called_at
INSERT INTO office.call_backs (id, contract_id, number_source, confirmed, called_by, called_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: approve
-- No row: approved before.
-- $1 contract_id  $2 grounds  $3 approved_by  $4 now
INSERT INTO office.eligibility_approvals (contract_id, grounds, approved_by, approved_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (contract_id) DO NOTHING
RETURNING contract_id;

-- name: asked_at_acceptance
-- One JSON text of what acceptance asks (contract_gate/application.py).
-- $1 contract_id
SELECT row_to_json(f)::text FROM (
    SELECT u.kind AS customer_kind, u.based_in_japan,
        EXISTS (SELECT FROM office.eligibility_approvals e WHERE e.contract_id = c.id) AS approved,
        EXISTS (SELECT FROM office.applications a WHERE a.contract_id = c.id) AS own_use,
        EXISTS (SELECT FROM gate.consents s WHERE s.contract_id = c.id) AS consented,
        (SELECT count(*) FROM gate.contract_names n WHERE n.contract_id = c.id AND n.removed_at IS NULL) AS names,
        c.names_max,
        EXISTS (SELECT FROM gate.reviewed_subjects r WHERE r.contract_id = c.id) AS subject,
        (SELECT coalesce(json_agg(k.kind), '[]') FROM (
            SELECT DISTINCT ON (i.kind) i.kind, i.verdict FROM gate.review_items i WHERE i.contract_id = c.id
            ORDER BY i.kind, i.obtained_on DESC, i.recorded_at DESC) k WHERE k.verdict = 'positive') AS reviewed,
        coalesce((SELECT b.confirmed FROM office.call_backs b WHERE b.contract_id = c.id
            ORDER BY b.called_at DESC, b.id DESC LIMIT 1), false) AS called_back,
        EXISTS (SELECT FROM gate.holds h WHERE h.contract_id = c.id AND h.lifted_at IS NULL AND h.status <> 'reported')
            AS held,
        (SELECT coalesce(json_agg(json_build_object('role', x.role, 'subject', x.subject, 'verdict', x.verdict)
            ORDER BY x.id), '[]') FROM office.screenings x WHERE x.contract_id = c.id) AS screened
    FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id WHERE c.id = $1) f;

-- name: move
-- No row: the contract is in none of these states.
-- $1 id  $2 new state  $3 states it may be in
UPDATE gate.contracts SET state = $2 WHERE id = $1 AND state = ANY ($3::text[]) RETURNING id;

-- name: reject
-- The rejection with its two people (T4-7). No row: it is not under review.
-- $1 contract_id  $2 reason_code  $3 first  $4 second  $5 now  $6 states it may be in
WITH moved AS (
    UPDATE gate.contracts SET state = 'rejected' WHERE id = $1 AND state = ANY ($6::text[]) RETURNING id
)
INSERT INTO office.rejections (contract_id, reason_code, rejected_by_first, rejected_by_second, rejected_at)
SELECT id, $2, $3, $4, $5 FROM moved
RETURNING contract_id;

-- name: assign
-- Written consent to a transfer, recorded by two people; the contract passes in the same transaction (T15-1).
-- $1 contract_id  $2 to_customer_id  $3 document_sha256  $4 first  $5 second  $6 now
INSERT INTO office.assignments
    (contract_id, to_customer_id, document_sha256, recorded_by_first, recorded_by_second, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (contract_id, to_customer_id) DO NOTHING
RETURNING contract_id;

-- name: pass_to
-- $1 contract_id  $2 customer_id
UPDATE gate.contracts SET customer_id = $2 WHERE id = $1 AND customer_id <> $2 RETURNING id;
