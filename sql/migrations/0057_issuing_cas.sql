-- More than one issuing CA: each has an instant from which it issues, in place of a mark that one alone could have.
DROP INDEX ca.issuers_active;
ALTER TABLE ca.issuers ALTER active DROP NOT NULL;
ALTER TABLE ca.issuers ALTER active TYPE timestamptz USING CASE kind WHEN 'issuing' THEN created_at END;
ALTER TABLE ca.issuers RENAME active TO issues_from;
ALTER TABLE ca.issuers ADD CHECK ((kind = 'issuing') = (issues_from IS NOT NULL));
GRANT SELECT (decided_at) ON ca.authority_revocations TO keiyaku_acme, keiyaku_work, keiyaku_sign;
