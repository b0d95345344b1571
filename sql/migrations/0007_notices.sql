-- Notices (Article 5): the outbox, a row written in the transaction of its cause. `given` holds the texts' values.
CREATE TABLE office.notices (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    clause text NOT NULL CHECK (clause ~ '^A[0-9.]+$'),
    contract_id uuid REFERENCES gate.contracts,
    customer_id uuid REFERENCES gate.customers,
    given jsonb NOT NULL DEFAULT '{}',
    queued_at timestamptz NOT NULL,
    addressed_at timestamptz -- its deliveries exist; null: not yet
);
CREATE INDEX notices_to_address ON office.notices (id) WHERE addressed_at IS NULL;
CREATE INDEX notices_of_contract ON office.notices (contract_id, id);

-- How a customer wants to be written to, beside the e-mail address in gate.customers.
CREATE TABLE office.contacts (
    customer_id uuid PRIMARY KEY REFERENCES gate.customers,
    language text NOT NULL DEFAULT 'ja' CHECK (language IN ('ja', 'en')),
    postal_address text CHECK (postal_address <> ''),
    stale_since timestamptz -- a bounce (T5-3); null: good
);

-- Others who are told of a contract's money (T8-14, T8-16).
CREATE TABLE office.recipients (
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    role text NOT NULL CHECK (role IN ('payer', 'dealer')),
    name text NOT NULL CHECK (name <> ''),
    email text NOT NULL CHECK (email <> ''),
    language text NOT NULL DEFAULT 'ja' CHECK (language IN ('ja', 'en')),
    PRIMARY KEY (contract_id, role)
);

-- One notice to one recipient by one channel. waiting: we must act; person: a person must; handed: the CA's own relay
-- has it; delivered: T5-2 to T5-4. `message_id` never changes, so whoever gets a letter twice can tell.
CREATE TABLE office.deliveries (
    id uuid PRIMARY KEY,
    notice_id uuid NOT NULL REFERENCES office.notices,
    recipient text NOT NULL CHECK (recipient IN ('customer', 'payer', 'dealer', 'officers', 'reporter', 'public')),
    customer_id uuid REFERENCES gate.customers,
    channel text NOT NULL CHECK (channel IN ('email', 'paper', 'web')),
    state text NOT NULL CHECK (state IN ('waiting', 'person', 'handed', 'delivered')),
    address text NOT NULL, -- e-mail or postal address, or URL; '' where nobody knows one
    language text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    message_id text NOT NULL UNIQUE,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    locked_until timestamptz, -- the database's clock
    fence integer NOT NULL DEFAULT 0,
    last_error text,
    handed_at timestamptz,
    first_viewed_at timestamptz,
    posted_on date,
    bounced_at timestamptz,
    delivered_at timestamptz,
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)),
    CHECK (posted_on IS NULL OR channel = 'paper'),
    CHECK (first_viewed_at IS NULL OR channel = 'web')
);
CREATE INDEX deliveries_of_notice ON office.deliveries (notice_id);
CREATE INDEX deliveries_waiting ON office.deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_for_people ON office.deliveries (id) WHERE state = 'person';

-- A version of the Terms and the announcement that must be delivered before it counts (T20-1).
CREATE TABLE office.terms_changes (
    version text PRIMARY KEY,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    url text NOT NULL,
    change text NOT NULL CHECK (change <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    effective_at timestamptz NOT NULL,
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    announced_by uuid NOT NULL REFERENCES gate.persons,
    announced_at timestamptz, -- the announcement's delivery; null: not yet
    withdrawn_at timestamptz
);

-- Planned maintenance (A22.2) and the notice of it; an emergency has a justification instead.
CREATE TABLE office.maintenance (
    id uuid PRIMARY KEY,
    reason text NOT NULL CHECK (reason <> ''),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    notice_id uuid UNIQUE REFERENCES office.notices,
    emergency text CHECK (emergency <> ''),
    planned_by uuid NOT NULL REFERENCES gate.persons,
    planned_at timestamptz NOT NULL,
    suspension_id uuid UNIQUE REFERENCES gate.suspensions, -- opened
    CHECK (notice_id IS NOT NULL OR emergency IS NOT NULL)
);

-- The end of the service (A23.1), decided by two people once, and the notice of it to every live contract.
CREATE TABLE office.service_end (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    cause text NOT NULL CHECK (cause <> ''),
    ends_on date NOT NULL,
    certificates text NOT NULL CHECK (certificates IN ('revoke', 'run_off')),
    notice_id uuid NOT NULL UNIQUE REFERENCES office.notices,
    decided_by_first uuid NOT NULL REFERENCES gate.persons,
    decided_by_second uuid NOT NULL REFERENCES gate.persons,
    decided_at timestamptz NOT NULL,
    CHECK (decided_by_first <> decided_by_second)
);

-- notices
GRANT SELECT, INSERT, UPDATE ON office.notices, office.contacts, office.recipients, office.deliveries,
    office.terms_changes, office.maintenance, office.service_end TO keiyaku_office, keiyaku_operator;
GRANT SELECT (id, number, handle, customer_id, state) ON gate.contracts TO keiyaku_office;
GRANT SELECT (id, handle, name, contact_email) ON gate.customers TO keiyaku_office;
GRANT SELECT ON gate.holidays, gate.readings TO keiyaku_office;
GRANT INSERT ON gate.texts TO keiyaku_office;
