-- What is recorded on a rule of the Terms cites their version in force (T20-3). Rows written before cite none.

-- The version of the Terms in force at an instant, for every contract: none consents anew (T20-2). Null: none yet.
CREATE FUNCTION gate.terms_in_force(at timestamptz) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.version FROM gate.texts x WHERE x.kind = 'terms' AND x.effective_at <= at ORDER BY x.effective_at DESC LIMIT 1;
END;

-- The member of a JSON object that cites it, which follows another (T20-3); and a content with it in its place.
CREATE FUNCTION evidence.citation(at timestamptz) RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN convert_to(',"terms_version":' || coalesce(to_json(gate.terms_in_force(at))::text, 'null'), 'UTF8');
END $$;
CREATE FUNCTION evidence.cited(content bytea, place integer, citation bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN substring(content FOR place) || citation || substring(content FROM place + 1);
REVOKE ALL ON FUNCTION gate.terms_in_force, evidence.citation, evidence.cited FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.terms_in_force TO keiyaku_office, keiyaku_operator;
GRANT EXECUTE ON FUNCTION evidence.citation, evidence.cited TO keiyaku_acme, keiyaku_office, keiyaku_operator;

CREATE OR REPLACE FUNCTION office.invoice_notice_queued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO evidence.records (id, kind, contract_id, actor, recorded_at, content)
    VALUES (keiyaku.uuid7(NEW.queued_at), 'notice.queued', NEW.contract_id, 'process:billing', NEW.queued_at,
        convert_to(jsonb_build_object('rule', CASE NEW.kind WHEN 'invoice_issued' THEN 'T8-3' ELSE 'T8-11' END,
            'clause', NEW.clause, 'notice', NEW.id, 'notice_kind', NEW.kind,
            'terms_version', gate.terms_in_force(NEW.queued_at))::text, 'UTF8'));
    RETURN NULL;
END $$;
