-- Statements of acme_server/storage/check_money.py.

-- name: issuer
-- Whether invoices will be made for a contract that runs, and whether two people said by whom and where to pay. $1 now
SELECT EXISTS (SELECT FROM gate.contracts WHERE state = 'accepted' AND fee_yen > 0) AS billing, s.name IS NOT NULL AS set,
    s.pay_into IS NOT NULL AS paid_into
FROM (SELECT) AS one LEFT JOIN LATERAL (SELECT e.name, e.pay_into FROM office.sellers e
    WHERE e.effective_at <= $1 AND e.confirmed_by IS NOT NULL ORDER BY e.effective_at DESC LIMIT 1) AS s ON true;
