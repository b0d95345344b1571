-- What statements ask only when it must be asked, or only once the contract's lock is held.
-- Whether issuance of an order may begin: null, or why not. Takes the contract's lock, shared, until the transaction ends,
-- and looks only then: each statement of a volatile function sees what was committed before it (design §4.4).
-- `revisions`: those at which the facts were read, or null: they were read under the lock.
CREATE FUNCTION acme.may_begin(
    contract_number integer, contract uuid, revisions uuid[], wanted uuid, account uuid, spki bytea, instant timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7001, contract_number);
    RETURN (SELECT CASE
        WHEN revisions IS NOT NULL AND 2 <> (SELECT count(*) FROM gate.revisions r
            WHERE r.contract_id IN (contract, '00000000-0000-0000-0000-000000000000') AND r.revision = ANY (revisions))
            THEN 'stale'
        WHEN EXISTS (SELECT FROM acme.account_keys k WHERE k.spki_sha256 = spki) THEN 'account_key'
        WHEN EXISTS (SELECT FROM ca.blocked_keys k WHERE k.spki_sha256 = spki) THEN 'blocked_key'
        WHEN NOT EXISTS (SELECT FROM acme.accounts a WHERE a.id = account AND a.status = 'valid')
            OR cardinality(o.authorization_ids) <> (SELECT count(*) FROM unnest(o.authorization_ids) AS w (listed)
                CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) AS z
                WHERE z.status = 'valid' AND z.expires_at > instant)
            THEN 'not_ready' END
        FROM (SELECT) AS one LEFT JOIN acme.orders o ON o.id = wanted);
END $$;

-- Whether the account's certificate of this issuer and serial is now replaced by the order: it shares a name with it, and
-- no other order that replaces it has come, or may come, to an end of its own (RFC 9773 §5).
CREATE FUNCTION acme.claim(
    replaced bytea, issuer_key_id bytea, account uuid, wanted_names text[], wanted uuid, instant timestamptz
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO acme.replacements AS r (serial, order_id)
    SELECT s.serial, wanted FROM ca.serials s
    JOIN acme.issuances i ON i.to_be_signed_id = s.to_be_signed_id AND i.account_id = account
    JOIN ca.certificates c ON c.id = s.to_be_signed_id AND c.names && wanted_names
    JOIN ca.issuers u ON u.id = s.issuer_id AND u.key_id = issuer_key_id
    WHERE s.serial = replaced
    ON CONFLICT (serial) DO UPDATE SET order_id = excluded.order_id
    WHERE EXISTS (
        SELECT FROM acme.orders o WHERE o.id = r.order_id AND (o.status = 'invalid' OR o.status = 'pending' AND (
            o.expires_at <= instant OR EXISTS (
                SELECT FROM unnest(o.authorization_ids) AS w (listed)
                CROSS JOIN LATERAL (SELECT * FROM acme.authorizations WHERE id = listed OFFSET 0) AS a
                WHERE a.status NOT IN ('pending', 'valid') OR a.expires_at <= instant))));
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION acme.may_begin, acme.claim FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acme.claim TO keiyaku_acme;
GRANT EXECUTE ON FUNCTION acme.may_begin TO keiyaku_acme, keiyaku_work;
