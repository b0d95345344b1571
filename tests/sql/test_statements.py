"""The loader of statements, and that each statement may run as the process that uses it."""

from pathlib import Path

import asyncpg
import pytest

import sql
from acme_server.dev.postgres import EmbeddedPostgres
from sql import statements

# Which kinds of process run the statements of a module; the longest prefix counts, and one of them must be able to.
RUN_BY = {
    "acme_server/": ("acme", "work"),
    "ca/": ("acme", "work", "operator", "sign", "status"),
    "ca/sign": ("sign",),
    "contract_gate/": ("acme", "work"),
    "evidence/lag": ("acme",),
    "evidence/sealer": ("seal",),
    "acme_server/certificates": ("acme", "operator"),
    "acme_server/check": ("operator",),
    "evidence/verify": ("operator",),
    "office/": ("operator", "office"),
    "office/screenings": ("operator", "compliance"),
}
MODULES = sorted(
    str(path.relative_to(Path(sql.__file__).parent).with_suffix(""))
    for path in Path(sql.__file__).parent.glob("*/*.sql")
    if path.parent.name != "migrations"
)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of statements that is read in place of a real one."""
    monkeypatch.setattr(sql, "files", lambda package: tmp_path)
    return tmp_path


def test_statements_by_name(written: Path) -> None:
    (written / "good_one.sql").write_text(
        "-- About it.\n\n-- name: one\n-- $1 id\nSELECT 1;\n\n-- name: two\nSELECT\n2\n"
    )
    assert statements("good_one") == {"one": "-- $1 id\nSELECT 1", "two": "SELECT\n2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("SELECT 1;\n-- name: one\nSELECT 1", "text before the first '-- name:'", id="before the first"),
        pytest.param("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2", "'one' is there twice or empty", id="twice"),
        pytest.param("-- name: one\n-- name: two\nSELECT 2", "'one' is there twice or empty", id="empty"),
        pytest.param("-- name: one\n;\n", "'one' is there twice or empty", id="only a semicolon"),
    ],
)
def test_statements_refused(written: Path, request: pytest.FixtureRequest, text: str, expected: str) -> None:
    module = request.node.callspec.id.replace(" ", "_")
    (written / f"{module}.sql").write_text(text)
    with pytest.raises(ValueError) as refused:
        statements(module)
    assert expected in str(refused.value)


def test_module_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        statements("acme_server/nothing")


def roles_of(module: str) -> tuple[str, ...]:
    return RUN_BY[max((prefix for prefix in RUN_BY if module.startswith(prefix)), key=len)]


async def test_every_statement_runs_as_a_process_that_uses_it(postgres: EmbeddedPostgres, database: str) -> None:
    """EXPLAIN asks for the same privileges as the statement itself, and does nothing."""
    conns = {
        role: await asyncpg.connect(postgres.dsn(user=f"keiyaku_{role}", database=database))
        for role in sorted({role for roles in RUN_BY.values() for role in roles})
    }
    if conns["acme"].get_server_version() < (16,):
        pytest.skip("EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16")
    faults = []
    for conn in conns.values():
        await conn.transaction().start()
    for module in MODULES:
        for name, text in statements(module).items():
            refusals = [await refusal(conns[role], text) for role in roles_of(module)]
            if all(refusals):
                faults.append(f"{module}.{name}: {refusals[0]}")
    for conn in conns.values():
        await conn.close()
    assert not faults


async def refusal(conn: sql.Conn, text: str) -> str:
    """Why the role of `conn` may not run the statement; empty when it may."""
    # EXPLAIN knows nothing of these: a temporary table is there for the statements after it
    is_utility = any(line.startswith(("CREATE TEMP", "ANALYZE")) for line in text.splitlines())
    try:
        async with conn.transaction():
            await conn.execute(text if is_utility else f"EXPLAIN (GENERIC_PLAN) {text}")
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error)
    return ""
