-- Two conditions that stood word for word in several statements have one home each; both functions are inlined.

-- The contract that the binding keys of a contract serve at an instant: its own, or the latest that follows it by then (T12-7).
CREATE FUNCTION gate.served_by(contract uuid, at timestamptz) RETURNS TABLE (contract_id uuid) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT n.successor_id FROM gate.successions n
        WHERE n.contract_id = contract AND n.starts_at <= at AND n.ends_at > at
        ORDER BY n.successor_id DESC LIMIT 1), contract);
END;

-- Contracts that a case names itself; of a customer whose data were learned to be old, those accepted with data reviewed until
-- then: what followed because of the change shows the new ones (T6-5, T14-2). `learned_at`: null for any other case.
CREATE FUNCTION gate.concerned(contract uuid, customer uuid, learned_at timestamptz)
RETURNS TABLE (id uuid, number integer, handle text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT k.id, k.number, k.handle FROM gate.contracts k
    WHERE k.id = contract OR (k.customer_id = customer AND (learned_at IS NULL OR coalesce((
        SELECT max(s.recorded_at) FROM gate.reviewed_subjects s
        WHERE s.contract_id = k.id AND s.recorded_at <= k.accepted_at), k.accepted_at) <= learned_at));
END;
REVOKE ALL ON FUNCTION gate.served_by, gate.concerned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.served_by TO keiyaku_acme, keiyaku_office, keiyaku_work, keiyaku_operator;
GRANT EXECUTE ON FUNCTION gate.concerned TO keiyaku_office, keiyaku_operator;
