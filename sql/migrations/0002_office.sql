-- The office's own tables: what people do with contracts, beyond the facts the gate looks at.
CREATE SCHEMA office;
GRANT USAGE ON SCHEMA office TO keiyaku_office, keiyaku_operator;
