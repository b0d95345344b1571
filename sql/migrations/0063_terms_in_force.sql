-- Every decision of the gate cites the version of the Terms in force (T20-3), so what is kept of facts is read again when a
-- version is added.
CREATE TRIGGER facts_changed AFTER INSERT OR UPDATE OR DELETE ON gate.texts
    FOR EACH ROW EXECUTE FUNCTION gate.facts_changed();
