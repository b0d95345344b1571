"""A tax rate that one person adds, or that is removed when it counts already; a removed one that is billed by."""

from tests.mutation.mutations import Mutation, off, without

RATES, BILLING = "office/use_cases/tax_rates.py", "office/use_cases/invoices.py"
MIGRATION, TESTS = "sql/migrations/0076_tax_rates_by_two.sql", "tests/office/use_cases/test_tax_rates.py"
FIRST_BILL = "tests/acme_server/use_cases/test_first_bill.py"

MUTATIONS = [
    *off(RATES, TESTS, "found is None", "found.billed", "found.underway"),
    Mutation(RATES, "jst_date(now):\n        raise Unfit(f\"a rate", "now.date():\n        raise Unfit(f\"a rate",
             "tests/office/edge/api/test_ground.py"),
    Mutation(RATES, "jst_date(now):\n        raise Unfit(f\"what", "now.date():\n        raise Unfit(f\"what", TESTS),
    Mutation("sql/contract_gate/storage.sql", " x WHERE x.removed_at IS NULL)", " x)", TESTS),
    Mutation("sql/office/tax_rates.sql", "gate.tax_rates WHERE removed_at IS NULL", "gate.tax_rates", TESTS),
    Mutation(BILLING, "again, await tax_rates.held(conn), read", "again, known, read", TESTS),
    Mutation(BILLING, "fee, await tax_rates.held(conn), await", "fee, [], await", TESTS),
    Mutation("sql/office/tax_rates.sql", "pg_advisory_xact_lock_shared(7201, 3)", "1", TESTS),
    Mutation(MIGRATION, "PERFORM pg_advisory_xact_lock_shared(7201, 3);", "PERFORM 1;",
             f"{FIRST_BILL}::test_a_rate_removed_as_the_first_certificate_is_stored_bills_nobody"),
    *without(
        MIGRATION, TESTS, " AND basis_points = points", "t.outcome = 'credited' AND ", "made.period_end > day AND ",
        "o.status = 'processing' AND ", "REVOKE INSERT ON gate.tax_rates FROM keiyaku_operator, keiyaku_office;",
    ),
    Mutation(MIGRATION, "CHECK (added_by_first <> added_by_second)", "CHECK (true)", TESTS),
    Mutation(MIGRATION, "CHECK (removed_by_first <> removed_by_second)", "CHECK (true)", TESTS),
    Mutation(MIGRATION, "greatest(added_at, removed_at)", "added_at", TESTS),
    Mutation(MIGRATION, "IF billed + underway = 0", "IF billed = 0", TESTS),
    Mutation(MIGRATION, "IF billed + underway = 0", "IF underway = 0", TESTS),
    Mutation(MIGRATION, "x.removed_at IS NOT NULL AND x.effective_on", "false AND x.effective_on", TESTS),
    Mutation(MIGRATION, "y.removed_at IS NULL AND y.basis_points", "false AND y.basis_points", TESTS),
]  # fmt: skip
