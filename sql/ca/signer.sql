-- name: load_records
-- What to sign, the decision that admits it, whether its serial number is registered for it and no other, and what no web
-- process can write: the state of its contract, whether it is held (never why, T13-3) or its customer not told of it (T4-5), those of the contract's names that may cover one of the record's (itself, the domains above
-- it, every network for an address), and the reviewed subject, of which the newest counts, as for the gate. Of term and
-- fees bounds that no gate goes beyond: the latest end a term can have (a renewal's begins at most 90 days after its
-- first certificate, T12-6), and a fee overdue by more than any closed days and any tolerance, with its bank data there.
-- Laterals and scalar subqueries, so that each is looked up: as joins, planned on empty tables, they read all decisions.
-- $1 ids  $2 now
SELECT t.id, t.issuer_id, t.state, t.serial, t.profile, t.tbs, t.names, t.spki_sha256, t.not_before, t.not_after,
       t.shard, t.deadline_at, d.stage, d.outcome, d.names AS admitted_names, d.not_after_limit, d.decided_at,
       d.contract_id, s.organization, s.country, s.state_or_province, s.locality,
       (SELECT true FROM ca.serials n WHERE n.serial = t.serial AND n.to_be_signed_id = t.id AND n.issuer_id = t.issuer_id)
           IS NOT NULL AS own_serial,
       t.issuer_id IN (SELECT v.issuer_id FROM ca.authority_revocations v WHERE v.cross_id IS NULL) AS issuer_revoked,
       (SELECT u.issues_from FROM ca.issuers u WHERE u.id = t.issuer_id) AS issues_from,
       (SELECT true FROM ca.blocked_keys b WHERE b.spki_sha256 = t.spki_sha256) IS NOT NULL AS blocked,
       (SELECT true FROM ca.issuers u WHERE u.spki_sha256 = t.spki_sha256 LIMIT 1) IS NOT NULL
           OR (SELECT true FROM ca.responders u WHERE u.spki_sha256 = t.spki_sha256) IS NOT NULL AS is_own_key,
       (SELECT true FROM ca.revocations v WHERE v.serial = t.serial) IS NOT NULL AS revoked,
       c.state AS contract_state, (SELECT true FROM gate.holds h WHERE h.contract_id = d.contract_id
           AND h.lifted_at IS NULL AND h.status IN ('suspected', 'confirmed') LIMIT 1) IS NOT NULL
           OR coalesce((SELECT v.verdict = 'negative' FROM gate.review_items v
               WHERE v.contract_id = d.contract_id AND v.kind = 'screening' AND v.verdict <> 'pending'
               ORDER BY v.obtained_on DESC, v.recorded_at DESC LIMIT 1), false) AS held,
       (SELECT true FROM gate.formation_notices e WHERE e.contract_id = d.contract_id AND e.dispatched_at IS NULL)
           IS NOT NULL AS untold,
       coalesce(f.issued_at, $2) + make_interval(months => c.term_months,
           days => CASE WHEN c.predecessor_id IS NULL THEN 3 ELSE 100 END) AS term_over_by,
       EXISTS (SELECT FROM gate.invoices o WHERE o.contract_id = d.contract_id AND o.open_yen > 0 AND o.kind = 'fee'
           AND (o.dealer IS NULL OR o.dealer_states_default)
           AND o.open_yen > (SELECT coalesce(max(r.value::integer), 0) FROM gate.readings r
               WHERE r.key = 'payment.tolerance')
           AND o.issued_on >= (SELECT max(covered_from) FROM gate.bank_accounts)
           AND o.due_on + 14 < least(($2 AT TIME ZONE 'Asia/Tokyo')::date,
               (SELECT min(awaited_after) FROM gate.bank_accounts))
           AND NOT EXISTS (SELECT FROM gate.free_reissues y WHERE y.contract_id = d.contract_id)) AS overdue, ARRAY(
           SELECT n.kind || ' ' || n.value FROM gate.contract_names n
           WHERE n.contract_id = d.contract_id AND n.removed_at IS NULL AND n.value = ANY (ARRAY(
               SELECT array_to_string((string_to_array(left(w.name, 253), '.'))[i:], '.')
               FROM unnest(t.names) AS w(name),
                    generate_series(1, cardinality(string_to_array(left(w.name, 253), '.'))) AS i))
           UNION ALL
           SELECT a.kind || ' ' || a.value FROM gate.contract_names a
           WHERE EXISTS (SELECT FROM unnest(t.names) AS w(name) WHERE w.name ~ ':|\.[0-9]+$')
             AND a.contract_id = d.contract_id AND a.removed_at IS NULL AND a.kind = 'network') AS entries
FROM unnest($1::uuid[]) AS asked (id)
CROSS JOIN LATERAL (SELECT * FROM ca.to_be_signed WHERE id = asked.id OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT contract_id, stage, outcome, names, not_after_limit, decided_at FROM gate.decisions
    WHERE id = t.admission_id OFFSET 0) AS d
LEFT JOIN LATERAL (SELECT state, term_months, predecessor_id FROM gate.contracts WHERE id = d.contract_id OFFSET 0) AS c
    ON true
LEFT JOIN LATERAL (SELECT issued_at FROM gate.contract_starts WHERE contract_id = d.contract_id OFFSET 0) AS f ON true
LEFT JOIN LATERAL (SELECT r.organization, r.country, r.state_or_province, r.locality FROM gate.reviewed_subjects r
    WHERE r.contract_id = d.contract_id ORDER BY r.recorded_at DESC LIMIT 1) AS s ON true;

-- name: is_accepted
-- Whether this is the cluster that the operators know of.
SELECT identity = keiyaku.cluster_identity() FROM keiyaku.cluster;

-- name: load_states
-- $1 ids
SELECT id, state FROM ca.to_be_signed WHERE id = ANY($1::uuid[]);

-- name: begin_signing
-- Committed before a key that signs differently each time is asked: from then on nobody asks again (design §4.5).
-- $1 ids  $2 now
UPDATE ca.to_be_signed SET signing_at = $2
WHERE id = ANY($1::uuid[]) AND state = 'admitted' AND signing_at IS NULL
RETURNING id;

-- name: not_signed
-- No signature was made of these: they may be asked for again.
-- $1 ids
UPDATE ca.to_be_signed SET signing_at = NULL WHERE id = ANY($1::uuid[]) AND state = 'admitted';

-- name: store_certificates
-- Certificates of records that are still `admitted` and not revoked (C-142), their records' change and evidence: one commit
-- (design §4.5). Triggers refuse those of a key or an issuing CA that was compromised or revoked meanwhile (C-076, C-160).
-- $1 ids  $2 ders  $3 signed_at  $4 evidence ids  $5 kind  $6 contract_ids  $7 actor  $8 contents
WITH signed AS (
    UPDATE ca.to_be_signed t SET state = 'signed'
    FROM unnest($1::uuid[], $2::bytea[], $4::uuid[], $6::uuid[], $8::bytea[])
        AS s(id, der, evidence_id, contract_id, content)
    WHERE t.id = s.id AND t.id = ANY($1::uuid[]) AND t.state = 'admitted'
      AND NOT EXISTS (SELECT FROM ca.revocations v WHERE v.serial = t.serial)
    RETURNING t.id, t.issuer_id, t.serial, t.names, t.spki_sha256, t.not_before, t.not_after, t.shard,
              s.der, s.evidence_id, s.contract_id, s.content
), certificates AS (
    INSERT INTO ca.certificates
        (id, issuer_id, serial, der, names, spki_sha256, not_before, not_after, shard, signed_at)
    SELECT id, issuer_id, serial, der, names, spki_sha256, not_before, not_after, shard, $3 FROM signed
), recorded AS (
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    SELECT evidence_id, $5, contract_id, $7, $3, content FROM signed
)
SELECT id FROM signed;
