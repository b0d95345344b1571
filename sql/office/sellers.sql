-- Statements of office/storage/sellers.py: who issues invoices, and the account they are paid into.

-- name: insert_account
-- $1 id  $2 handle of one of our accounts, or null  $3 bank  $4 its name  $5 branch  $6 its name  $7 kind  $8 number  $9 holder
INSERT INTO office.transfer_accounts (id, bank_account_id, bank, bank_name, branch, branch_name, kind, number, holder)
SELECT $1, (SELECT a.id FROM gate.bank_accounts a WHERE a.handle = $2), $3, $4, $5, $6, $7, $8, $9;

-- name: insert
-- No row: another was set for that instant.
-- $1 effective at  $2 name  $3 address  $4 registration number  $5 first  $6 second  $7 transfer account, or null
INSERT INTO office.sellers (effective_at, name, address, registration_number, set_by, confirmed_by, pay_into)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING effective_at;

-- name: sellers
-- Newest first. $1 set before, or null  $2 most
SELECT s.effective_at, s.name, s.address, s.registration_number, p.handle AS set_by, q.handle AS confirmed_by,
    CASE WHEN t.id IS NOT NULL THEN json_build_object('account', b.handle, 'bank', t.bank, 'bank_name', t.bank_name,
        'branch', t.branch, 'branch_name', t.branch_name, 'kind', t.kind, 'number', t.number, 'holder', t.holder)
        END AS pay_into
FROM office.sellers s JOIN gate.persons p ON p.id = s.set_by LEFT JOIN gate.persons q ON q.id = s.confirmed_by
LEFT JOIN office.transfer_accounts t ON t.id = s.pay_into LEFT JOIN gate.bank_accounts b ON b.id = t.bank_account_id
WHERE $1::timestamptz IS NULL OR s.effective_at < $1
ORDER BY s.effective_at DESC LIMIT $2;
