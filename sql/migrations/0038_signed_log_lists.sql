-- Lists of logs with the publisher's signature, which every process verifies when it loads one (C-130). Empty: not signed. A
-- list that was read before its publisher's key was known is kept, and stored again with its signature.
ALTER TABLE ca.log_lists ADD COLUMN signature bytea NOT NULL DEFAULT '';
ALTER TABLE ca.log_lists DROP CONSTRAINT log_lists_pkey;
ALTER TABLE ca.log_lists ADD PRIMARY KEY (sha256, signature);
CREATE INDEX log_lists_newest ON ca.log_lists (listed_at DESC, octet_length(signature) DESC);
