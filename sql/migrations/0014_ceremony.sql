-- Keys in a PKCS#11 module: what may have been signed is known, and how root and issuing CA were made.

-- Since when a key that signs differently each time may have signed the record, while no certificate is known.
ALTER TABLE ca.to_be_signed ADD COLUMN signing_at timestamptz;
DROP TRIGGER record_ended ON ca.to_be_signed;
CREATE TRIGGER record_ended BEFORE UPDATE OF state ON ca.to_be_signed
    FOR EACH ROW WHEN (OLD.state <> 'admitted' OR NEW.state = 'admitted') EXECUTE FUNCTION ca.record_ended();
GRANT UPDATE (signing_at) ON ca.to_be_signed TO keiyaku_sign;

-- Key ceremonies, one under way at a time: the script, and what two people did of it, step by step (C-117, C-168).
CREATE TABLE office.ceremonies (
    id uuid PRIMARY KEY,
    script bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    transcript text,
    ended_at timestamptz,
    CHECK ((transcript IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX ceremonies_open ON office.ceremonies ((true)) WHERE ended_at IS NULL;
-- tbs: what is to be signed, recorded before it is. result: what came of it: SPKI, certificate or CRLs, in DER.
CREATE TABLE office.ceremony_steps (
    ceremony_id uuid NOT NULL REFERENCES office.ceremonies,
    number smallint NOT NULL CHECK (number > 0),
    step text NOT NULL,
    tbs bytea[] NOT NULL,
    prepared_at timestamptz NOT NULL,
    preparations smallint NOT NULL DEFAULT 1,
    first_person uuid REFERENCES gate.persons,
    second_person uuid REFERENCES gate.persons,
    result bytea[],
    done_at timestamptz,
    PRIMARY KEY (ceremony_id, number),
    CHECK (first_person <> second_person),
    CHECK (num_nulls(first_person, second_person, result, done_at) IN (0, 4))
);

-- key ceremonies
GRANT SELECT, INSERT ON office.ceremonies, office.ceremony_steps TO keiyaku_operator;
GRANT UPDATE (transcript, ended_at) ON office.ceremonies TO keiyaku_operator;
GRANT UPDATE (tbs, prepared_at, preparations, first_person, second_person, result, done_at) ON office.ceremony_steps
    TO keiyaku_operator;
