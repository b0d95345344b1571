-- Refusals by CAA of which the owner of a domain asks to be told (RFC 8659 §4.4). One a day of a domain and contract, one to
-- an address, ten of a contract. The address goes two days after the office has put the report into its outbox.
CREATE TABLE acme.caa_reports (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    domain text NOT NULL,
    address text,
    forbidden_at timestamptz NOT NULL,
    forbidden_on date NOT NULL,
    ordinal integer NOT NULL CHECK (ordinal BETWEEN 0 AND 9),
    told_at timestamptz,
    CHECK (address IS NOT NULL OR told_at IS NOT NULL),
    UNIQUE (contract_id, domain, forbidden_on),
    UNIQUE (contract_id, forbidden_on, ordinal)
);
CREATE UNIQUE INDEX caa_reports_of_address ON acme.caa_reports (lower(address), forbidden_on);
CREATE INDEX caa_reports_with_address ON acme.caa_reports (id) WHERE address IS NOT NULL;
GRANT SELECT, INSERT ON acme.caa_reports TO keiyaku_acme, keiyaku_work;
GRANT SELECT, UPDATE (address, told_at) ON acme.caa_reports TO keiyaku_office;
GRANT SELECT ON acme.caa_reports TO keiyaku_operator;
