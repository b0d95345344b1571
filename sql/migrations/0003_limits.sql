-- How often something may happen, for whom it may happen more often, and names that an account keeps failing on.
-- How often something may happen: the row of a limit and its subject says when all that was taken of it will have come
-- back (GCRA's theoretical arrival time), at the pace of `number`: when that changes, what was taken stays taken and
-- comes back at the new pace. Unlogged, so a crash forgives, and taking adds no flush.
CREATE UNLOGGED TABLE acme.limits (
    name text NOT NULL,
    subject text NOT NULL,
    full_at timestamptz NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    PRIMARY KEY (name, subject)
) WITH (fillfactor = 50);

-- A limit's number for one contract in place of the settings'. The newest row that has begun counts; 0: no limit;
-- null: the settings' again.
CREATE TABLE acme.limit_overrides (
    id uuid PRIMARY KEY,
    contract_id uuid NOT NULL REFERENCES gate.contracts,
    name text NOT NULL CHECK (name IN ('new_accounts', 'orders_of_account', 'orders_of_contract', 'orders_of_names',
        'failed_validations')),
    number integer CHECK (number >= 0),
    starts_at timestamptz NOT NULL,
    reason text NOT NULL,
    set_by uuid NOT NULL REFERENCES gate.persons,
    created_at timestamptz NOT NULL
);
CREATE INDEX limit_overrides_of_contract ON acme.limit_overrides (contract_id, name, starts_at, id);

-- Names that an account failed to validate: how often in a row and lately, and whether the pair is paused, in which
-- case `token` is that of the page that resumes it.
CREATE TABLE acme.failures (
    account_id uuid NOT NULL REFERENCES acme.accounts,
    name text NOT NULL,
    full_at timestamptz NOT NULL,
    consecutive integer NOT NULL CHECK (consecutive >= 0),
    first_failed_at timestamptz NOT NULL,
    token text UNIQUE,
    paused_at timestamptz,
    PRIMARY KEY (account_id, name),
    CHECK (paused_at IS NULL OR token IS NOT NULL)
);

-- The number of a limit for a contract at an instant: its own, else `preset`.
CREATE FUNCTION acme.limit_of(contract uuid, limit_name text, instant timestamptz, preset integer) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT o.number FROM acme.limit_overrides o
        WHERE o.contract_id = contract AND o.name = limit_name AND o.starts_at <= instant
        ORDER BY o.starts_at DESC, o.id DESC LIMIT 1), preset)
$$;

-- When all has come back, or `instant` if that is over, at the pace of another number.
CREATE FUNCTION acme.at_pace(full_at timestamptz, number integer, at_most integer, instant timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN full_at <= instant THEN instant WHEN number = at_most THEN full_at
        ELSE instant + (full_at - instant) * (number::double precision / at_most) END
$$;

-- Takes one of each limit for its subject, or none at all and answers false (protocol/limits.py has the arithmetic).
-- Two that share subjects must name them in the same order, so that neither waits for the other for ever.
CREATE FUNCTION acme.take(
    contract uuid, names text[], subjects text[], presets integer[], spans interval[], instant timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    taken interval[] := '{}';
    at_most integer;
    step interval;
BEGIN
    FOR i IN 1 .. cardinality(names) LOOP
        at_most := acme.limit_of(contract, names[i], instant, presets[i]);
        step := CASE WHEN at_most > 0 THEN spans[i] / at_most ELSE interval '0' END;
        taken := taken || step;
        CONTINUE WHEN at_most = 0;
        INSERT INTO acme.limits AS l (name, subject, full_at, number)
        VALUES (names[i], subjects[i], instant + step, at_most)
        ON CONFLICT (name, subject) DO UPDATE SET number = at_most,
            full_at = acme.at_pace(l.full_at, l.number, at_most, instant) + step
        WHERE acme.at_pace(l.full_at, l.number, at_most, instant) + step <= instant + spans[i];
        IF NOT FOUND THEN
            FOR j IN 1 .. i - 1 LOOP
                UPDATE acme.limits l SET full_at = l.full_at - taken[j] WHERE l.name = names[j] AND l.subject = subjects[j];
            END LOOP;
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- Forgets limits of which everything has come back, save those that somebody takes of now: it waits for nobody, so that
-- no order waits for it in a circle. Nobody else may delete.
CREATE FUNCTION acme.forget_limits(instant timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    DELETE FROM acme.limits WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM acme.limits WHERE full_at <= instant FOR UPDATE SKIP LOCKED))
$$;

REVOKE ALL ON FUNCTION acme.limit_of, acme.at_pace, acme.take, acme.forget_limits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme.take, acme.at_pace TO keiyaku_acme;
GRANT EXECUTE ON FUNCTION acme.limit_of TO keiyaku_acme, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION acme.forget_limits TO keiyaku_work;
GRANT SELECT, INSERT ON acme.limits, acme.failures TO keiyaku_acme;
GRANT SELECT ON acme.limit_overrides TO keiyaku_acme;
GRANT UPDATE (full_at, number) ON acme.limits TO keiyaku_acme;
GRANT UPDATE (full_at, consecutive, first_failed_at, token, paused_at) ON acme.failures TO keiyaku_acme;
GRANT SELECT ON acme.limits, acme.limit_overrides, acme.failures TO keiyaku_work;
GRANT INSERT ON acme.failures TO keiyaku_work;
GRANT UPDATE (full_at, consecutive, first_failed_at, token, paused_at) ON acme.failures TO keiyaku_work;
GRANT SELECT (account_id, name, token, paused_at) ON acme.failures TO keiyaku_office; -- the page that resumes
GRANT UPDATE (full_at, consecutive, paused_at) ON acme.failures TO keiyaku_office;
GRANT SELECT (id, binding_key_id) ON acme.accounts TO keiyaku_office;
GRANT SELECT (id, contract_id) ON gate.binding_keys TO keiyaku_office;
GRANT SELECT ON acme.limits, acme.limit_overrides, acme.failures TO keiyaku_operator;
GRANT INSERT ON acme.limit_overrides TO keiyaku_operator;

-- The signer refuses a held contract itself, and never learns why it is held (T13-3).
GRANT SELECT (contract_id, status, lifted_at) ON gate.holds TO keiyaku_sign;
