"""Who may call the office's API, what its pages let pass, and what tokens, proposals and requesters must be.

Not here, as nothing would change: that a role proposes what is its own, since who may not read a proposal makes none.
"""

from tests.mutation.mutations import Mutation, off, without

API, T_API = "office/edge/api", "tests/office/edge/api"
ROUTER, READING, T_ROUTER = f"{API}/router.py", f"{API}/reading.py", f"{T_API}/test_router.py"
TOKENS, T_TOKENS = "office/use_cases/tokens.py", f"{T_API}/test_decisions.py"
OPERATIONS, T_OPERATIONS = "office/use_cases/proposals.py", f"{T_API}/test_operations.py"
APP, T_APP = "office/edge/app.py", "tests/office/edge/test_app.py"
SURVIVORS = f"{T_API}/test_survivors.py"
PAUSED = "tests/acme_server/edge/test_limits.py::test_who_keeps_failing_is_paused_until_somebody_resumes"
STRANGER = f"{T_ROUTER}::test_a_stranger_reaches_nothing_of_another_customer"

MUTATIONS = [
    *off(ROUTER, T_ROUTER, "caller.role not in operation.roles", "operation.person and caller.handle is None"),
    *without("sql/office/tokens.sql", T_ROUTER, " AND p.left_at IS NULL"),
    Mutation(
        "sql/office/tokens.sql",
        "t.withdrawn_at IS NULL AND t.expires_at > $2 AND p.left_at",
        "t.withdrawn_at IS NULL AND p.left_at",
        SURVIVORS,
    ),
    Mutation(
        "sql/office/tokens.sql",
        "t.withdrawn_at IS NULL AND t.expires_at > $2 AND p.left_at",
        "t.expires_at > $2 AND p.left_at",
        T_ROUTER,
    ),
    *off(
        TOKENS,
        f"{SURVIVORS} {T_TOKENS}",
        "not now < until <= now + LONGEST",
        "(role in OF_CUSTOMERS) != (wanted.customer is not None)",
        "role not in OF_CUSTOMERS or another or first is not None or second is not None",
    ),
    *without(TOKENS, T_TOKENS, "role not in OF_CUSTOMERS or ", " or another"),
    *off(
        READING,
        T_ROUTER,
        "len(octets) > largest",
        'request.headers.get("Content-Encoding", "identity") != "identity"',
        "fault := strange(value) or strange(found)",
    ),
    *off(READING, SURVIVORS, "not KEY.fullmatch(key)"),
    Mutation(
        "sql/office/tenants.sql",
        "WHERE a.number = $2 AND ($1::uuid IS NULL OR c.customer_id = $1);",
        "WHERE a.number = $2 AND ($1::uuid IS NULL OR true);",
        STRANGER,
    ),
    Mutation(
        "sql/office/tenants.sql",
        "WHERE c.customer_id = $1 AND i.id < $2",
        "WHERE $1::uuid IS NOT NULL AND i.id < $2",
        T_ROUTER,
    ),
    Mutation(
        "sql/office/certificates.sql",
        "($4::uuid[] IS NULL OR i.contract_id = ANY ($4))",
        "($4::uuid[] IS NULL OR true)",
        f"{T_API}/test_certificates.py",
    ),
    Mutation(
        "sql/office/tenants.sql",
        "AND ($1::uuid IS NULL OR d.customer_id = $1)",
        "AND ($1::uuid IS NULL OR true)",
        SURVIVORS,
    ),
    Mutation(
        "sql/office/tenants.sql",
        "WHERE n.contract_id = $2 AND d.id < $3",
        "WHERE $2::uuid IS NOT NULL AND d.id < $3",
        SURVIVORS,
    ),
    Mutation(
        f"{API}/applications.py",
        "call.caller.customer and new.customer not in (None, call.caller.customer)",
        "False",
        SURVIVORS,
    ),
    *off(
        f"{API}/following.py",
        f"{T_API}/test_following.py",
        "(call.caller.customer_id is not None) == (given.person is not None)",
    ),
    Mutation(OPERATIONS, "if not kind.secret]", "]", T_OPERATIONS),
    Mutation(OPERATIONS, "found is None or found.kind not in kinds", "found is None", T_OPERATIONS),
    *without("sql/office/proposals.sql", T_OPERATIONS, " AND expires_at > $3", " AND proposed_by = $2"),
    *off("office/use_cases/keys.py", T_OPERATIONS, "made is None"),
    *off(APP, PAUSED, 'request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"'),
    Mutation(
        APP,
        "autoescape=True",
        "autoescape=False",
        f"{T_APP} tests/office/edge/test_report_page.py tests/office/edge/test_seal.py",
    ),
    *off(
        "office/use_cases/keys.py", "tests/office/use_cases/test_life.py", "requester is None or requester not in live"
    ),
    *off(
        "office/use_cases/application.py",
        "tests/office/use_cases/test_secrecy.py",
        "not may_review(item.kind, who.subcontractor_id is not None)",
    ),
    *off(
        "office/use_cases/application.py",
        "tests/office/use_cases/test_contracts.py",
        "item.obtained_on > jst_date(now)",
    ),
    *off("office/use_cases/asked.py", "tests/office/use_cases/test_leavers.py", "found.left_at is not None"),
]
