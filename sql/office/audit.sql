-- Statements of office/storage/audit.py. keiyaku_auditor runs all but insert_review: of people and customers they show
-- ids and the people's handles, no name, no address, nothing of holds and screenings (T16-3, T13-3).

-- name: access
-- Who may do what: database roles that log in, people and their live tokens, requesters of binding keys. Of people and of
-- requesters no more are read than are listed, by the people's handles. `key` tells tokens apart that are alike else.
-- $1 now  $2 most, or null: all  $3 to $6: behind this one, or '': kind, holder, may, key
SELECT kind, holder, may, since, until, last_used_on, key FROM (
    (SELECT 'database' AS kind, r.rolname::text AS holder, m.may, NULL::timestamptz AS since,
        nullif(r.rolvaliduntil, 'infinity') AS until, NULL::date AS last_used_on, '' AS key
    FROM pg_roles r CROSS JOIN LATERAL (SELECT CASE WHEN r.rolsuper THEN 'superuser' ELSE coalesce((
        SELECT 'member of ' || string_agg(g.rolname, ', ' ORDER BY g.rolname) FROM pg_auth_members m
        JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid), 'its own grants') END AS may) m
    WHERE r.rolcanlogin AND ('database', r.rolname::text, m.may, '') > ($3::text, $4::text, $5::text, $6::text))
    UNION ALL
    (SELECT 'leaver', p.handle, 'access outside not seen removed', p.left_at, p.left_at + interval '24 hours', NULL, ''
    FROM office.departures d JOIN gate.persons p ON p.id = d.person_id
    WHERE d.removed_at IS NULL AND ('leaver', p.handle, 'access outside not seen removed', '') > ($3, $4, $5, $6))
    UNION ALL
    (SELECT 'person', p.handle, 'decide, for ' || p.organisation, p.created_at, NULL, NULL, '' FROM gate.persons p
    WHERE $3 <= 'person' AND p.left_at IS NULL AND p.handle >= CASE $3 WHEN 'person' THEN $4 ELSE '' END
        AND ('person', p.handle, 'decide, for ' || p.organisation, '') > ($3, $4, $5, $6)
    ORDER BY p.handle LIMIT $2)
    UNION ALL
    (SELECT 'requester', p.handle, 'binding keys of contract ' || c.number, q.named_at, NULL, NULL, ''
    FROM gate.persons p JOIN office.requesters q ON q.person_id = p.id JOIN gate.contracts c ON c.id = q.contract_id
    WHERE $3 <= 'requester' AND q.withdrawn_at IS NULL AND p.left_at IS NULL AND c.state = 'accepted'
        AND p.handle >= CASE $3 WHEN 'requester' THEN $4 ELSE '' END
        AND ('requester', p.handle, 'binding keys of contract ' || c.number, '') > ($3, $4, $5, $6)
    ORDER BY p.handle, 'binding keys of contract ' || c.number LIMIT $2)
    UNION ALL
    (SELECT 'token', h.holder, h.may, t.created_at, t.expires_at, t.last_used_on, t.id::text
    FROM office.tokens t LEFT JOIN gate.persons p ON p.id = t.person_id CROSS JOIN LATERAL (SELECT
        coalesce(p.handle, t.service) AS holder, t.role || coalesce(' of customer ' || t.customer_id, '') AS may) h
    WHERE t.withdrawn_at IS NULL AND t.expires_at > $1 AND ('token', h.holder, h.may, t.id::text) > ($3, $4, $5, $6))
) AS listed ORDER BY kind, holder, may, key LIMIT $2;

-- name: insert_review
-- $1 id  $2 $3 people  $4 entries  $5 list_sha256  $6 findings  $7 now
INSERT INTO office.access_reviews (id, reviewed_by_first, reviewed_by_second, entries, list_sha256, findings, reviewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: reviews
-- $1 most  $2 before this id, or null
SELECT v.id, v.reviewed_at, one.handle AS first, two.handle AS second, v.entries, v.list_sha256, v.findings
FROM office.access_reviews v JOIN gate.persons one ON one.id = v.reviewed_by_first
JOIN gate.persons two ON two.id = v.reviewed_by_second WHERE $2::uuid IS NULL OR v.id < $2 ORDER BY v.id DESC LIMIT $1;

-- name: leavers
-- in_time is null while the 24 hours run. $1 most  $2 $3 behind who left at this instant, by their handle; or null  $4 now
SELECT p.handle AS person, p.left_at, d.recorded_at, by.handle AS recorded_by, d.removed_at, seen.handle AS removed_by,
    coalesce(d.removed_at <= p.left_at + interval '24 hours',
        CASE WHEN $4::timestamptz > p.left_at + interval '24 hours' THEN false END) AS in_time
FROM office.departures d JOIN gate.persons p ON p.id = d.person_id JOIN gate.persons by ON by.id = d.recorded_by
LEFT JOIN gate.persons seen ON seen.id = d.removed_by
WHERE $2::timestamptz IS NULL OR (p.left_at, p.handle) < ($2, $3::text)
ORDER BY p.left_at DESC, p.handle DESC LIMIT $1;

-- name: readings
-- Every change of a reading, newest first. $1 most  $2 $3 behind the one of this instant and key, or null
SELECT r.key, r.value, r.effective_at, one.handle AS first, two.handle AS second
FROM gate.readings r JOIN gate.persons one ON one.id = r.set_by_first JOIN gate.persons two ON two.id = r.set_by_second
WHERE $2::timestamptz IS NULL OR (r.effective_at, r.key) < ($2, $3::text)
ORDER BY r.effective_at DESC, r.key DESC LIMIT $1;

-- name: certificates
-- Every certificate signed in the period, and every precertificate that no certificate followed (C-125): from $1, before $2.
-- The id of one is made up to a week before it is signed.
SELECT encode(t.serial, 'hex') AS serial, t.issuer_id::integer, encode(sha256(coalesce(c.der, p.der)), 'hex') AS sha256,
    c.id IS NULL AS precertificate_only, t.names, t.not_before, t.not_after, coalesce(c.signed_at, p.signed_at) AS signed_at,
    i.contract_id, k.customer_id, r.revoked_at, r.reason::integer
FROM ca.to_be_signed t LEFT JOIN ca.certificates c ON c.id = t.id LEFT JOIN ca.precertificates p ON p.id = t.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
LEFT JOIN gate.contracts k ON k.id = i.contract_id LEFT JOIN ca.revocations r ON r.serial = t.serial
WHERE t.id >= keiyaku.uuid7_floor($1::timestamptz - interval '7 days')
    AND t.id < keiyaku.uuid7_floor($2::timestamptz + interval '1 millisecond')
    AND coalesce(c.signed_at, p.signed_at) >= $1 AND coalesce(c.signed_at, p.signed_at) < $2
ORDER BY t.id;

-- name: contracts
-- Every contract that was applied for before $2 and had not ended before $1.
SELECT c.id AS contract_id, c.number, c.customer_id, u.kind AS customer_kind, c.plan_id, c.predecessor_id,
    CASE WHEN c.state = 'accepted' AND s.contract_id IS NOT NULL THEN 'active' ELSE c.state END AS state,
    c.fee_yen, c.term_months, c.applied_at, c.accepted_at, c.accepted_by_first, c.accepted_by_second,
    s.issued_at AS started_at, c.ended_at, c.end_cause
FROM gate.contracts c JOIN gate.customers u ON u.id = c.customer_id
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.applied_at < $2 AND (c.ended_at IS NULL OR c.ended_at >= $1)
ORDER BY c.number;

-- name: deadlines
-- From receipt to publication: revocations requested in the period, cases received in it that revoked nothing yet, and
-- problem reports; and of what was asked for in it, when the result was told (T11-6). in_time is null while the deadline
-- is to come, or where none runs. $1 from  $2 before  $3 now
SELECT f.*, CASE WHEN f.ended_at <= f.deadline_at THEN true WHEN least(f.ended_at, $3) > f.deadline_at THEN false END
    AS in_time FROM (
    SELECT 'revocation' AS kind, encode(r.serial, 'hex') AS subject, r.ground, r.requested_at AS received_at,
        r.revoked_at AS acted_at, r.published_at AS ended_at,
        coalesce(k.deadline_at, r.requested_at + interval '24 hours') AS deadline_at
    FROM ca.revocations r LEFT JOIN LATERAL (
        SELECT min(c.deadline_at) AS deadline_at FROM office.case_certificates x JOIN office.cases c ON c.id = x.case_id
        WHERE x.serial = r.serial) AS k ON true
    WHERE r.requested_at >= $1 AND r.requested_at < $2
    UNION ALL
    SELECT 'case', c.id::text, c.ground, c.received_at, NULL, c.published_at, c.deadline_at
    FROM office.cases c WHERE c.received_at >= $1 AND c.received_at < $2 AND c.state IN ('open', 'decided', 'executing')
    UNION ALL
    SELECT 'result', c.id::text, c.ground, c.received_at, c.executed_at, c.result_told_at, c.result_due_at
    FROM office.cases c WHERE c.received_at >= $1 AND c.received_at < $2 AND c.result_due_at IS NOT NULL
    UNION ALL
    SELECT 'report', p.id::text, 'preliminary report', p.received_at, p.preliminary_at, p.preliminary_at,
        p.received_at + interval '24 hours'
    FROM office.problem_reports p WHERE p.received_at >= $1 AND p.received_at < $2) AS f
ORDER BY f.received_at, f.kind, f.subject;
