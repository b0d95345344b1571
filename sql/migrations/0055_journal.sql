-- The journal is read by its days (docs/performance.md): each kind of movement in the order in which it is listed, and apart
-- from them what was dated in a month before it was recorded, which alone may be posted on a later day.
CREATE INDEX invoices_issued ON gate.invoices (issued_on, created_at, id);
CREATE INDEX invoices_dated_back ON gate.invoices (created_at, id)
    WHERE issued_on < date_trunc('month', created_at AT TIME ZONE 'Asia/Tokyo')::date;
CREATE INDEX receipts_valued ON gate.receipts (value_on, recorded_at, id);
CREATE INDEX receipts_dated_back ON gate.receipts (recorded_at, id)
    WHERE value_on < date_trunc('month', recorded_at AT TIME ZONE 'Asia/Tokyo')::date;
CREATE INDEX receipts_cancelled ON gate.receipts (cancelled_at, id) WHERE cancelled_at IS NOT NULL;
CREATE INDEX payment_matches_made ON gate.payment_matches (matched_at, id);
CREATE INDEX payment_matches_undone ON gate.payment_matches (undone_at, id) WHERE undone_at IS NOT NULL;
CREATE INDEX adjustments_decided ON office.adjustments (decided_at, id);
CREATE INDEX refunds_decided ON office.refunds (decided_at, id);
-- who may do what is read page by page
CREATE INDEX requesters_of_person ON office.requesters (person_id);
GRANT SELECT (id) ON office.tokens TO keiyaku_auditor;
-- so that what is dated by its own instant is never dated in a closed month
ALTER TABLE office.closed_months
    ADD CONSTRAINT closed_months_over CHECK (closed_at >= (month + interval '1 month') AT TIME ZONE 'Asia/Tokyo');
-- Of what is owed again, the tax in it (消費税法39条3項).
ALTER TABLE office.adjustments
    DROP CONSTRAINT adjustments_check,
    ADD CONSTRAINT adjustments_check CHECK (tax_yen BETWEEN least(amount_yen, 0) AND greatest(amount_yen, 0));
