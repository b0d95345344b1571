-- Decisions that no process of the office carries out by itself: readings, plans, tokens, who leaves, reviews of access. Two
-- people vouch for one, each with the token they call with, and a function of the kind writes what both saw: once, in the
-- transaction that confirms it. Of a token the database has the hash alone, so that who has the password of keiyaku_office
-- and not the tokens of two people writes none of it. Roles: office/use_cases/deciding.py.
CREATE FUNCTION office.vouched_kinds() RETURNS TABLE (kind text, proposers text[], confirmers text[]) LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog AS $$
    VALUES ('access_review.close', '{approver,compliance,officer,operator}'::text[], '{approver,compliance}'::text[]),
        ('person.leave', '{approver,compliance,officer,operator}', '{approver,compliance}'),
        ('plan.add', '{approver,officer}', '{approver}'), ('plan.close', '{approver,officer}', '{approver}'),
        ('reading.set', '{approver,compliance,officer}', '{approver,compliance}'),
        ('token.issue', '{approver,compliance,officer,operator}', '{approver,compliance}')
$$;

CREATE TABLE office.vouched (
    proposal_id uuid PRIMARY KEY REFERENCES office.proposals,
    seen_sha256 bytea NOT NULL CHECK (octet_length(seen_sha256) = 32), -- of its arguments
    first_token uuid NOT NULL REFERENCES office.tokens,
    second_token uuid REFERENCES office.tokens,
    confirmed_in xid8, -- the transaction that confirms it, in which it is carried out or never
    carried_out boolean NOT NULL DEFAULT false,
    CHECK (first_token <> second_token),
    CHECK (num_nulls(second_token, confirmed_in) IN (0, 2)),
    CHECK (NOT carried_out OR second_token IS NOT NULL)
);

CREATE FUNCTION office.seen(arguments jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT sha256(convert_to(arguments::text, 'UTF8'))
$$;

-- Whose token this is, if it lives and they are there: `proof` is that of which the database has the hash.
CREATE FUNCTION office.holder(proof bytea, instant timestamptz) RETURNS SETOF office.tokens LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT t.* FROM office.tokens t JOIN gate.persons p ON p.id = t.person_id
    WHERE t.sha256 = sha256(proof) AND t.withdrawn_at IS NULL AND t.expires_at > instant AND p.left_at IS NULL
$$;

-- Who proposed it vouches for it with their token. No row: it is none of theirs to propose.
CREATE FUNCTION office.vouch_first(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO office.vouched (proposal_id, seen_sha256, first_token)
    SELECT p.id, office.seen(p.arguments), t.id
    FROM office.proposals p JOIN office.vouched_kinds() k ON k.kind = p.kind
    JOIN office.holder(proof, instant) t ON t.person_id = p.proposed_by AND t.role = ANY (k.proposers)
    WHERE p.id = proposal AND p.confirmed_at IS NULL
    RETURNING true
$$;

-- Whether it is still as the first saw it, and their token was not withdrawn.
CREATE FUNCTION office.first_stands(proposal uuid) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM office.vouched v JOIN office.proposals p ON p.id = v.proposal_id
        JOIN office.tokens t ON t.id = v.first_token
        WHERE v.proposal_id = proposal AND v.seen_sha256 = office.seen(p.arguments) AND t.withdrawn_at IS NULL)
$$;

-- Who confirmed it vouches for it with their token. No row: it is none of theirs to confirm, or not what was proposed.
CREATE FUNCTION office.vouch_second(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE office.vouched v SET second_token = t.id, confirmed_in = pg_current_xact_id()
    FROM office.proposals p, office.vouched_kinds() k, office.holder(proof, instant) t, office.tokens one
    WHERE v.proposal_id = proposal AND v.second_token IS NULL AND office.first_stands(proposal) AND p.id = proposal
        AND k.kind = p.kind AND t.person_id = p.confirmed_by AND t.role = ANY (k.confirmers)
        AND one.id = v.first_token AND one.person_id <> t.person_id
    RETURNING true
$$;

-- What two people vouched for in this transaction, marked as carried out; whoever they are, their tokens say.
CREATE FUNCTION office.carry_out(proposal uuid, wanted text, OUT arguments jsonb, OUT first uuid, OUT second uuid,
    OUT instant timestamptz) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    UPDATE office.vouched v SET carried_out = true
    FROM office.proposals p, office.tokens one, office.tokens two
    WHERE v.proposal_id = proposal AND NOT v.carried_out AND v.confirmed_in = pg_current_xact_id() AND p.id = proposal
        AND p.kind = wanted AND v.seen_sha256 = office.seen(p.arguments)
        AND one.id = v.first_token AND two.id = v.second_token
    RETURNING p.arguments, one.person_id, two.person_id, p.confirmed_at
    INTO carry_out.arguments, carry_out.first, carry_out.second, carry_out.instant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no two people vouched in this transaction for % %', wanted, proposal
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

-- No row: the key has a value from that instant on already.
CREATE FUNCTION office.set_reading(proposal uuid) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO gate.readings (key, effective_at, value, set_by_first, set_by_second)
    SELECT d.arguments ->> 'key', coalesce((d.arguments ->> 'effective_at')::timestamptz, d.instant),
        d.arguments ->> 'value', d.first, d.second
    FROM office.carry_out(proposal, 'reading.set') d ON CONFLICT (key, effective_at) DO NOTHING
    RETURNING key
$$;

-- No row: the handle is taken.
CREATE FUNCTION office.add_plan(proposal uuid, plan_id uuid) RETURNS SETOF gate.plans LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    INSERT INTO gate.plans (id, handle, name, fee_yen, term_months, names_max, offered_from)
    SELECT plan_id, d.arguments ->> 'handle', d.arguments ->> 'name', (d.arguments ->> 'fee_yen')::integer,
        (d.arguments ->> 'term_months')::integer, (d.arguments ->> 'names_max')::integer,
        coalesce((d.arguments ->> 'offered_from')::timestamptz, d.instant)
    FROM office.carry_out(proposal, 'plan.add') d ON CONFLICT (handle) DO NOTHING
    RETURNING *
$$;

-- No row: there is no such plan.
CREATE FUNCTION office.close_plan(proposal uuid) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE gate.plans p SET offered_until = coalesce((d.arguments ->> 'offered_until')::timestamptz, d.instant)
    FROM office.carry_out(proposal, 'plan.close') d WHERE p.handle = d.arguments ->> 'handle'
    RETURNING p.id
$$;

-- A token whose secret has two parts: who proposed it was given one, whose hash is among the arguments, who confirms it gets
-- the other. No row: the second confirms a token of their own.
CREATE FUNCTION office.make_token(proposal uuid, token_id uuid, part_sha256 bytea) RETURNS uuid LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    INSERT INTO office.tokens (id, sha256, person_id, service, role, customer_id, created_at, expires_at, granted_by_first,
        granted_by_second)
    SELECT token_id, sha256(decode(d.arguments ->> 'part_sha256', 'hex') || part_sha256), p.id,
        CASE WHEN (d.arguments ->> 'service')::boolean THEN d.arguments ->> 'holder' END, d.arguments ->> 'role', c.id,
        d.instant, (d.arguments ->> 'expires_at')::timestamptz, d.first, d.second
    FROM office.carry_out(proposal, 'token.issue') d
    LEFT JOIN gate.persons p ON NOT (d.arguments ->> 'service')::boolean AND p.handle = d.arguments ->> 'holder'
    LEFT JOIN gate.customers c ON c.handle = d.arguments ->> 'customer'
    WHERE p.id IS DISTINCT FROM d.second AND octet_length(decode(d.arguments ->> 'part_sha256', 'hex')) = 32
        AND octet_length(part_sha256) = 32
        AND (d.arguments ->> 'expires_at')::timestamptz <= d.instant + interval '366 days'
    RETURNING id
$$;

-- One person stops a token at once: their own, or any in a role that works for the CA. No row: withdrawn before, or they may
-- not.
CREATE FUNCTION office.withdraw_token(token_id uuid, proof bytea, instant timestamptz) RETURNS uuid LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE office.tokens t SET withdrawn_at = instant FROM office.holder(proof, instant) h
    WHERE t.id = token_id AND t.withdrawn_at IS NULL
        AND (h.role IN ('officer', 'approver', 'compliance', 'operator') OR h.person_id = t.person_id)
    RETURNING t.id
$$;

-- Who leaves decides nothing from now on, and none of their tokens is answered: which these were. Null: they left before, or
-- are one of the two.
CREATE FUNCTION office.leave(proposal uuid) RETURNS uuid[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    d record;
    gone uuid;
    ended uuid[];
BEGIN
    SELECT * INTO d FROM office.carry_out(proposal, 'person.leave');
    UPDATE gate.persons SET left_at = coalesce((d.arguments ->> 'left_at')::timestamptz, d.instant)
    WHERE handle = d.arguments ->> 'person' AND left_at IS NULL AND id NOT IN (d.first, d.second) RETURNING id INTO gone;
    IF gone IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO office.departures (person_id, recorded_by, recorded_at) VALUES (gone, d.first, d.instant);
    WITH stopped AS (
        UPDATE office.tokens SET withdrawn_at = d.instant WHERE person_id = gone AND withdrawn_at IS NULL RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO ended FROM stopped;
    RETURN ended;
END $$;

CREATE FUNCTION office.close_access_review(proposal uuid, review_id uuid, entries integer) RETURNS uuid LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO office.access_reviews (id, reviewed_by_first, reviewed_by_second, entries, list_sha256, findings, reviewed_at)
    SELECT review_id, d.first, d.second, entries, decode(d.arguments ->> 'list_sha256', 'hex'), d.arguments ->> 'findings',
        d.instant
    FROM office.carry_out(proposal, 'access_review.close') d
    RETURNING id
$$;

REVOKE ALL ON FUNCTION office.vouched_kinds, office.seen, office.holder, office.vouch_first, office.first_stands,
    office.vouch_second, office.carry_out, office.set_reading, office.add_plan, office.close_plan, office.make_token,
    office.withdraw_token, office.leave, office.close_access_review FROM PUBLIC;
GRANT EXECUTE ON FUNCTION office.vouch_first, office.vouch_second, office.set_reading, office.add_plan, office.close_plan,
    office.make_token, office.withdraw_token, office.leave, office.close_access_review TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.first_stands TO keiyaku_operator; -- the second confirms by command

-- who left and reviews of access, ceremonies, samples of the self-audit, which compliance and auditors draw
GRANT SELECT ON office.departures, office.access_reviews, office.ceremony_steps TO keiyaku_office;
GRANT UPDATE (removed_by, removed_at) ON office.departures TO keiyaku_office;
GRANT SELECT (script, begun_at) ON office.ceremonies TO keiyaku_office;
GRANT SELECT, INSERT ON office.audit_samples, office.sampled_certificates TO keiyaku_office;
GRANT SELECT (number, hash, sealed_at) ON evidence.checkpoints TO keiyaku_office;
