-- name: insert
-- At most one a day of a domain and contract, one to an address, ten of a contract: what is above is not written. The
-- contract is the one that the account's key serves now (T12-7).
-- $1 id  $2 account id  $3 domain  $4 address  $5 now  $6 day
WITH served AS (
    SELECT v.contract_id
    FROM acme.accounts a JOIN gate.binding_keys b ON b.id = a.binding_key_id
    CROSS JOIN LATERAL gate.served_by(b.contract_id, $5) AS v WHERE a.id = $2
), written AS (
    SELECT s.contract_id, (SELECT count(*)::integer FROM acme.caa_reports r
        WHERE r.contract_id = s.contract_id AND r.forbidden_on = $6) AS ordinal
    FROM served s
)
INSERT INTO acme.caa_reports (id, contract_id, domain, address, forbidden_at, forbidden_on, ordinal)
SELECT $1, contract_id, $3, $4, $5, $6, ordinal FROM written WHERE ordinal < 10
ON CONFLICT DO NOTHING;
