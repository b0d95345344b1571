-- Statements of office/storage/acme_cases.py: what ACME did, until a case tells of it.

-- name: take_acme
-- What ACME did that no case has yet, taken into the caller's: all of the oldest requests, each whole, one after the other.
-- $1 how far: requests of so many certificates  $2 now
WITH oldest AS (
    SELECT requested_by, recorded_at FROM office.acme_revocations WHERE taken_at IS NULL ORDER BY recorded_at, serial LIMIT $1
), chosen AS (
    SELECT a.serial, a.upgrade FROM office.acme_revocations a
    WHERE a.taken_at IS NULL AND (a.requested_by, a.recorded_at) IN (SELECT o.requested_by, o.recorded_at FROM oldest o)
    ORDER BY a.recorded_at, a.serial, a.upgrade FOR UPDATE
), taken AS (
    UPDATE office.acme_revocations a SET taken_at = $2 FROM chosen c WHERE a.serial = c.serial AND a.upgrade = c.upgrade
    RETURNING a.serial, a.upgrade, a.requested_by, a.recorded_at, a.reason
)
SELECT t.serial, t.upgrade, r.ground, t.requested_by, t.recorded_at AS requested_at, t.reason, i.contract_id
FROM taken t JOIN ca.revocations r USING (serial) LEFT JOIN acme.issuances i ON i.to_be_signed_id = r.to_be_signed_id
ORDER BY t.recorded_at, t.requested_by, t.upgrade, t.serial;
