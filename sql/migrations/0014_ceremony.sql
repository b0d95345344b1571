-- Keys in a PKCS#11 module: what may have been signed is known, and how root and issuing CA were made.

-- Since when a key that signs differently each time may have signed the record, while no certificate is known.
ALTER TABLE ca.to_be_signed ADD COLUMN signing_at timestamptz;
DROP TRIGGER record_ended ON ca.to_be_signed;
CREATE TRIGGER record_ended BEFORE UPDATE OF state ON ca.to_be_signed
    FOR EACH ROW WHEN (OLD.state <> 'admitted' OR NEW.state = 'admitted') EXECUTE FUNCTION ca.record_ended();
GRANT UPDATE (signing_at) ON ca.to_be_signed TO keiyaku_sign;
