-- name: insert_person
-- No row: the handle is taken.
-- $1 id  $2 handle  $3 name  $4 organisation  $5 now
INSERT INTO gate.persons (id, handle, name, organisation, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (handle) DO NOTHING
RETURNING id, handle, name, organisation;

-- name: person
-- No row: there is none, or only the pseudonym is left (T16-2). $1 handle
SELECT p.id, p.handle, p.name, p.organisation, p.left_at, s.id AS subcontractor_id
FROM gate.persons p LEFT JOIN office.subcontractors s ON s.organisation = p.organisation
WHERE p.handle = $1 AND p.personal_data_destroyed_at IS NULL;

-- name: another
-- Somebody else who has not left. $1 id
SELECT handle FROM gate.persons WHERE id <> $1 AND left_at IS NULL ORDER BY id LIMIT 1;

-- name: persons
-- $1 most
SELECT id, handle, name, organisation, left_at FROM gate.persons ORDER BY handle LIMIT $1;

-- name: insert_customer
-- No row: the handle is taken.
-- $1 id  $2 handle  $3 name  $4 kind  $5 corporate_number  $6 based_in_japan  $7 contact_email  $8 now
INSERT INTO gate.customers (id, handle, name, kind, corporate_number, based_in_japan, contact_email, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (handle) DO NOTHING
RETURNING id, handle, name, kind, corporate_number, based_in_japan, contact_email;

-- name: customer
-- No row: there is none, or only the pseudonym is left (T16-2). $1 handle
SELECT id, handle, name, kind, corporate_number, based_in_japan, contact_email FROM gate.customers
WHERE handle = $1 AND personal_data_destroyed_at IS NULL;

-- name: customers
-- $1 most
SELECT id, handle, name, kind, corporate_number, based_in_japan, contact_email
FROM gate.customers ORDER BY handle LIMIT $1;

-- name: insert_plan
-- No row: the handle is taken.
-- $1 id  $2 handle  $3 name  $4 fee_yen  $5 term_months  $6 names_max
INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (handle) DO NOTHING
RETURNING id, handle, name, fee_yen, term_months, names_max;

-- name: plan
-- $1 handle
SELECT id, handle, name, fee_yen, term_months, names_max FROM gate.plans WHERE handle = $1;

-- name: plans
-- $1 most  $2 after this handle, or null
SELECT handle, name, fee_yen, term_months, names_max, nullif(offered_from, '-infinity') AS offered_from,
    nullif(offered_until, 'infinity') AS offered_until
FROM gate.plans WHERE $2::text IS NULL OR handle > $2 ORDER BY handle LIMIT $1;

-- name: offer
-- $1 id  $2 from, or null  $3 until, or null
UPDATE gate.plans SET offered_from = coalesce($2, offered_from), offered_until = coalesce($3, offered_until) WHERE id = $1;

-- name: insert_text
-- No row: the version is there already, or another of the kind counts from that very instant; a text that was agreed to
-- never changes.
-- $1 kind  $2 version  $3 sha256  $4 url  $5 effective_at
INSERT INTO gate.texts (kind, version, sha256, url, effective_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
RETURNING kind, version, sha256, url, effective_at;

-- name: hold_terms
-- Until the transaction ends nobody else adds Terms.
SELECT pg_advisory_xact_lock(7113);

-- name: other_terms
-- $1 version
SELECT EXISTS (SELECT FROM gate.texts WHERE kind = 'terms' AND version <> $1);

-- name: text
-- $1 kind  $2 version
SELECT kind, version, sha256, url, effective_at FROM gate.texts WHERE kind = $1 AND version = $2;

-- name: texts
-- $1 most  $2 $3 after that of this kind and version, or null
SELECT kind, version, sha256, url, effective_at FROM gate.texts
WHERE $2::text IS NULL OR (kind, effective_at, version) > (
    SELECT x.kind, x.effective_at, x.version FROM gate.texts x WHERE x.kind = $2 AND x.version = $3)
ORDER BY kind, effective_at, version LIMIT $1;
