-- Personal data past its retention is destroyed, the row stays (T16-2). When the last certificate of a contract, or a customer's
-- last contract, is past: office.contracts_past, contracts_silent and customers_silent. The rows are chosen once, as an array:
-- a sub-select with a limit would be run again for each row of a table that the planner takes for small.

-- name: alone
-- One at a time, on any node, until the transaction ends: nothing is recorded as destroyed twice.
SELECT pg_advisory_xact_lock(7111);

-- name: tally
-- $1 field  $2 now  $3 rows
INSERT INTO office.destructions AS d (field, destroyed_at, rows) VALUES ($1, $2, $3)
ON CONFLICT (field, destroyed_at) DO UPDATE SET rows = d.rows + excluded.rows;

-- name: tallies
-- Of each field: how many rows lost it so far, and when the last did.
SELECT field, sum(rows)::bigint AS rows, max(destroyed_at) AS last_at FROM office.destructions GROUP BY field;

-- name: destructions
-- Newest first. $1 most  $2 and $3 behind this instant and field, or null
SELECT field, destroyed_at, rows FROM office.destructions
WHERE $2::timestamptz IS NULL OR destroyed_at < $2 OR (destroyed_at = $2 AND field > $3::text)
ORDER BY destroyed_at DESC, field LIMIT $1;

-- name: documents
-- Those of applications that formed no contract have a day of their own (T4-7). $1 kept since  $2 now  $3 most
UPDATE office.documents SET sealed_key = NULL, sealed_content = NULL, destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.documents WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
        AND destroyed_at IS NULL AND destroy_at IS NULL LIMIT $3))
RETURNING id, contract_id;

-- name: applications
-- $1 kept since  $2 now  $3 most
UPDATE office.applications SET representative = '-', payer = CASE WHEN payer IS NOT NULL THEN '-' END,
    personal_data_destroyed_at = $2
WHERE contract_id = ANY (ARRAY(
    SELECT contract_id FROM office.applications WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
        AND personal_data_destroyed_at IS NULL LIMIT $3))
RETURNING contract_id AS id, contract_id;

-- name: screenings
-- $1 kept since  $2 now  $3 most
UPDATE office.screenings SET subject = id::text, source = CASE WHEN verdict <> 'pending' THEN '-' END,
    grounds = CASE WHEN verdict = 'hit' THEN '-' END, personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT id FROM office.screenings WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
        AND personal_data_destroyed_at IS NULL LIMIT $3))
RETURNING id, contract_id;

-- name: holds
-- What an officer wrote of somebody's conduct; that there was a hold, of which item, and who decided stays.
-- $1 kept since  $2 now  $3 most
UPDATE gate.holds SET reason = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM gate.holds WHERE contract_id = ANY (ARRAY(SELECT office.contracts_past($1, $2)))
        AND personal_data_destroyed_at IS NULL LIMIT $3))
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

-- name: receipts
-- Who sent it is asked for while any of it is left to match or send back. $1 kept since  $2 now  $3 most
UPDATE gate.receipts SET remitter = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM gate.receipts
    WHERE personal_data_destroyed_at IS NULL AND value_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
      AND (cancelled_at IS NOT NULL OR gate.used_of(id) >= amount_yen) LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: bank_lines
-- Lines that somebody still has to look at keep theirs. The remitter tells equal lines of a day apart: each has a pseudonym
-- of its own. $1 kept since  $2 now  $3 most
UPDATE office.bank_lines SET remitter = '#' || id, remitter_code = '', edi = '', personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT id FROM office.bank_lines
    WHERE personal_data_destroyed_at IS NULL AND booked_on <= ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
      AND state IN ('matched', 'cancelled', 'dismissed') LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: payer_aliases
-- $1 kept since  $2 now  $3 most
UPDATE office.payer_aliases SET name = '-', key = '#' || id, removed_at = coalesce(removed_at, $2),
    personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT id FROM office.payer_aliases
    WHERE personal_data_destroyed_at IS NULL AND (
        removed_at <= $1 OR customer_id IN (SELECT office.customers_silent($1))) LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: dealer_aliases
-- $1 kept since  $2 now  $3 most
UPDATE office.dealer_aliases SET name = '-', key = '#' || id, personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.dealer_aliases WHERE personal_data_destroyed_at IS NULL AND removed_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

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

-- name: cases
-- Once all that they revoked has expired. $1 kept since  $2 now  $3 most
UPDATE office.cases SET reporter = '-' WHERE id = ANY (ARRAY(
    SELECT c.id FROM office.cases c
    WHERE c.reporter <> '-' AND c.state IN ('published', 'closed') AND c.received_at <= least($1::timestamptz, $2)
      AND NOT EXISTS (SELECT FROM office.case_certificates x JOIN ca.revocations r ON r.serial = x.serial
                      WHERE x.case_id = c.id AND r.not_after > $1) LIMIT $3))
RETURNING id, contract_id;

-- name: proposals
-- $1 kept since  $2 now  $3 most
UPDATE office.proposals SET arguments = '{}' WHERE id = ANY (ARRAY(
    SELECT id FROM office.proposals WHERE arguments <> '{}' AND proposed_at <= least($1::timestamptz, $2) LIMIT $3))
RETURNING id, contract_id;

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

-- name: undelivered
-- Nobody sends them any more: whoever is at it has lost the lease. $1 kept since  $2 now  $3 most
UPDATE office.deliveries SET address = '', subject = '-', body = '-', last_error = NULL, locked_until = NULL,
    fence = fence + 1, state = CASE WHEN state IN ('waiting', 'person') THEN 'dropped' ELSE state END,
    personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT d.id FROM office.deliveries d JOIN office.notices n ON n.id = d.notice_id
    WHERE d.personal_data_destroyed_at IS NULL AND d.delivered_at IS NULL AND n.queued_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: notices
-- Of which no letter is left. What was never addressed is never written. $1 kept since  $2 now  $3 most
UPDATE office.notices SET given = '{}', addressed_at = coalesce(addressed_at, $2) WHERE id = ANY (ARRAY(
    SELECT n.id FROM office.notices n WHERE n.given <> '{}' AND n.queued_at <= $1 AND NOT EXISTS (
        SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.personal_data_destroyed_at IS NULL) LIMIT $3))
RETURNING id, contract_id;

-- name: contacts
-- $1 kept since  $2 now  $3 most
UPDATE office.contacts SET postal_address = NULL, stale_since = NULL WHERE customer_id = ANY (ARRAY(
    SELECT customer_id FROM office.contacts
    WHERE customer_id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
        AND postal_address IS NOT NULL LIMIT $3))
RETURNING customer_id AS id, NULL::uuid AS contract_id;

-- name: recipients
-- $1 kept since  $2 now  $3 most
UPDATE office.recipients SET name = '-', email = '-' WHERE contract_id = ANY (ARRAY(
    SELECT contract_id FROM office.recipients WHERE contract_id = ANY (ARRAY(SELECT office.contracts_silent($1, $2)))
        AND email <> '-' LIMIT $3))
    AND email <> '-'
RETURNING contract_id AS id, contract_id;

-- name: customers_email
-- $1 kept since  $2 now  $3 most
UPDATE gate.customers SET contact_email = NULL WHERE id = ANY (ARRAY(
    SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent(least($1::timestamptz, $2))))
        AND contact_email IS NOT NULL LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: accounts
-- Of accounts that were deactivated, or whose customer is past. $1 kept since  $2 now  $3 most
UPDATE acme.accounts SET contacts = '{}' WHERE id = ANY (ARRAY(
    SELECT id FROM acme.accounts WHERE contacts <> '{}' AND (
        deactivated_at <= least($1::timestamptz, $2) OR binding_key_id IN (
            SELECT k.id FROM gate.contracts c JOIN gate.binding_keys k ON k.contract_id = c.id
            WHERE c.customer_id = ANY (ARRAY(SELECT office.customers_silent($1))))) LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: customers
-- Their name stays on papers and in books as long as those are kept. $1 kept since  $2 now  $3 most
UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
    personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT id FROM gate.customers WHERE id = ANY (ARRAY(SELECT office.customers_silent($1)))
        AND personal_data_destroyed_at IS NULL LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: applicants
-- Who applied and never had a contract is in no books. $1 kept since  $2 now  $3 most
UPDATE gate.customers SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', contact_email = NULL,
    personal_data_destroyed_at = $2
WHERE id = ANY (ARRAY(
    SELECT u.id FROM gate.customers u WHERE u.id = ANY (ARRAY(SELECT office.customers_silent($1)))
        AND u.personal_data_destroyed_at IS NULL AND NOT EXISTS (
        SELECT FROM gate.contracts c WHERE c.customer_id = u.id AND c.accepted_at IS NOT NULL) LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: ceremonies
-- $1 kept since  $2 now  $3 most
UPDATE office.ceremonies SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.ceremonies WHERE personal_data_destroyed_at IS NULL AND ended_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: root_crls
-- $1 kept since  $2 now  $3 most
UPDATE office.root_crls SET transcript = '-', personal_data_destroyed_at = $2 WHERE id = ANY (ARRAY(
    SELECT id FROM office.root_crls WHERE personal_data_destroyed_at IS NULL AND signed_at <= $1 LIMIT $3))
RETURNING id, NULL::uuid AS contract_id;

-- name: who_left
-- In order of id. Held: nobody names them newly meanwhile. $1 left by  $2 after which id  $3 most
SELECT id FROM gate.persons WHERE left_at <= $1 AND personal_data_destroyed_at IS NULL AND id > $2
ORDER BY id LIMIT $3 FOR UPDATE;

-- name: of_past_contracts
-- People of customers, of applications and contracts that are past; in order of id. Held: nobody names them newly meanwhile.
-- $1 kept since  $2 after which id  $3 most
WITH past AS MATERIALIZED (SELECT ARRAY(SELECT office.contracts_past($1, $1)) AS ids), named AS MATERIALIZED (
    SELECT a.applicant_id AS id FROM office.applications a WHERE a.contract_id = ANY ((SELECT ids FROM past)::uuid[])
    UNION SELECT q.person_id FROM office.requesters q WHERE q.contract_id = ANY ((SELECT ids FROM past)::uuid[])
    UNION SELECT s.person_id FROM gate.consents s WHERE s.contract_id = ANY ((SELECT ids FROM past)::uuid[]))
SELECT p.id FROM gate.persons p WHERE p.id = ANY (ARRAY(SELECT id FROM named WHERE id > $2))
    AND p.personal_data_destroyed_at IS NULL
ORDER BY p.id LIMIT $3 FOR UPDATE;

-- name: pseudonymise
-- Those whom no record names that is still kept have a pseudonym from now on; what names them by id stays.
-- $1 people  $2 records of contracts kept since  $3 now  $4 columns that name people of customers, or null
UPDATE gate.persons SET handle = 'gone-' || replace(id::text, '-', ''), name = '-', personal_data_destroyed_at = $3
WHERE id = ANY ($1::uuid[]) AND id <> ALL (ARRAY(SELECT gate.still_named($1, $2, $4)))
RETURNING id, NULL::uuid AS contract_id;
