-- A line that has no receipt yet is not in the index of receipts: while a file is stored that was an entry for every line.

ALTER TABLE office.bank_lines DROP CONSTRAINT bank_lines_receipt_id_key;
CREATE UNIQUE INDEX bank_lines_receipt ON office.bank_lines (receipt_id) WHERE receipt_id IS NOT NULL;
