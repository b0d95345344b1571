-- Days that join an account's chain at its beginning move it back (T8-6): a first day told too late could never be mended.
GRANT UPDATE (covered_from) ON gate.bank_accounts TO keiyaku_office;
