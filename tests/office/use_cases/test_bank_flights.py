"""Batches of a bank file that are booked at once: what comes out is the same as one after the other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.storage import lock_exclusive
from office.use_cases import bank, bank_desk, bank_flights, bank_import, contracts, payments, register
from office.use_cases.asked import Unfit
from office.use_cases.bank_booking import Tally
from sql import Conn, statements
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import BY_REFERENCE, FIRST, YEN, YESTERDAY, file_of, open_yen, ready
from tests.office.use_cases.test_bank_import import quiet as nobody
from tests.simulators.bank_files import Credit

LOOK = statements("office/bank_lines")["open_invoices"]
OTHERS = Credit(YEN, "ﾎｶ", day=YESTERDAY, edi="INV20260009")


@pytest.fixture
async def beside(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[list[Conn]]:
    """Two more connections of an operator."""
    conns = [await asyncpg.connect(postgres.dsn("keiyaku_operator", database)) for _ in range(2)]
    yield conns
    for each in conns:
        await each.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_flights, "BATCH", 1)


async def begun(conn: Conn, beside: Sequence[Conn], path: Path, *credits: Credit) -> asyncio.Task[Tally]:
    """An import that has looked at its second line while somebody else holds the first one's contract."""
    path.write_bytes(file_of(*credits))
    looked: list[None] = []
    twice = asyncio.Event()

    def seen(query: asyncpg.connection.LoggedQuery) -> None:
        if query.query == LOOK:
            looked.append(None)
        if len(looked) == 2:
            twice.set()

    async def run() -> Tally:
        with conn.query_logger(seen):
            return (await bank_import.import_file(conn, path, None, None, False, nobody, NOW, beside)).tally

    task = asyncio.create_task(run())
    await asyncio.wait({task, waiting := asyncio.create_task(twice.wait())}, return_when=asyncio.FIRST_COMPLETED)
    assert waiting.done()
    return task


async def with_another_customer(conn: Conn) -> None:
    """Contract `other` of another customer, with an open invoice."""
    await ready(conn)
    customer = register.customer("other", "Other", "sole_proprietor", None, True, None, NOW)
    await register.add_customer(conn, customer, NOW)
    await contracts.create(conn, "other", "other", "small", NOW)
    await payments.add_invoice(conn, "other", payments.Bill("INV-2026-0009", "fee", YESTERDAY, None, YEN), NOW)


@pytest.mark.rule("T8-5")
async def test_a_line_of_a_customer_waits_for_the_one_before_it(
    accepted: Conn, beside: list[Conn], tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    """The first line pays an invoice by its number; by the name alone the second can mean the other one only then."""
    await ready(accepted)
    await bank_desk.add_alias(accepted, "kaisha", "ﾚｲ(ｶ", "ann", NOW)
    await payments.add_invoice(accepted, "acme", payments.Bill("INV-2026-0002", "fee", YESTERDAY, None, YEN), NOW)
    holder = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    hold = holder.transaction()
    await hold.start()
    await lock_exclusive(holder, (await contracts.shown(holder, "acme")).number)
    by_name = Credit(YEN, "ﾚｲ(ｶ", day=YESTERDAY)
    task = await begun(accepted, beside, tmp_path / "a.txt", BY_REFERENCE, by_name)
    await hold.rollback()
    assert await task == Tally(matched=2)
    assert [await open_yen(accepted, f"INV-2026-000{n}") for n in (1, 2)] == [0, 0]
    await holder.close()


async def test_lines_of_two_customers_are_booked_at_once(
    accepted: Conn, beside: list[Conn], tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    """The second is booked while the first waits; killed then, the import is finished by the next, each yen once."""
    await with_another_customer(accepted)
    holder = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    hold = holder.transaction()
    await hold.start()
    await lock_exclusive(holder, (await contracts.shown(holder, "acme")).number)
    doomed = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    task = await begun(doomed, beside, tmp_path / "a.txt", BY_REFERENCE, OTHERS)
    while await open_yen(accepted, "INV-2026-0009"):
        await asyncio.sleep(0)
    assert await open_yen(accepted) == YEN
    with pytest.raises(Unfit, match="another import"):
        await bank_import.import_file(accepted, tmp_path / "a.txt", None, None, False, nobody, NOW)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hold.rollback()
    assert await open_yen(accepted) == YEN
    done = await bank_import.import_file(accepted, tmp_path / "a.txt", None, None, False, nobody, NOW, beside)
    assert (done.before, done.tally) == (None, Tally(matched=1))
    assert await open_yen(accepted) == 0
    assert len(await payments.receipts(accepted)) == 2
    for each in (holder, doomed):
        await each.close()


async def test_nobody_imports_while_another_books_for_one_that_is_lost(
    accepted: Conn, beside: list[Conn], tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    await ready(accepted)
    lost = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    async with bank_flights.joined(beside):
        await lost.close()
        with pytest.raises(Unfit, match="another import"):
            await bank_import.import_file(accepted, _written(tmp_path), None, None, False, nobody, NOW)
    done = await bank_import.import_file(accepted, _written(tmp_path), None, None, False, nobody, NOW, beside)
    assert done.tally == Tally(matched=1)


async def test_a_connection_lost_while_it_books_stops_the_import_and_the_next_finishes_it(
    accepted: Conn, beside: list[Conn], tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    await with_another_customer(accepted)
    before = (await bank.accounts(accepted))[0].covered_through
    holder = await asyncpg.connect(postgres.dsn(database=database))
    hold = holder.transaction()
    await hold.start()
    await lock_exclusive(holder, (await contracts.shown(accepted, "acme")).number)
    task = await begun(accepted, beside, tmp_path / "a.txt", BY_REFERENCE, OTHERS)
    await holder.execute("SELECT pg_terminate_backend($1)", beside[0].get_server_pid())
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await task
    await hold.rollback()
    await holder.close()
    assert (await bank.accounts(accepted))[0].covered_through == before >= FIRST
    done = await bank_import.import_file(accepted, tmp_path / "a.txt", None, None, False, nobody, NOW, beside[1:])
    assert done.before is None
    assert [await open_yen(accepted, number) for number in ("INV-2026-0001", "INV-2026-0009")] == [0, 0]
    assert len(await payments.receipts(accepted)) == 2


async def test_a_batch_undone_because_two_waited_for_each_other_is_booked_anew(
    accepted: Conn, beside: list[Conn], tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    """Somebody holds the revision of the facts and waits for the contract; the batch holds that and waits for this."""
    await ready(accepted)
    acme, watching = await contracts.shown(accepted, "acme"), beside.pop()
    first, second = [await asyncpg.connect(postgres.dsn(database=database)) for _ in range(2)]
    await first.execute("SET deadlock_timeout = '10min'")  # the batch finds out, not this one
    other, bill = first.transaction(), second.transaction()
    await other.start()
    await first.execute("SELECT FROM gate.revisions WHERE contract_id = $1 FOR UPDATE", acme.id)
    await bill.start()
    await second.execute("SELECT FROM gate.invoices FOR UPDATE")
    waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid = ANY ($1::integer[])"
    pids = [each.get_server_pid() for each in (first, beside[0])]

    async def have_waited(many: int) -> None:
        while await watching.fetchval(waiting, pids) < many:
            await asyncio.sleep(0)

    path = _written(tmp_path)
    task = asyncio.create_task(bank_import.import_file(accepted, path, None, None, False, nobody, NOW, beside))
    await have_waited(1)
    crossing = asyncio.create_task(lock_exclusive(first, acme.number))
    await have_waited(2)
    await bill.rollback()
    await crossing  # the batch has let go of the contract
    await other.rollback()
    assert (await task).tally == Tally(matched=1)
    assert (await open_yen(accepted), len(await payments.receipts(accepted))) == (0, 1)
    for each in (first, second):
        await each.close()


def _written(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_bytes(file_of(BY_REFERENCE))
    return path
