-- dns-account-01 and dns-persist-01; authorizations that cover subdomains (RFC 9444); newAuthz passes the gate.
ALTER TABLE acme.authorizations ADD COLUMN subdomains boolean NOT NULL DEFAULT false;
ALTER TABLE acme.authorizations DROP CONSTRAINT authorizations_challenge_type_check;
ALTER TABLE acme.authorizations ADD CONSTRAINT authorizations_challenge_type_check
    CHECK (challenge_type IN ('http-01', 'dns-01', 'tls-alpn-01', 'dns-account-01', 'dns-persist-01'));
ALTER TABLE acme.authorizations ADD CHECK (NOT subdomains OR identifier_type = 'dns' AND NOT wildcard);
ALTER TABLE acme.authorizations
    ADD CHECK (challenge_type IS NULL OR challenge_type LIKE 'dns-%' OR NOT (wildcard OR subdomains));
ALTER TABLE acme.authorizations ADD CHECK (validated_at IS NULL OR expires_at <= validated_at
    + CASE challenge_type WHEN 'dns-persist-01' THEN interval '240 hours' ELSE interval '4800 hours' END);
ALTER TABLE gate.decisions DROP CONSTRAINT decisions_stage_check;
ALTER TABLE gate.decisions ADD CONSTRAINT decisions_stage_check
    CHECK (stage IN ('new_authorization', 'new_order', 'finalize', 'before_signing'));
