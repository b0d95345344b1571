-- What was written off is owed again as far as a later payment shows (償却債権取立益): an adjustment below zero.
ALTER TABLE office.adjustments
    DROP CONSTRAINT adjustments_kind_check,
    DROP CONSTRAINT adjustments_amount_yen_check,
    DROP CONSTRAINT adjustments_check,
    ADD CONSTRAINT adjustments_kind_check CHECK (kind IN ('credit', 'write_off', 'small_difference', 'recovery')),
    ADD CONSTRAINT adjustments_amount_yen_check CHECK (amount_yen <> 0),
    ADD CONSTRAINT adjustments_check CHECK (tax_yen BETWEEN 0 AND greatest(amount_yen, 0)),
    ADD CHECK ((kind = 'recovery') = (amount_yen < 0));
