-- What money stands on, and invoices recorded by hand, through the JSON API as with the commands. What is written so is
-- never changed: another rate, issuer or account is another row.
GRANT INSERT ON gate.tax_rates, gate.bank_accounts, office.sellers, office.bank_dialects, office.dealer_aliases
    TO keiyaku_office;
