-- Personal data past its retention is destroyed, the row stays (T16-2). What relies on a contract's certificates counts
-- from the last of them, or from the end of a contract without one. The rows are chosen once, as an array: a sub-select with
-- a limit would be run again for each row of a table that the planner takes for small.

-- name: documents
-- $1 kept since  $2 now  $3 most
UPDATE office.documents SET sealed_key = NULL, sealed_content = NULL, destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT d.id FROM office.documents d JOIN gate.contracts c ON c.id = d.contract_id
    WHERE d.destroyed_at IS NULL AND d.destroy_at IS NULL AND c.ended_at <= $1 AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > $1) LIMIT $3))
RETURNING id, contract_id;

-- name: applications
-- $1 kept since  $2 now  $3 most
UPDATE office.applications SET representative = '-', personal_data_destroyed_at = $2 WHERE contract_id = ANY (ARRAY(
    SELECT a.contract_id FROM office.applications a JOIN gate.contracts c ON c.id = a.contract_id
    WHERE a.personal_data_destroyed_at IS NULL AND c.ended_at <= $1 AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > $1) LIMIT $3))
RETURNING contract_id AS id, contract_id;

-- name: screenings
-- $1 kept since  $2 now  $3 most
UPDATE office.screenings SET subject = id::text, source = CASE WHEN verdict <> 'pending' THEN '-' END,
    grounds = CASE WHEN verdict = 'hit' THEN '-' END, personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT s.id FROM office.screenings s JOIN gate.contracts c ON c.id = s.contract_id
    WHERE s.personal_data_destroyed_at IS NULL AND c.ended_at <= $1 AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > $1) LIMIT $3))
RETURNING id, contract_id;

-- name: invoice_papers
-- $1 kept since  $2 now  $3 most
UPDATE office.invoice_papers SET buyer = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
    personal_data_destroyed_at = $2
WHERE invoice_id = ANY (ARRAY(
    SELECT p.invoice_id FROM office.invoice_papers p JOIN gate.invoices i ON i.id = p.invoice_id
    WHERE p.personal_data_destroyed_at IS NULL AND i.issued_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
      AND i.open_yen = 0 LIMIT $3))
RETURNING invoice_id AS id, NULL::uuid AS contract_id;

-- name: problem_reports
-- $1 kept since  $2 now  $3 most
UPDATE office.problem_reports SET reporter = '-', email = '-', what = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.problem_reports
    WHERE personal_data_destroyed_at IS NULL AND closed_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: key_proofs
-- $1 kept since  $2 now  $3 most
UPDATE office.key_proofs SET reporter = '-', email = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.key_proofs
    WHERE personal_data_destroyed_at IS NULL AND received_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: deliveries
-- What its notice was written from goes with it. $1 kept since  $2 now  $3 most
WITH gone AS (
    UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL,
        personal_data_destroyed_at = $2
    WHERE id = ANY (ARRAY(
        SELECT id FROM office.deliveries
        WHERE personal_data_destroyed_at IS NULL AND delivered_at <= $1 LIMIT $3))
    RETURNING id, notice_id
), emptied AS (
    UPDATE office.notices SET given = '{}' WHERE id = ANY (ARRAY(SELECT notice_id FROM gone))
)
SELECT id, NULL::uuid AS contract_id FROM gone;

-- name: contacts
-- Of customers whose contracts have all ended, with nothing left to pay. $1 kept since  $2 now  $3 most
UPDATE office.contacts SET postal_address = NULL, stale_since = NULL WHERE customer_id = ANY (ARRAY(
    SELECT x.customer_id FROM office.contacts x
    WHERE x.postal_address IS NOT NULL
      AND EXISTS (SELECT FROM gate.contracts c WHERE c.customer_id = x.customer_id AND c.ended_at <= least($1::timestamptz, $2))
      AND NOT EXISTS (
        SELECT FROM gate.contracts c WHERE c.customer_id = x.customer_id AND (
            coalesce(c.ended_at > $1::timestamptz, c.state NOT IN ('withdrawn', 'rejected'))
            OR EXISTS (SELECT FROM gate.invoices i WHERE i.contract_id = c.id AND i.open_yen > 0))) LIMIT $3))
RETURNING customer_id AS id, NULL::uuid AS contract_id;

-- name: recipients
-- Of contracts that have ended, with nothing left to pay. $1 kept since  $2 now  $3 most
UPDATE office.recipients SET name = '-', email = '-' WHERE contract_id = ANY (ARRAY(
    SELECT r.contract_id FROM office.recipients r JOIN gate.contracts c ON c.id = r.contract_id
    WHERE r.email <> '-' AND c.ended_at <= least($1::timestamptz, $2)
      AND NOT EXISTS (SELECT FROM gate.invoices i WHERE i.contract_id = c.id AND i.open_yen > 0) LIMIT $3))
    AND email <> '-'
RETURNING contract_id AS id, contract_id;
