"""The wrong readings of the Terms that look right: each must turn a test red."""

from tests.mutation.mutations import Mutation, off, without

CALENDAR, MONEY, BILLING = "contract_gate/calendar.py", "contract_gate/money.py", "contract_gate/billing.py"
A03, A04, A11, A12, A13 = (
    f"contract_gate/articles/article_{name}.py"
    for name in ("03_review", "04_issuance", "11_revocation", "12_term", "13_antisocial")
)
FACTS, CASES_SQL = "sql/contract_gate/storage.sql", "sql/office/revocations.sql"
PROBLEMS = "acme_server/edge/problems.py"
CASES, DECISIONS = "office/use_cases/cases.py", "office/use_cases/case_decisions.py"
GATE, OFFICE, DOOR = "tests/contract_gate", "tests/office/use_cases", "tests/acme_server"
T_CALENDAR, T_MONEY, T_GATE, T_ALIKE = (
    f"{GATE}/test_calendar.py", f"{GATE}/test_money.py", f"{GATE}/test_gate.py", f"{DOOR}/use_cases/test_ends_alike.py",
)  # fmt: skip
T_03, T_11, T_12, T_25 = (
    f"{GATE}/articles/test_article_{name}.py" for name in ("03_review", "11_revocation", "12_term", "25_liability")
)
T_RENEWAL, T_REVOCATIONS = f"{DOOR}/use_cases/test_renewal.py", f"{OFFICE}/test_revocations.py"
T_TOLD = "tests/office/use_cases/test_formation_told.py"

UTC_INSTEAD_OF_JST = [
    Mutation(CALENDAR, "at.astimezone(JST).date()", "at.astimezone(UTC).date()", T_CALENDAR),
    Mutation(BILLING, "yen, jst_date(signed_at)", "yen, signed_at.date()", f"{GATE}/test_billing.py"),
    Mutation(
        "sql/migrations/0005_money.sql", "signed date := (signed_at AT TIME ZONE 'Asia/Tokyo')",
        "signed date := (signed_at AT TIME ZONE 'UTC')", f"{DOOR}/use_cases/test_first_bill.py",
    ),
]  # fmt: skip
# what an invoice asks of the coverage is among the gate's mutations
MAXIMUM_OF_COVERAGE = [
    *without("sql/office/bank.sql", f"{OFFICE}/test_payments.py", "\n    WHERE chain.before = a.covered_through"),
    *without("sql/office/bank.sql", f"{OFFICE}/test_bank_coverage.py", "\n    WHERE chain.after = a.covered_from",
             " AND issued_on < $1", "due_on < $2 AND "),
    Mutation(FACTS, "min(awaited_after) AS bank", "max(awaited_after) AS bank", f"{GATE}/test_storage_others.py"),
]  # fmt: skip
# `period_end` from one month to the next, instead of from the start
STEP_BY_STEP = """    for _ in range(months - 1):
        start = period_end(start, 1)
    months = min(months, 1)
"""
COUNTED_BY_STEPS = """    months = 0
    while (start := period_end(start, 1)) <= end:
        months += 1
    return months
"""
MONTHS_ITERATED = [
    Mutation(
        CALENDAR, "    first = _first_of_month(start, months)\n",
        f"{STEP_BY_STEP}    first = _first_of_month(start, months)\n", T_CALENDAR,
    ),
    Mutation(
        MONEY, "    last_days = [period_end(start, month) - DAY for month in range(1, months + 1)]\n",
        "    ends = [start]\n    for _ in range(months):\n        ends.append(period_end(ends[-1], 1))\n"
        "    last_days = [end - DAY for end in ends[1:]]\n", T_MONEY,
    ),
    Mutation(CALENDAR, "    return max(months, 0)\n", COUNTED_BY_STEPS, T_25),
]  # fmt: skip
TAX_PER_LINE = [
    Mutation(
        MONEY, "base, tax(base, rate, rounding))",
        "base, sum(tax(share.base_yen, rate, rounding) for share in shares))", T_MONEY,
    )
]  # fmt: skip
SUSPICION_REVOKES = [
    Mutation(A03, 'return status == "confirmed"', "return blocks(status)", T_03),
    Mutation(CASES_SQL, "AND h.status = 'confirmed')) FROM", "AND h.status <> 'lifted')) FROM", T_REVOCATIONS),
    *off(
        DECISIONS, T_REVOCATIONS,
        'found.ground == "conduct" and not (ids and await revocations.confirmed(conn, ids))',
    ),
]  # fmt: skip
CONFIRMATION_RESTARTS = [
    Mutation(A11, "return min(each.at for each in instants)", "return max(each.at for each in instants)", T_11),
    Mutation(CASES, "[*found.known, *material]", "(material or found.known)", T_REVOCATIONS),
]
ONE_REVOKED_ENDS = [
    Mutation(A12, "return all(not_after <= now for", "return any(not_after <= now for", T_12),
    Mutation(
        CASES_SQL, "EXISTS (SELECT FROM acme.living(x.contract_id, $2)) AS alive", "false AS alive", T_REVOCATIONS,
    ),
    Mutation(
        "office/use_cases/ending.py", "if not last_certificate_gone(", "if False and not last_certificate_gone(",
        T_REVOCATIONS,
    ),
    Mutation(
        A11, '"request": _asked("A11.3")',
        '"request": Ground("A11.3", "customer", True, None, DAY, ends=True, asked=True)', T_11,
    ),
]  # fmt: skip
NONE_REFUSED = [
    Mutation(A11, "(code or None) in CUSTOMER_CODES", "code in CUSTOMER_CODES", T_11),
    *without("acme_server/protocol/revocation.py", f"{DOOR}/protocol/test_revocation.py", " or value == 0"),
]
HOLD_NAMED = [
    Mutation(
        PROBLEMS, '"This contract is under review. Contact', '"This contract is held (Terms A13.1). Contact',
        f"{DOOR}/edge/test_gate_over_http.py",
    ),
    Mutation(
        "office/edge/answers.py", '"This contract is under review. Contact', '"This contract is anti-social. Contact',
        "tests/office/edge/test_app.py",
    ),
    Mutation(
        A13, '"T13-3", "", "hold", Case', '"T13-2", "A13.1", "anti-social", Case', f"{GATE}/test_storage_record.py"
    ),
]  # fmt: skip
ENDS_TOLD_APART = [
    Mutation(A12, "else Case.ENDED", 'else Case.NOT_ACCEPTED if cause == "rescinded" else Case.ENDED', T_GATE),
    Mutation(A12, 'if cause == "expired" else', 'if cause in ("expired", "rescinded") else', T_ALIKE),
    Mutation(
        PROBLEMS, '(Gate.G1, Case.ENDED): Answer(\n        ErrorType.UNAUTHORIZED, "This contract',
        '(Gate.G1, Case.ENDED): Answer(\n        ErrorType.UNAUTHORIZED, "By A13.1 this contract', T_ALIKE,
    ),
]  # fmt: skip
CLIENT_TOUCHED = [
    Mutation(
        "sql/migrations/0071_one_home.sql",
        "n.contract_id = contract AND n.starts_at <= at AND n.ends_at > at",
        "false",
        T_RENEWAL,
    ),
    *without(A04, T_RENEWAL, " and key.contract_id not in {p.contract_id for p in facts.predecessors}"),
    *without("office/use_cases/acceptance.py", T_TOLD, "        await contracts.tell(conn, key.id, notice)\n"),
    *without("office/use_cases/deliver.py", T_TOLD, "            await notices.dispatched(conn, one.id, now)\n"),
    *without("office/use_cases/notices.py", T_TOLD, "        await notices.dispatched(conn, found.id, now)\n"),
    *without("office/use_cases/forecast.py", T_TOLD, ", untold=False"),
    Mutation("office/use_cases/dispatch.py", "() if number is None else (number,)", "()", T_TOLD),
    Mutation(
        "sql/office/notices.sql", "AND f.notice_id = d.notice_id AND f.dispatched_at", "AND f.dispatched_at", T_TOLD
    ),
    *without("office/use_cases/acceptance.py", T_RENEWAL, "        await renewal.begin_serving(conn, key.id, now)\n"),
    Mutation(A12, "return max(accepted_at, old_term_ends_at - issues)", "return old_term_ends_at", T_12),
]
MUTATIONS = [
    *UTC_INSTEAD_OF_JST, *MAXIMUM_OF_COVERAGE, *MONTHS_ITERATED, *TAX_PER_LINE, *SUSPICION_REVOKES,
    *CONFIRMATION_RESTARTS, *ONE_REVOKED_ENDS, *NONE_REFUSED, *HOLD_NAMED, *ENDS_TOLD_APART, *CLIENT_TOUCHED,
]  # fmt: skip
