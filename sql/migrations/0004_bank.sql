-- Bank files: whose they are, what was in them, which line is which receipt (T8-5, T8-6, T13-1).
-- How an account's bank writes its files, and how they name the account.
CREATE TABLE office.bank_dialects (
    bank_account_id uuid PRIMARY KEY REFERENCES gate.bank_accounts,
    bank text NOT NULL CHECK (bank ~ '^[0-9]{4}$'),
    branch text NOT NULL CHECK (branch ~ '^[0-9]{3}$'),
    kind text NOT NULL CHECK (kind IN ('1', '2', '4')),
    number text NOT NULL CHECK (number ~ '^[0-9]{7}$'),
    format text NOT NULL CHECK (format IN ('zengin-01', 'zengin-03', 'camt.054')),
    years text NOT NULL CHECK (years IN ('era', 'western')),
    virtual_in text NOT NULL CHECK (virtual_in IN ('none', 'header', 'remitter_code')),
    virtual_branch text CHECK (virtual_branch ~ '^[0-9]{3}$'),
    set_at timestamptz NOT NULL,
    UNIQUE (bank, branch, kind, number),
    CHECK ((virtual_in = 'header') = (virtual_branch IS NOT NULL))
);

-- A number of the bank's that stands for one contract; never used again within twelve months of its end.
CREATE TABLE office.virtual_accounts (
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    number text NOT NULL CHECK (number ~ '^[0-9]{1,10}$'),
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    allocated_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (bank_account_id, number, allocated_at)
);
CREATE UNIQUE INDEX virtual_accounts_live ON office.virtual_accounts (bank_account_id, number) WHERE ended_at IS NULL;

-- Names under which a customer's invoices are paid. key: the name as it is compared (contract_gate/matching.py).
CREATE TABLE office.payer_aliases (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES gate.customers,
    name text NOT NULL,
    key text NOT NULL CHECK (key <> ''),
    added_by uuid NOT NULL REFERENCES gate.persons,
    added_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX payer_aliases_live ON office.payer_aliases (customer_id, key) WHERE removed_at IS NULL;
CREATE INDEX payer_aliases_by_key ON office.payer_aliases ("left"(key, 8)) WHERE removed_at IS NULL;

-- staged: every line is stored, some wait to be booked, no day of it counts yet; booked: all of it counts.
CREATE TABLE office.bank_files (
    id uuid PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    name text NOT NULL,
    imported_by uuid REFERENCES gate.persons,
    imported_at timestamptz NOT NULL,
    booked_at timestamptz,
    lines integer NOT NULL,
    known integer NOT NULL,
    late integer NOT NULL,
    missing integer NOT NULL,
    cancelled_counted boolean
);
CREATE TABLE office.bank_file_periods (
    file_id uuid NOT NULL REFERENCES office.bank_files,
    record integer NOT NULL,
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    period_from date NOT NULL,
    period_to date NOT NULL CHECK (period_to >= period_from),
    PRIMARY KEY (file_id, record)
);

-- A line is the same in every file that shows it: account, day, query number, amount, remitter, and its place among equals.
CREATE TABLE office.bank_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id uuid NOT NULL REFERENCES office.bank_files,
    record integer NOT NULL,
    bank_account_id uuid NOT NULL REFERENCES gate.bank_accounts,
    nature text NOT NULL CHECK (nature IN ('transfer', 'other', 'correction')),
    booked_on date NOT NULL,
    value_on date NOT NULL,
    amount_yen bigint NOT NULL CHECK (amount_yen > 0),
    uncleared_yen bigint NOT NULL,
    query_number text NOT NULL,
    remitter_code text NOT NULL,
    remitter text NOT NULL,
    sending_bank text NOT NULL,
    sending_branch text NOT NULL,
    edi text NOT NULL,
    cancels boolean NOT NULL,
    virtual_number text NOT NULL,
    ordinal integer NOT NULL,
    state text NOT NULL DEFAULT 'staged' CHECK (state IN ('staged', 'matched', 'waiting', 'cancelled', 'dismissed')),
    note text,
    receipt_id uuid UNIQUE REFERENCES gate.receipts
);
CREATE UNIQUE INDEX bank_lines_identity ON office.bank_lines
    (bank_account_id, booked_on, amount_yen, query_number, remitter, cancels, ordinal);
CREATE INDEX bank_lines_staged ON office.bank_lines (file_id, id) WHERE state = 'staged';
CREATE INDEX bank_lines_waiting ON office.bank_lines (id) WHERE state = 'waiting';

-- What a payer may write for an invoice.
CREATE INDEX invoices_by_reference ON gate.invoices (upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g')))
    WHERE open_yen > 0;
CREATE INDEX invoices_by_digits ON gate.invoices (regexp_replace(number, '[^0-9]', '', 'g')) WHERE open_yen > 0;

GRANT SELECT, INSERT ON office.bank_dialects, office.virtual_accounts, office.payer_aliases, office.bank_files,
    office.bank_file_periods, office.bank_lines TO keiyaku_operator;
GRANT UPDATE (ended_at) ON office.virtual_accounts TO keiyaku_operator;
GRANT UPDATE (removed_at) ON office.payer_aliases TO keiyaku_operator;
GRANT UPDATE (booked_at) ON office.bank_files TO keiyaku_operator;
GRANT UPDATE (state, note, receipt_id) ON office.bank_lines TO keiyaku_operator;
