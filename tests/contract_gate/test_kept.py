"""Facts that a process keeps: they are those that would be read, and every writer of a fact makes them old."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from contract_gate.facts import LoadedFacts
from contract_gate.kept import ENTRIES_MAX, SIZE, KeptFacts, Revisions
from contract_gate.storage import SQL, facts_of
from sql import Conn
from tests.contract_gate.arrange import NOW, ContractRows, good_contract, insert, loaded, start
from tests.contract_gate.arrange import facts as by_hand
from tests.contract_gate.changes import overdue_fee, untold

NAMES = ["www.demo.test", "*.demo.test", "127.0.0.1"]
PERSON = "(SELECT id FROM gate.persons LIMIT 1)"
READ = set(re.findall(r"gate\.(\w+)\b(?!\()", SQL["facts"])) - {"revisions"}
COMMON = {"bank_accounts", "holidays", "suspensions", "readings", "tax_rates", "texts"}


async def kept_now(conn: Conn, rows: ContractRows, kept: KeptFacts) -> tuple[LoadedFacts, Revisions]:
    """Facts that were just read and kept."""
    await facts_of(conn, rows.binding_key_id, ["other.demo.test"], NOW, None, kept)
    found = kept.facts((rows.binding_key_id, None), NAMES, NOW, await revisions_of(conn, rows.contract_id))
    assert found is not None
    return found


async def revisions_of(conn: Conn, contract_id: UUID) -> set[UUID]:
    rows = await conn.fetch(
        "SELECT revision FROM gate.revisions WHERE contract_id IN ($1, $2)", contract_id, UUID(int=0)
    )
    return {row["revision"] for row in rows}


async def test_kept_facts_are_those_that_would_be_read(conn: Conn) -> None:
    listed = [("domain", "demo.test"), ("host", "www.demo.test"), ("wildcard", "*.demo.test"), ("host", "a.test"),
              ("network", "127.0.0.0/8"), ("network", "10.0.0.0/8")]  # fmt: skip
    rows = await good_contract(conn, names=listed, names_max=9)
    found, revisions = await kept_now(conn, rows, KeptFacts())
    read = await facts_of(conn, rows.binding_key_id, NAMES, NOW)
    assert set(found.facts.names) == set(read.facts.names)
    assert len(found.facts.names) == 4
    assert loaded(found.facts).facts == found.facts
    assert (await facts_of(conn, rows.binding_key_id, [], NOW)).facts == (
        type(found.facts)(**{f: getattr(found.facts, f) for f in found.facts.__struct_fields__} | {"names": ()})
    )
    assert set(revisions) == await revisions_of(conn, rows.contract_id)


async def test_every_table_of_facts_makes_revisions_anew(conn: Conn) -> None:
    """Also a table that somebody lets the gate look at later: without its trigger this fails."""
    found = await conn.fetch(
        "SELECT c.relname, bool_or(t.tgnargs > 0) AS of_one FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgfoid IN ('gate.facts_changed'::regproc, 'gate.invoices_changed'::regproc) AND t.tgenabled = 'O' "
        "GROUP BY c.relname HAVING bit_or(t.tgtype) & (4 | 8 | 16) = 28"  # insert, delete, update
    )
    assert {row["relname"] for row in found} == READ
    assert {row["relname"] for row in found if not row["of_one"]} == COMMON & READ


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        pytest.param(table, statement, id=table)
        for table, statement in {
            "contracts": "UPDATE gate.contracts SET names_max = 9 WHERE handle = 'demo'",
            "contract_names": "UPDATE gate.contract_names SET removed_at = now()",
            "contract_starts": "DELETE FROM gate.contract_starts",
            "consents": "DELETE FROM gate.consents",
            "review_items": "UPDATE gate.review_items SET verdict = 'pending' WHERE kind = 'address'",
            "reviewed_subjects": "UPDATE gate.reviewed_subjects SET locality = 'Chiyoda-ku'",
            "binding_keys": "UPDATE gate.binding_keys SET withdrawn_at = now()",
            "invoices": "UPDATE gate.invoices SET due_on = due_on + 1",
            "holds": f"""INSERT INTO gate.holds (id, contract_id, kind, status, reason, set_by, set_at)
                SELECT gen_random_uuid(), id, 'conduct', 'suspected', 'r', {PERSON}, now() FROM gate.contracts""",
            "information_changes": """INSERT INTO gate.information_changes (id, contract_id, item, in_certificate,
                learned_at) SELECT gen_random_uuid(), id, 'other', true, now() FROM gate.contracts""",
            "formation_notices": "UPDATE gate.formation_notices SET dispatched_at = now()",
            "bank_accounts": "UPDATE gate.bank_accounts SET covered_through = covered_through + 1",
            "holidays": "INSERT INTO gate.holidays VALUES ('2026-12-24', 'x')",
            "suspensions": f"""INSERT INTO gate.suspensions (id, clause, cause, starts_at, set_by)
                VALUES (gen_random_uuid(), 'A10.1', 'c', now(), {PERSON})""",
            "readings": """INSERT INTO gate.readings SELECT 'due.roll', now(), 'none', a.id, b.id
                FROM gate.persons a, gate.persons b WHERE a.id < b.id LIMIT 1""",
            "tax_rates": "DELETE FROM gate.tax_rates",
        }.items()
    ],
)
async def test_a_change_of_a_fact_makes_what_is_kept_old(
    conn: Conn, rows: ContractRows, table: str, statement: str
) -> None:
    await start(conn, rows.contract_id, NOW)
    await overdue_fee(conn, rows)
    await untold(conn, rows)
    _, revisions = await kept_now(conn, rows, KeptFacts())
    assert set(revisions) == await revisions_of(conn, rows.contract_id)
    await conn.execute(statement)
    assert len(set(revisions) & await revisions_of(conn, rows.contract_id)) == 1
    assert table in READ


async def test_a_contract_follows_what_becomes_of_those_before_it(conn: Conn, rows: ContractRows) -> None:
    second = await good_contract(conn, "second", predecessor_id=rows.contract_id)
    third = await good_contract(conn, "third", predecessor_id=second.contract_id)
    other = await good_contract(conn, "other")
    before = [await revisions_of(conn, each.contract_id) for each in (third, other)]
    await conn.execute("UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE id = $1", rows.binding_key_id, NOW)
    after = [await revisions_of(conn, each.contract_id) for each in (third, other)]
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, True]


async def test_a_key_that_will_serve_another_contract_is_read_again_then(conn: Conn, rows: ContractRows) -> None:
    second = await good_contract(conn, "second", predecessor_id=rows.contract_id)
    turn, kept = NOW + timedelta(hours=1), KeptFacts()
    await conn.execute("INSERT INTO gate.successions VALUES ($1, $2, $3)", rows.contract_id, second.contract_id, turn)
    await facts_of(conn, rows.binding_key_id, NAMES, NOW, None, kept)
    current = await revisions_of(conn, rows.contract_id)
    assert kept.facts((rows.binding_key_id, None), NAMES, turn - timedelta(seconds=1), current) is not None
    assert kept.facts((rows.binding_key_id, None), NAMES, turn, current) is None


@pytest.mark.rule("T8-15")
async def test_facts_of_other_contracts_of_the_customer_are_not_kept(conn: Conn, rows: ContractRows) -> None:
    at = NOW - timedelta(days=300)
    await conn.execute("INSERT INTO gate.readings VALUES ('block.scope', $1, 'customer', $2, $3)", at, *rows.people)
    kept = KeptFacts()
    await facts_of(conn, rows.binding_key_id, NAMES, NOW, None, kept)
    assert kept.facts((rows.binding_key_id, None), NAMES, NOW, await revisions_of(conn, rows.contract_id)) is None


async def test_a_long_list_of_names_is_not_kept(conn: Conn, rows: ContractRows) -> None:
    kept = KeptFacts()
    for number in range(ENTRIES_MAX - 2):
        value = f"{number}.other.test"
        await insert(conn, "contract_names", contract_id=rows.contract_id, kind="host", value=value, added_at=NOW)
    await kept_now(conn, rows, kept)
    await insert(conn, "contract_names", contract_id=rows.contract_id, kind="host", value="x.test", added_at=NOW)
    await facts_of(conn, rows.binding_key_id, NAMES, NOW, None, kept)
    assert kept.facts((rows.binding_key_id, None), NAMES, NOW, await revisions_of(conn, rows.contract_id)) is None


def test_a_process_keeps_no_more_than_so_many() -> None:
    kept, pair = KeptFacts(), (UUID(int=1), UUID(int=2))
    for number in range(SIZE + 1):
        kept.keep((UUID(int=number), None), loaded(by_hand()), ["host a.test"], pair, None)
    assert kept.facts((UUID(int=0), None), NAMES, NOW, pair) is None
    assert kept.facts((UUID(int=1), None), NAMES, NOW, pair) is not None
