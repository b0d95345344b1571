-- name: clock
SELECT clock_timestamp();

-- name: roles
-- Roles that may not log in, or lack what their processes cannot do without.
SELECT name FROM (VALUES
    ('keiyaku_acme', 'acme.orders', 'INSERT'), ('keiyaku_office', 'gate.help_pages', 'SELECT'),
    ('keiyaku_status', 'ca.crls', 'SELECT'), ('keiyaku_work', 'acme.jobs', 'DELETE'),
    ('keiyaku_sign', 'ca.certificates', 'INSERT'), ('keiyaku_seal', 'evidence.checkpoints', 'INSERT'),
    ('keiyaku_operator', 'gate.contracts', 'INSERT'), ('keiyaku_compliance', 'office.screenings', 'SELECT'),
    ('keiyaku_auditor', 'acme.issuances', 'SELECT')
) AS needed (name, relation, privilege)
LEFT JOIN pg_roles r ON r.rolname = name
WHERE r.rolname IS NULL OR NOT r.rolcanlogin OR NOT has_table_privilege(r.oid, relation::regclass, privilege)
ORDER BY name;

-- name: overdue_orders
-- Orders in processing whose deadline is over, by the jobs that each of them has. $1 now
SELECT count(*) FROM acme.jobs WHERE kind = 'issue' AND deadline_at < $1;

-- name: unpublished
-- Revocations that no CRL shows yet, of before $1.
SELECT count(*) FROM ca.revocations WHERE published_at IS NULL AND revoked_at < $1;

-- name: deadlines
-- Of revocations, their results and problem reports. $1 now
SELECT nearest, overdue FROM keiyaku.deadlines($1);

-- name: late_tasks
-- What waits for people past a deadline that binds the CA, by kind; revocations and reports are counted above. $1 now
SELECT kind, count(*) AS number FROM office.waiting
WHERE binding AND deadline_at < $1 AND kind NOT IN ('proposal', 'report_answer', 'leak_report')
    AND kind NOT LIKE 'revocation%' GROUP BY kind ORDER BY kind;

-- name: late_lookups
-- Customers whom nobody looked up in the corporate-number register since $1, though a contract ran by then (T6-5).
SELECT count(*) FROM gate.customers u LEFT JOIN office.register_states s ON s.customer_id = u.id
WHERE u.corporate_number IS NOT NULL AND (s.checked_at IS NULL OR s.checked_at < $1)
    AND EXISTS (SELECT FROM gate.contracts c WHERE c.customer_id = u.id AND c.state = 'accepted' AND c.accepted_at < $1);

-- name: service_end_open
-- The day on which the service shall end, while not everybody was told in time (T23-2).
SELECT ends_on FROM office.service_end WHERE suspension_id IS NULL;

-- name: sampled
-- The last sample of the self-audit, else the first certificate, else null; and what of samples is not examined.
SELECT coalesce((SELECT max(drawn_at) FROM office.audit_samples),
        least((SELECT signed_at FROM ca.certificates ORDER BY id LIMIT 1),
            (SELECT signed_at FROM ca.precertificates ORDER BY id LIMIT 1))) AS since,
    (SELECT count(*)::integer FROM office.sampled_certificates WHERE audited_at IS NULL) AS waiting;

-- name: drilled_since
-- The last drill of bulk revocation, else the first CA.
SELECT coalesce((SELECT max(finished_at) FROM office.incidents WHERE drill), (SELECT min(created_at) FROM ca.issuers));

-- name: stale_crls
-- Shards of the issuing CAs $2 without a CRL that is younger than $1.
SELECT i.id::integer AS issuer_id, s.shard
FROM ca.issuers i CROSS JOIN LATERAL generate_series(0, i.shard_count - 1) AS s(shard)
WHERE i.id = ANY ($2) AND NOT EXISTS (
    SELECT FROM ca.crls c WHERE c.issuer_id = i.id AND c.shard = s.shard AND c.this_update > $1)
ORDER BY 1, 2;

-- name: revoked_issuers
-- Certificates of issuing CAs that are revoked and either on no CRL yet, or an issuing CA's own that has not ended. $1 now
SELECT i.name, p.name AS root, v.root_id::integer, v.cross_id IS NULL AS own, v.decided_at,
    coalesce(w.deadline_at, v.deadline_at) AS deadline_at, v.published_at
FROM ca.authority_revocations v JOIN ca.issuers i ON i.id = v.issuer_id JOIN ca.issuers p ON p.id = v.root_id
LEFT JOIN ca.authority_compromises w ON w.root_id = v.root_id AND w.serial = v.serial
WHERE v.published_at IS NULL OR (v.cross_id IS NULL AND v.not_after > $1)
ORDER BY coalesce(w.deadline_at, v.deadline_at), v.root_id;

-- name: being_signed
-- Serial numbers of orders that are being signed, or may be.
SELECT t.serial FROM acme.jobs j JOIN acme.issuances i ON i.order_id = j.subject::uuid
CROSS JOIN LATERAL (SELECT serial, state FROM ca.to_be_signed WHERE id = i.to_be_signed_id OFFSET 0) AS t
WHERE j.kind = 'issue' AND t.state = 'admitted' ORDER BY t.serial;

-- name: begin_era
-- Transaction ids may come again from here on. Returns the era's number.
SELECT evidence.begin_era();

-- name: know_cluster
-- This is the cluster that the operators know of. CRL numbers go on above $1. Returns its identity and the one before.
UPDATE keiyaku.cluster c SET identity = keiyaku.cluster_identity(), crl_floor = greatest(c.crl_floor, $1),
    recorded_at = now()
FROM keiyaku.cluster old WHERE old.one_row = c.one_row
RETURNING old.identity AS before, c.identity AS after;
