-- Statements of contract_gate/storage.py: the facts of a contract, its lock, and the record of a refusal.

-- name: facts
-- One JSON text of all the gate may look at (contract_gate/facts.py). Never no row: what is not there is null.
-- Holds and screening are told as one boolean (T13-3): a report blocks nothing (T3-4), a pending screening holds
-- acceptance only (T13-1).
-- $1 binding_key_id  $2 contract_id (null: the one that the key serves at $6, T12-7)  $3 names
-- $4 values that may cover one  $5 addresses  $6 now  $7 how many entries at most
-- Beside it what keeping it needs (contract_gate/kept.py): its revisions; whether it holds facts of other contracts; until
-- when they stay what they are; the entries of the contract's list of names. Of the facts themselves none depends
-- on $6 beyond that instant, but that a suspension which has ended is left out.
SELECT row_to_json(f)::text AS facts,
    ARRAY(SELECT r.revision FROM gate.revisions r
        WHERE r.contract_id IN (c.id, '00000000-0000-0000-0000-000000000000')) AS revisions,
    w.whole_customer,
    (SELECT min(t.at) FROM (
        SELECT unnest(ARRAY[n.starts_at, n.ends_at]) FROM gate.successions n WHERE n.contract_id = b.contract_id
        UNION ALL SELECT y.ends_at FROM gate.free_reissues y WHERE y.contract_id = c.id
        UNION ALL SELECT x.effective_at FROM gate.texts x WHERE x.kind = 'terms') AS t(at)
        WHERE t.at > $6 AND t.at < 'infinity') AS until,
    ARRAY(SELECT n.kind || ' ' || n.value FROM gate.contract_names n
        WHERE n.contract_id = c.id AND n.removed_at IS NULL LIMIT $7) AS entries
FROM (SELECT) AS one
LEFT JOIN gate.binding_keys b ON b.id = $1
CROSS JOIN LATERAL gate.served_by(b.contract_id, $6) AS v
LEFT JOIN gate.contracts c ON c.id = coalesce($2, v.contract_id)
LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT r.value FROM gate.readings r
        WHERE r.key = 'block.scope' AND r.effective_at <= coalesce(c.accepted_at, $6)
        ORDER BY r.effective_at DESC LIMIT 1) = 'customer', false) AS whole_customer
) w
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'contract_id', v.contract_id, 'number', v.number, 'kind', v.kind, 'issued_on', v.issued_on,
        'due_on', v.due_on, 'open_yen', v.open_yen, 'total_yen', v.total_yen, 'created_at', v.created_at,
        'dealer', v.dealer, 'dealer_states_default', v.dealer_states_default)) AS invoices,
        min(v.due_on) AS first_due_on, max(v.due_on) AS last_due_on
    FROM gate.invoices v
    WHERE v.open_yen > 0 AND v.contract_id = ANY (CASE
        WHEN w.whole_customer
        THEN ARRAY(SELECT m.id FROM gate.contracts m WHERE m.customer_id = c.customer_id)
        ELSE ARRAY[c.id] END)
) o
CROSS JOIN (SELECT max(covered_from) AS bank_data_from, min(awaited_after) AS bank_data_through
            FROM gate.bank_accounts) a
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN c.id IS NOT NULL THEN json_build_object(
            'id', c.id, 'number', c.number, 'handle', c.handle, 'state', c.state, 'end_cause', c.end_cause,
            'accepted_at', c.accepted_at, 'started_at', s.issued_at, 'term_months', c.term_months,
            'fee_yen', c.fee_yen, 'names_max', c.names_max, 'names_count', (
                SELECT count(*) FROM gate.contract_names n WHERE n.contract_id = c.id AND n.removed_at IS NULL)
            ) END AS contract,
        CASE WHEN c.predecessor_id IS NULL THEN '[]' ELSE (
            WITH RECURSIVE line AS (
                SELECT p.*, 1 AS depth, c.link AS led_by FROM gate.contracts p WHERE p.id = c.predecessor_id
                UNION ALL
                SELECT p.*, l.depth + 1, l.link FROM line l JOIN gate.contracts p ON p.id = l.predecessor_id WHERE l.depth < 100
            )
            SELECT json_agg(json_build_object(
                'contract_id', l.id, 'end_cause', l.end_cause, 'accepted_at', l.accepted_at,
                'started_at', ls.issued_at, 'term_months', l.term_months, 'link', l.led_by) ORDER BY l.depth)
            FROM line l LEFT JOIN gate.contract_starts ls ON ls.contract_id = l.id) END AS predecessors,
        (SELECT json_build_object(
                'terms_version', t.terms_version, 'cps_version', t.cps_version, 'consented_at', t.consented_at)
            FROM gate.consents t WHERE t.contract_id = c.id ORDER BY t.consented_at DESC LIMIT 1) AS consent,
        (SELECT coalesce(json_agg(json_build_object(
                'kind', r.kind, 'verdict', r.verdict, 'obtained_on', r.obtained_on)), '[]') FROM
            unnest('{legal_existence,address,domain_right,applicant_authority,screening}'::text[]) AS k(kind)
            CROSS JOIN LATERAL (
                SELECT i.kind, i.verdict, i.obtained_on FROM gate.review_items i
                WHERE i.contract_id = c.id AND i.kind = k.kind AND (i.kind <> 'screening' OR i.verdict = 'positive')
                ORDER BY i.obtained_on DESC, i.recorded_at DESC LIMIT 1) r) AS review,
        (SELECT json_build_object('organization', j.organization, 'country', j.country,
                'state_or_province', j.state_or_province, 'locality', j.locality)
            FROM gate.reviewed_subjects j WHERE j.contract_id = c.id ORDER BY j.recorded_at DESC LIMIT 1) AS subject,
        CASE WHEN b.id IS NOT NULL THEN json_build_object('id', b.id, 'contract_id', b.contract_id, 'names', b.names,
            'expires_at', b.expires_at, 'withdrawn_at', b.withdrawn_at) END AS binding,
        (SELECT coalesce(json_agg(json_build_object('kind', n.kind, 'value', n.value)), '[]') FROM (
            SELECT d.kind, d.value FROM gate.contract_names d
            WHERE d.contract_id = c.id AND d.removed_at IS NULL AND d.value = ANY ($4)
              AND (d.kind = 'domain' OR d.value = ANY ($3))
            UNION ALL
            SELECT a.kind, a.value FROM gate.contract_names a
            WHERE cardinality($5::inet[]) > 0 AND a.contract_id = c.id AND a.removed_at IS NULL
              AND a.kind = 'network' AND a.network >>= ANY ($5::inet[])) n) AS names,
        coalesce(o.invoices, '[]') AS invoices,
        a.bank_data_from,
        a.bank_data_through,
        (SELECT coalesce(json_agg(h.day), '[]') FROM gate.holidays h
            WHERE h.day BETWEEN o.first_due_on - 14 AND o.last_due_on + 14 AND h.removed_at IS NULL) AS holidays,
        EXISTS (SELECT FROM gate.holds h
                WHERE h.contract_id = c.id AND h.lifted_at IS NULL AND h.status <> 'reported')
            OR coalesce((SELECT i.verdict = 'negative' FROM gate.review_items i
                WHERE i.contract_id = c.id AND i.kind = 'screening' AND i.verdict <> 'pending'
                ORDER BY i.obtained_on DESC, i.recorded_at DESC LIMIT 1), false) AS held,
        EXISTS (SELECT FROM gate.free_reissues y WHERE y.contract_id = c.id AND y.ends_at > $6) AS free_reissue,
        EXISTS (SELECT FROM gate.formation_notices e WHERE e.contract_id = c.id AND e.dispatched_at IS NULL) AS untold,
        (SELECT coalesce(json_agg(json_build_object(
                'item', g.item, 'in_certificate', g.in_certificate, 'learned_at', g.learned_at)), '[]')
            FROM gate.information_changes g WHERE g.contract_id = c.id AND g.resolved_at IS NULL) AS changes,
        (SELECT coalesce(json_agg(json_build_object(
                'clause', z.clause, 'starts_at', z.starts_at, 'ends_at', z.ends_at)), '[]')
            FROM gate.suspensions z WHERE z.ends_at > $6 OR z.ends_at IS NULL) AS suspensions,
        (SELECT coalesce(json_agg(json_build_object(
                'key', r.key, 'effective_at', r.effective_at, 'value', r.value)), '[]')
            FROM gate.readings r WHERE r.key IN ('block.scope', 'cert.min_lifetime',
                'due.roll', 'money.rounding', 'payment.small_difference', 'payment.tolerance', 'tax.apportion',
                'tax.diff_due', 'term.first_day')) AS readings,
        CASE WHEN c.id IS NOT NULL AND s.issued_at IS NULL THEN (SELECT json_agg(json_build_object(
            'effective_on', x.effective_on, 'basis_points', x.basis_points)) FROM gate.tax_rates x WHERE x.removed_at IS NULL) ELSE '[]' END
            AS tax_rates,
        (SELECT x.version FROM gate.texts x WHERE x.kind = 'terms' AND x.effective_at <= $6
            ORDER BY x.effective_at DESC LIMIT 1) AS terms_version
) f;

-- name: contract_and_key
-- The contract of an id or handle, and the key of that name, if one is named. $1 id or null  $2 kid or null  $3 handle or null
SELECT c.id AS contract_id, (SELECT k.id FROM gate.binding_keys k WHERE k.kid = $2) AS binding_key_id
FROM gate.contracts c WHERE c.id = $1 OR c.handle = $3;

-- name: newest_keys
-- Of each contract the newest live key: its own, else that of the nearest contract before it whose keys it serves then
-- (T12-7), or null. $1 contract ids  $2 now
SELECT a.contract_id, (
    WITH RECURSIVE line AS (
        SELECT a.contract_id AS id, 0 AS depth
        UNION ALL
        SELECT c.predecessor_id, l.depth + 1 FROM line l JOIN gate.contracts c ON c.id = l.id
        WHERE c.predecessor_id IS NOT NULL AND l.depth < 100
    )
    SELECT k.id FROM line l JOIN gate.binding_keys k ON k.contract_id = l.id
    WHERE k.withdrawn_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
      AND (l.depth = 0 OR a.contract_id = (SELECT v.contract_id FROM gate.served_by(l.id, $2) v))
    ORDER BY l.depth, k.created_at DESC LIMIT 1) AS binding_key_id
FROM unnest($1::uuid[]) AS a(contract_id);

-- name: lock_shared
-- $1 contract_number
SELECT pg_advisory_xact_lock_shared(7001, $1);

-- name: lock_exclusive
-- $1 contract_number
SELECT pg_advisory_xact_lock(7001, $1);

-- name: record_admission
-- A decision that nothing came of, and its evidence: both or none.
-- $1..$12 a DecisionRow  $13 evidence id  $14 kind  $15 actor  $16 recorded_at  $17 content
WITH decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, gate, "case", names, not_after_limit,
        facts, findings, decided_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
)
INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content) VALUES ($13, $14, $2, $15, $16, $17);

-- name: record_refusal
-- The decision, its evidence, and the page it points to: all or none. T0-1. No row: another transaction has just
-- made the page, and `help_page` finds it.
-- $1..$12 a DecisionRow  $13 evidence id  $14 kind  $15 actor  $16 recorded_at  $17 content  $18 new token
WITH decision AS (
    INSERT INTO gate.decisions (id, contract_id, binding_key_id, stage, outcome, gate, "case", names, not_after_limit,
        facts, findings, decided_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
), record AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content) VALUES ($13, $14, $2, $15, $16, $17)
), known AS (
    SELECT token FROM gate.help_pages WHERE contract_id = $2 AND gate = $6 AND "case" = $7
), page AS (
    INSERT INTO gate.help_pages (token, contract_id, gate, "case", created_at)
    SELECT $18, $2, $6, $7, $16 WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (contract_id, gate, "case") DO NOTHING
    RETURNING token
)
SELECT token FROM known UNION ALL SELECT token FROM page;

-- name: help_page
-- $1 contract_id  $2 gate  $3 case
SELECT token FROM gate.help_pages WHERE contract_id = $1 AND gate = $2 AND "case" = $3;

-- name: draft_bills
-- What the fee of a contract without a certificate comes to, by the day of its signing. T8-3. A row a day.
-- $1 contract id  $2 signed on  $3 due on  $4 period from  $5 period end  $6 rates  $7 months  $8 bases  $9 taxes
-- $10 signed on, the other day  $11 its due on  $12 period from  $13 period end  $14 rates  $15 months  $16 bases  $17 taxes
INSERT INTO gate.bill_drafts AS d (contract_id, signed_on, due_on, period_from, period_end, rates, months, bases, taxes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9), ($1, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (contract_id, signed_on) DO UPDATE SET due_on = excluded.due_on, period_from = excluded.period_from,
    period_end = excluded.period_end, rates = excluded.rates, months = excluded.months, bases = excluded.bases,
    taxes = excluded.taxes;
