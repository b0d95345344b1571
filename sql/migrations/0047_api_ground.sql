-- What money stands on, and invoices recorded by hand, through the JSON API as with the commands. What is written so is
-- never changed: another rate, issuer or account is another row.
GRANT INSERT ON gate.tax_rates, gate.bank_accounts, office.sellers, office.bank_dialects, office.dealer_aliases
    TO keiyaku_office;
GRANT SELECT, INSERT ON acme.limit_overrides TO keiyaku_office;

-- An invoice recorded by hand: all of it open, no paper, no dealer, under a number that the books do not give themselves.
-- Null: the number is taken.
CREATE FUNCTION gate.record_invoice(invoice uuid, contract uuid, given text, invoice_kind text, issued date, due date,
    total integer, at timestamptz) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
    SELECT invoice, contract, given, invoice_kind, issued, due, total, total, at WHERE given !~ '^[FDC][0-9]{8}$'
    ON CONFLICT (number) DO NOTHING RETURNING id
$$;
REVOKE ALL ON FUNCTION gate.record_invoice FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.record_invoice TO keiyaku_operator, keiyaku_office;
