-- A precertificate is found by its key, as a certificate is (C-125, C-163).
ALTER TABLE ca.precertificates ADD spki_sha256 bytea;
UPDATE ca.precertificates p SET spki_sha256 = t.spki_sha256 FROM ca.to_be_signed t WHERE t.id = p.id;
ALTER TABLE ca.precertificates ALTER spki_sha256 SET NOT NULL;
CREATE INDEX precertificates_by_key ON ca.precertificates (spki_sha256);
GRANT SELECT ON ca.precertificates TO keiyaku_office;
GRANT SELECT (id, signed_at, der) ON ca.precertificates TO keiyaku_auditor;
GRANT SELECT (id, issuer_id, serial, names, not_before, not_after) ON ca.to_be_signed TO keiyaku_auditor;

-- No certificate has the key of a responder (C-077). Responders' keys are on P-256: so long, and beginning so.
ALTER TABLE ca.responders ADD spki_sha256 bytea CHECK (octet_length(spki_sha256) = 32);
UPDATE ca.responders SET spki_sha256 = sha256(substring(certificate
    FROM position('\x3059301306072a8648ce3d020106082a8648ce3d030107034200'::bytea IN certificate) FOR 91));
ALTER TABLE ca.responders ALTER spki_sha256 SET NOT NULL, ADD UNIQUE (spki_sha256);
GRANT SELECT (spki_sha256) ON ca.responders TO keiyaku_acme;
GRANT SELECT (spki_sha256, issuer_id, held_by) ON ca.responders TO keiyaku_office;

-- Only the signer says that a record is signed, or may be: others make records, and void them.
REVOKE UPDATE (state) ON ca.to_be_signed FROM keiyaku_acme, keiyaku_work;
REVOKE INSERT ON ca.to_be_signed, ca.final_records FROM keiyaku_acme, keiyaku_work;
GRANT INSERT (id, issuer_id, admission_id, serial, profile, tbs, names, spki_sha256, not_before, not_after, shard,
    deadline_at, created_at) ON ca.to_be_signed TO keiyaku_acme, keiyaku_work;
GRANT INSERT (id, tbs, recorded_at) ON ca.final_records TO keiyaku_acme, keiyaku_work;
CREATE FUNCTION ca.void_record(record_id uuid) RETURNS SETOF ca.to_be_signed LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    UPDATE ca.to_be_signed SET state = 'void' WHERE id = record_id AND state = 'admitted' RETURNING *
$$;
CREATE FUNCTION ca.open_record(record_id uuid) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT id FROM ca.to_be_signed WHERE id = record_id AND state = 'admitted' FOR NO KEY UPDATE
$$;
REVOKE ALL ON FUNCTION ca.void_record, ca.open_record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ca.void_record, ca.open_record TO keiyaku_acme, keiyaku_work;
