-- Statements of office/storage/bundles.py: what one certificate was issued on. keiyaku_operator runs them; of people
-- they show ids alone (T16-3).

-- name: issued
-- What was, or may have been, signed under a serial number, and for which order. $1 serial
SELECT t.id, t.issuer_id, t.serial, t.profile, t.names, t.spki_sha256, t.not_before, t.not_after, t.admission_id,
    t.created_at, t.state, i.order_id, i.account_id, i.contract_id, p.der AS precertificate,
    p.signed_at AS precertified_at, c.der AS certificate, c.signed_at
FROM ca.serials s JOIN ca.to_be_signed t ON t.id = s.to_be_signed_id
LEFT JOIN ca.precertificates p ON p.id = t.id LEFT JOIN ca.certificates c ON c.id = t.id
LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
WHERE s.serial = $1;

-- name: request
-- An order with its account's key and contract. $1 order id
SELECT o.id, o.account_id, o.names, o.profile, o.not_before, o.not_after, o.replaces, o.created_at, o.admission_id,
    o.authorization_ids, o.csr, a.thumbprint, a.binding_key_id, b.contract_id AS bound_contract_id
FROM acme.orders o JOIN acme.accounts a ON a.id = o.account_id JOIN gate.binding_keys b ON b.id = a.binding_key_id
WHERE o.id = $1;

-- name: decisions
-- Of an order: that which placed it, that which let it be signed, and those between that let it go on.
-- $1 first  $2 last  $3 binding key  $4 names
SELECT id, contract_id, binding_key_id, stage, outcome, gate, "case", names, not_after_limit, facts, findings, decided_at
FROM gate.decisions
WHERE id IN ($1, $2)
    OR id > $1 AND id < $2 AND stage = 'finalize' AND binding_key_id = $3 AND names @> $4 AND names <@ $4
ORDER BY id LIMIT 100;

-- name: contract
-- $1 contract id
SELECT c.number, p.handle AS plan, c.term_months, c.names_max, c.fee_yen, c.applied_at, c.accepted_at,
    s.issued_at AS started_at
FROM gate.contracts c JOIN gate.plans p ON p.id = c.plan_id LEFT JOIN gate.contract_starts s ON s.contract_id = c.id
WHERE c.id = $1;

-- name: consent
-- The newest before an instant, with the texts' hashes. $1 contract id  $2 instant
SELECT c.id, c.terms_version, encode(t.sha256, 'hex') AS terms_sha256, c.cps_version,
    encode(s.sha256, 'hex') AS cps_sha256, c.channel, c.consented_at
FROM gate.consents c JOIN gate.texts t ON t.kind = c.terms_kind AND t.version = c.terms_version
JOIN gate.texts s ON s.kind = c.cps_kind AND s.version = c.cps_version
WHERE c.contract_id = $1 AND c.consented_at <= $2 ORDER BY c.consented_at DESC LIMIT 1;

-- name: review
-- Of each kind the newest item recorded before an instant. $1 contract id  $2 instant
SELECT DISTINCT ON (kind) id, kind, criteria_version, source, obtained_on, verdict, recorded_at
FROM gate.review_items WHERE contract_id = $1 AND recorded_at <= $2
ORDER BY kind, obtained_on DESC, recorded_at DESC;

-- name: invoices
-- What was billed before an instant, and what of it was paid by then. $1 contract id  $2 instant
SELECT i.number, i.kind, i.issued_on, i.due_on, i.total_yen, coalesce((SELECT sum(m.amount_yen) FROM gate.payment_matches m
    WHERE m.invoice_id = i.id AND m.matched_at <= $2 AND (m.undone_at IS NULL OR m.undone_at > $2)), 0)::integer AS paid_yen
FROM gate.invoices i WHERE i.contract_id = $1 AND i.created_at <= $2 ORDER BY i.number LIMIT 1000;

-- name: authorizations
-- $1 ids
SELECT id, identifier_value AS domain, wildcard, subdomains, challenge_type AS method, validated_at, caa_checked_at,
    expires_at, created_at
FROM acme.authorizations WHERE id = ANY ($1) ORDER BY identifier_value, wildcard;

-- name: revocation
-- $1 serial
SELECT reason::integer, ground, requested_at, revoked_at, published_at, compromised_at
FROM ca.revocations WHERE serial = $1;

-- name: records_of_contract
-- Evidence of consent, review, acceptance and payment up to an instant. $1 contract ids  $2 kinds  $3 account  $4 instant
SELECT id, era, transaction_id, kind, contract_id, actor, recorded_at, content FROM evidence.records
WHERE contract_id = ANY ($1) AND recorded_at <= $4
    AND (kind = ANY ($2) OR kind = 'account.created' AND actor = 'account:' || $3::uuid::text)
ORDER BY id LIMIT 5000;

-- name: records_of_order
-- Evidence of decisions, validation, CAA, signatures and revocation. The instants are those at which each was written.
-- $1 contract ids  $2 since  $3 decisions  $4 authorizations  $5 order  $6 serial  $7 record
SELECT r.id, r.era, r.transaction_id, r.kind, r.contract_id, r.actor, r.recorded_at, r.content FROM evidence.records r
WHERE r.contract_id = ANY ($1) AND r.id >= keiyaku.uuid7_floor($2::timestamptz - interval '1 minute') AND CASE
    WHEN r.kind = 'gate.decided' THEN convert_from(r.content, 'UTF8')::jsonb ->> 'decision' = ANY ($3::text[])
    WHEN r.kind = 'authorization.validated'
        THEN convert_from(r.content, 'UTF8')::jsonb ->> 'authorization' = ANY ($4::text[])
    WHEN r.kind = 'caa.checked' THEN convert_from(r.content, 'UTF8')::jsonb ->> 'order' = $5::text
    WHEN r.kind IN ('precertificate.signed', 'scts.recorded', 'certificate.signed', 'certificate.revoked',
        'certificate.reason_changed') THEN convert_from(r.content, 'UTF8')::jsonb ->> 'serial' = $6::text
    WHEN r.kind = 'certificate.voided' THEN convert_from(r.content, 'UTF8')::jsonb ->> 'to_be_signed_id' = $7::text
    ELSE false END
UNION ALL
SELECT r.id, r.era, r.transaction_id, r.kind, r.contract_id, r.actor, r.recorded_at, r.content FROM evidence.records r
WHERE r.contract_id IS NULL AND r.kind IN ('certificate.revoked', 'certificate.reason_changed',
        'certificate.compromise_dated')
    AND r.id >= (SELECT keiyaku.uuid7_floor(v.requested_at - interval '1 minute') FROM ca.revocations v
        WHERE v.serial = decode($6, 'hex'))
    AND convert_from(r.content, 'UTF8')::jsonb ->> 'serial' = $6::text
ORDER BY id LIMIT 5000;

-- name: record
-- One row of evidence, with the place that it has in the chain. $1 id
SELECT id, era, transaction_id, kind, contract_id, actor, recorded_at, content FROM evidence.records WHERE id = $1;
