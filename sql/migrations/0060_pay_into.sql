-- The account that invoices name to be paid into (A8.1): it is set with the issuer, and stays with what was made under it.
ALTER TABLE office.sellers ADD COLUMN pay_into text CHECK (pay_into <> '');
