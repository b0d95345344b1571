"""Doors of the API without a token, calls under a key, what is not there, and how much of a listing is printed.

Not here, as nothing would change: the token that a kept answer is bound to, as only that token makes its key; and names
of contracts and customers that are not there, which an address is done with before.
"""

from tests.mutation.mutations import Mutation, off, without

ONCE, ONCE_SQL, API = "office/use_cases/idempotency.py", "sql/office/idempotency.sql", "office/edge/api"
INTAKE, T_OPEN = f"{API}/open_intake.py", "tests/office/edge/api/test_open_doors.py"
PROBLEMS, T_MISSING = f"{API}/problems.py", "tests/office/edge/api/test_missing.py"
ROUTER, T_ROUTER = f"{API}/router.py", "tests/office/edge/api/test_router.py"
OUTPUT, T_OUTPUT = "acme_server/commands/output.py", "tests/acme_server/commands/test_output.py"
ASKED = "office/use_cases/asked.py"

MUTATIONS = [
    *off(
        ONCE,
        T_OPEN,
        'kept.request_sha256 != call.digest(b"request", content=True)',
        "kept := await answered(conn, call)",
        "not await idempotency.alone_open(conn, name)",
    ),
    Mutation(ONCE, "([self.body] if content else [])", "[]", T_OPEN),
    Mutation(ONCE, 'len(part).to_bytes(4, "big") + part for part', "part for part", T_OPEN),
    Mutation(ONCE, "(use, self.path.encode(), self.key.encode(), ", "(use, self.key.encode(), ", T_OPEN),
    Mutation(ONCE, "(use, self.path.encode(), self.key.encode(), ", "(self.path.encode(), self.key.encode(), ", T_OPEN),
    Mutation(
        ONCE,
        "while await idempotency.forget_open(pool, now - KEPT)",
        "while await idempotency.forget_open(pool, now - 2 * KEPT)",
        T_OPEN,
    ),
    Mutation(ONCE_SQL, "WHERE token_id = $1 AND key = $2", "WHERE $1::uuid IS NOT NULL AND key = $2", T_ROUTER),
    *off(
        INTAKE,
        T_OPEN,
        "call is not None and (before := await answered(conn, call))",
        "not KEY.fullmatch(key)",
        "not await reports.may_report(conn, network, now)",
    ),
    Mutation(INTAKE, "{16,255}", "{1,255}", T_OPEN),
    Mutation(INTAKE, "b64decode(text, validate=True)", "b64decode(text)", T_OPEN),
    Mutation(INTAKE, "Open(request.path, key, octets)", 'Open("", key, octets)', T_OPEN),
    Mutation(PROBLEMS, "case NoSuch() if error.name in path:", "case NoSuch():", T_MISSING),
    Mutation(PROBLEMS, "case NoSuch() if error.name in path:", "case NoSuch() if False:", T_MISSING),
    Mutation(ASKED, 'raise NoSuch(handle, f"there is no person', 'raise NoSuch("", f"there is no person', T_MISSING),
    *off(ROUTER, T_MISSING, "len(value) > 100 or reading.strange(value)"),
    *without(ROUTER, T_ROUTER, 'f"{request.method} {request.raw_path}\\n".encode() + '),
    *off(OUTPUT, T_OUTPUT, "len(rows) > most"),
    Mutation(
        OUTPUT, "(MOST - 1, ELSEWHERE) if as_json else (READ,", "(READ, ELSEWHERE) if as_json else (READ,", T_OUTPUT
    ),
]
