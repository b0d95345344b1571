-- Certificates of a contract are listed by page, whatever their number: their ids in order (T11-11).
DROP INDEX acme.issuances_of_contract;
CREATE INDEX issuances_of_contract ON acme.issuances (contract_id, to_be_signed_id);

-- Auditors compare the records of a checkpoint through the API.
GRANT SELECT ON evidence.checkpoints TO keiyaku_office;

-- Answers of the open doors that are given again (Idempotency-Key): no token binds them, so neither key nor request is kept,
-- but hashes, and the answer is sealed under both.
CREATE TABLE office.open_answers (
    key_sha256 bytea PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    sealed bytea NOT NULL CHECK (octet_length(sealed) <= 8192),
    answered_at timestamptz NOT NULL
);
CREATE INDEX open_answers_old ON office.open_answers (answered_at);
CREATE FUNCTION office.forget_open_answers(before timestamptz) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM office.open_answers WHERE key_sha256 IN (
            SELECT key_sha256 FROM office.open_answers WHERE answered_at < before
            ORDER BY answered_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION office.forget_open_answers FROM PUBLIC;
GRANT SELECT, INSERT ON office.open_answers TO keiyaku_office;
GRANT EXECUTE ON FUNCTION office.forget_open_answers TO keiyaku_office;
