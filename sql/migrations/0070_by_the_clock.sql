-- What tokens, retention and answers that are given again go by is the database's clock, and what was dated or decided once
-- is not written anew: who had the password of the office's role alone could call an expired token alive, confirm a proposal
-- that had expired or was withdrawn, and date an end or a removal so early that what it keeps was past its retention.

-- The instant that somebody gives, held to the database's clock: within a minute of it, where no program's may be ahead of
-- it. Who has a role's password alone cannot call an expired token alive, or yesterday's answer a day old.
CREATE FUNCTION keiyaku.as_of(instant timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
    SELECT least(greatest(instant, statement_timestamp() - off), statement_timestamp() + off)
    FROM (SELECT ahead + interval '1 minute' AS off FROM keiyaku.clock) AS far
$$;
REVOKE ALL ON FUNCTION keiyaku.as_of FROM PUBLIC;

-- The column that is named is written once, with the instant of the database's clock: its retention begins then (T16-2).
CREATE FUNCTION keiyaku.by_the_clock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was timestamptz := to_jsonb(OLD) ->> TG_ARGV[0];
    given timestamptz := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF was IS NOT NULL AND was IS DISTINCT FROM given THEN
        RAISE EXCEPTION '% of %.% stays', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    IF was IS NULL AND given IS NOT NULL THEN
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], keiyaku.as_of(given)));
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION keiyaku.by_the_clock FROM PUBLIC;

CREATE OR REPLACE FUNCTION office.holder(proof bytea, instant timestamptz) RETURNS SETOF office.tokens LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.* FROM office.tokens t JOIN gate.persons p ON p.id = t.person_id
    WHERE t.sha256 = sha256(proof) AND t.withdrawn_at IS NULL AND t.expires_at > keiyaku.as_of(instant) AND p.left_at IS NULL
$$;

CREATE OR REPLACE FUNCTION office.vouch_first(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO office.vouched (proposal_id, seen_sha256, first_token)
    SELECT p.id, office.seen(p.arguments), t.id
    FROM office.proposals p JOIN office.vouched_kinds() k ON k.kind = p.kind
    JOIN office.holder(proof, instant) t ON t.person_id = p.proposed_by AND t.role = ANY (k.proposers)
    WHERE p.id = proposal AND p.confirmed_at IS NULL AND p.withdrawn_at IS NULL
        AND p.expires_at <= keiyaku.as_of(p.proposed_at) + interval '7 days 1 hour'
    RETURNING true
$$;

CREATE OR REPLACE FUNCTION office.vouch_second(proposal uuid, proof bytea, instant timestamptz) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.vouched v SET second_token = t.id, confirmed_in = pg_current_xact_id()
    FROM office.proposals p, office.vouched_kinds() k, office.holder(proof, instant) t, office.tokens one
    WHERE v.proposal_id = proposal AND v.second_token IS NULL AND office.first_stands(proposal) AND p.id = proposal
        AND p.expires_at > keiyaku.as_of(p.confirmed_at)
        AND k.kind = p.kind AND t.person_id = p.confirmed_by AND t.role = ANY (k.confirmers)
        AND one.id = v.first_token AND one.person_id <> t.person_id
    RETURNING true
$$;

CREATE OR REPLACE FUNCTION office.carry_out(proposal uuid, wanted text, OUT arguments jsonb, OUT first uuid, OUT second uuid,
    OUT instant timestamptz) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE office.vouched v SET carried_out = true
    FROM office.proposals p, office.tokens one, office.tokens two
    WHERE v.proposal_id = proposal AND NOT v.carried_out AND v.confirmed_in = pg_current_xact_id() AND p.id = proposal
        AND p.kind = wanted AND v.seen_sha256 = office.seen(p.arguments)
        AND one.id = v.first_token AND two.id = v.second_token
    RETURNING p.arguments, one.person_id, two.person_id, keiyaku.as_of(p.confirmed_at)
    INTO carry_out.arguments, carry_out.first, carry_out.second, carry_out.instant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no two people vouched in this transaction for % %', wanted, proposal
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION office.withdraw_token(token_id uuid, proof bytea, instant timestamptz) RETURNS uuid LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE office.tokens t SET withdrawn_at = keiyaku.as_of(instant) FROM office.holder(proof, instant) h
    WHERE t.id = token_id AND t.withdrawn_at IS NULL
        AND (h.role IN ('officer', 'approver', 'compliance', 'operator') OR h.person_id = t.person_id)
    RETURNING t.id
$$;

CREATE OR REPLACE FUNCTION acme.forget_limits(instant timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM acme.limits WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM acme.limits WHERE full_at <= keiyaku.as_of(instant) FOR UPDATE SKIP LOCKED))
$$;

CREATE OR REPLACE FUNCTION office.forget_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM office.idempotency_keys WHERE (token_id, key) IN (
            SELECT token_id, key FROM office.idempotency_keys WHERE answered_at < keiyaku.as_of(before + interval '1 day') - interval '1 day'
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

CREATE OR REPLACE FUNCTION office.forget_open_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM office.open_answers WHERE key_sha256 IN (
            SELECT key_sha256 FROM office.open_answers WHERE answered_at < keiyaku.as_of(before + interval '1 day') - interval '1 day'
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

ALTER TABLE gate.contracts ADD COLUMN end_recorded_at timestamptz;
UPDATE gate.contracts SET end_recorded_at = ended_at WHERE ended_at IS NOT NULL;
-- However early the end of a contract is said to be, its retention begins when that is said (T16-2).
CREATE FUNCTION gate.contract_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.end_recorded_at := keiyaku.as_of(NEW.ended_at);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.contract_ends FROM PUBLIC;
CREATE TRIGGER contract_ended BEFORE INSERT ON gate.contracts
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL OR NEW.end_recorded_at IS NOT NULL) EXECUTE FUNCTION gate.contract_ends();
CREATE TRIGGER contract_ends BEFORE UPDATE OF ended_at, end_recorded_at ON gate.contracts
    FOR EACH ROW EXECUTE FUNCTION gate.contract_ends();

CREATE OR REPLACE FUNCTION office.contracts_past(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM gate.contracts c WHERE c.ended_at <= since AND c.end_recorded_at <= since AND NOT EXISTS (
        SELECT FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
        WHERE i.contract_id = c.id AND t.not_after > since)
    UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts c ON c.id = e.contract_id
    WHERE e.destroy_at <= instant AND c.state IN ('withdrawn', 'rejected')
$$;

CREATE OR REPLACE FUNCTION office.contracts_silent(since timestamptz, instant timestamptz) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM (
        SELECT id FROM gate.contracts WHERE ended_at <= since AND end_recorded_at <= since
        UNION ALL SELECT e.contract_id FROM office.application_ends e JOIN gate.contracts a ON a.id = e.contract_id
        WHERE e.destroy_at <= instant AND a.state IN ('withdrawn', 'rejected')) AS c
    WHERE NOT EXISTS (SELECT FROM gate.invoices i WHERE i.contract_id = c.id AND i.open_yen > 0)
      AND NOT EXISTS (
        SELECT FROM office.notices n WHERE n.contract_id = c.id AND n.queued_at > since AND (n.addressed_at IS NULL
            OR EXISTS (SELECT FROM office.deliveries d WHERE d.notice_id = n.id AND d.state IN ('waiting', 'person'))))
$$;

-- Dates that a retention begins with, and what was answered or decided, are nobody's to write anew (T16-2, T13-1, T23-1).
CREATE TRIGGER by_the_clock BEFORE UPDATE OF removed_at ON office.payer_aliases
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('removed_at');
CREATE TRIGGER by_the_clock BEFORE UPDATE OF removed_at ON office.dealer_aliases
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('removed_at');
CREATE TRIGGER by_the_clock BEFORE UPDATE OF closed_at ON office.problem_reports
    FOR EACH ROW EXECUTE FUNCTION keiyaku.by_the_clock('closed_at');
CREATE FUNCTION office.not_before_queued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.delivered_at < (SELECT queued_at FROM office.notices WHERE id = NEW.notice_id) THEN
        RAISE EXCEPTION 'T5-2: delivery % came before its notice', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER not_before_queued BEFORE UPDATE OF delivered_at ON office.deliveries FOR EACH ROW
    WHEN (NEW.delivered_at IS DISTINCT FROM OLD.delivered_at) EXECUTE FUNCTION office.not_before_queued();
CREATE FUNCTION office.written_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% of %.% stays', TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER written_once BEFORE UPDATE OF destroy_at ON office.documents FOR EACH ROW
    WHEN (OLD.destroy_at IS NOT NULL AND NEW.destroy_at IS DISTINCT FROM OLD.destroy_at)
    EXECUTE FUNCTION office.written_once('destroy_at');
CREATE TRIGGER written_once BEFORE UPDATE OF confirmed_by, confirmed_at, withdrawn_by, withdrawn_at ON office.proposals
    FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL)
    EXECUTE FUNCTION office.written_once('what became');
-- A clear answer may become a hit, and nothing else; by date all of it goes.
CREATE TRIGGER written_once BEFORE UPDATE OF verdict, source, grounds, checked_by, checked_at ON office.screenings
    FOR EACH ROW WHEN (OLD.verdict <> 'pending' AND NOT (OLD.verdict = 'clear' AND NEW.verdict = 'hit')
        AND NEW.personal_data_destroyed_at IS NOT DISTINCT FROM OLD.personal_data_destroyed_at)
    EXECUTE FUNCTION office.written_once('the answer');
-- Two people put the end off, to a later day; once nothing is issued past it, it stays.
CREATE TRIGGER written_once BEFORE UPDATE ON office.service_end FOR EACH ROW
    WHEN (OLD.suspension_id IS NOT NULL OR (NEW.suspension_id IS NULL AND NEW.ends_on <= OLD.ends_on)
        OR (NEW.suspension_id IS NOT NULL AND (NEW.cause, NEW.ends_on, NEW.certificates, NEW.notice_id,
            NEW.decided_by_first, NEW.decided_by_second, NEW.decided_at) IS DISTINCT FROM (OLD.cause, OLD.ends_on,
            OLD.certificates, OLD.notice_id, OLD.decided_by_first, OLD.decided_by_second, OLD.decided_at)))
    EXECUTE FUNCTION office.written_once('what two people decided');
REVOKE ALL ON FUNCTION office.not_before_queued, office.written_once FROM PUBLIC;

REVOKE UPDATE ON office.contacts, office.recipients, office.terms_changes, office.maintenance, office.service_end
    FROM keiyaku_office, keiyaku_operator;
REVOKE UPDATE ON office.register_states FROM keiyaku_office;
GRANT UPDATE (language, postal_address, stale_since) ON office.contacts TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (name, email, language) ON office.recipients TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (announced_at, withdrawn_at) ON office.terms_changes TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (suspension_id) ON office.maintenance TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (cause, ends_on, certificates, notice_id, decided_by_first, decided_by_second, decided_at, suspension_id)
    ON office.service_end TO keiyaku_office, keiyaku_operator;
GRANT UPDATE (name, prefecture, city, street, closed_on, successor, checked_at) ON office.register_states
    TO keiyaku_office;
