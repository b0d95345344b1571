"""Lists of logs in the database: verified when they are read, and again by each process that loads one. C-130."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from ca import log_lists
from ca.ct_logs import ListRefused
from ca.ct_publisher import publisher
from ca.log_lists import LogLists, Published
from sql import Pool
from tests.ca.arrange import NOW
from tests.simulators.ct_log import ListPublisher, SimulatedLog, log_list

OURS, STRANGER = ListPublisher(), ListPublisher()
SOON = timedelta(minutes=1)
LOGS = [SimulatedLog(name, name, (), lambda: NOW, url=f"https://{name}.test/") for name in ("ume", "take")]
OLDER, LIST, NEWER = (log_list(LOGS, NOW + span) for span in (-SOON, timedelta(0), SOON))


def ours() -> LogLists:
    """A process that knows the publisher's key, and no list yet."""
    return LogLists(publisher(OURS.pem))


async def insert(pool: Pool, lists: LogLists, content: bytes, signature: bytes) -> bool:
    """As the worker does with what it read."""
    return await log_lists.insert(pool, lists, Published(content, signature), "https://list.test", "process:test", NOW)


async def stored(pool: Pool, *contents: bytes) -> None:
    """Those lists, signed."""
    for content in contents:
        assert await insert(pool, ours(), content, OURS.sign(content))


async def counting(pool: Pool, lists: LogLists) -> bytes | None:
    """The octets of the list that counts for that process."""
    found = await lists.refresh(pool)
    return None if found is None else await pool.fetchval("SELECT content FROM ca.log_lists WHERE sha256 = $1",
                                                          found.sha256)  # fmt: skip


@pytest.mark.std("C-130")
async def test_a_signed_list_is_kept_with_its_signature(pool: Pool) -> None:
    await stored(pool, LIST)
    assert await pool.fetchval("SELECT signature FROM ca.log_lists") == OURS.sign(LIST)
    assert await counting(pool, ours()) == LIST
    assert b'"signed":true' in await pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'ct.list_read'")


@pytest.mark.std("C-130")
@pytest.mark.parametrize(
    ("content", "signature", "says"),
    [
        pytest.param(NEWER, STRANGER.sign(NEWER), "not its publisher's", id="signed by another key"),
        pytest.param(NEWER, OURS.sign(LIST), "not of this list", id="the signature of another list"),
        pytest.param(NEWER, b"", "not signed", id="no signature"),
        pytest.param(OLDER, OURS.sign(OLDER), "no newer than the one that counts", id="an old list once more"),
        pytest.param(b"<html>", OURS.sign(b"<html>"), "no list of logs", id="signed, and no list"),
    ],
)
async def test_what_is_not_the_publishers_newest_replaces_nothing(
    pool: Pool, content: bytes, signature: bytes, says: str
) -> None:
    await stored(pool, LIST)
    with pytest.raises(ListRefused, match=says):
        await insert(pool, ours(), content, signature)
    assert await counting(pool, ours()) == LIST
    assert await insert(pool, ours(), NEWER, OURS.sign(NEWER))
    assert not await insert(pool, ours(), NEWER, OURS.sign(NEWER))


CHANGES = {
    "octets": ("UPDATE ca.log_lists SET content = content || ' ' WHERE listed_at = $1", "changed in the database"),
    "octets and their hash": (
        "UPDATE ca.log_lists SET content = content || ' ', sha256 = sha256(content || ' ') WHERE listed_at = $1",
        "not its publisher's",
    ),
    "signature": ("UPDATE ca.log_lists SET signature = '\\x00' WHERE listed_at = $1", "not its publisher's"),
    "no signature": ("UPDATE ca.log_lists SET signature = '' WHERE listed_at = $1", "not signed"),
    "date": (
        "UPDATE ca.log_lists SET listed_at = listed_at + interval '1 day' WHERE listed_at = $1",
        "date was changed",
    ),
}


@pytest.mark.std("C-130")
@pytest.mark.parametrize(("change", "says"), [pytest.param(*found, id=name) for name, found in CHANGES.items()])
async def test_a_row_that_was_changed_counts_for_no_process(pool: Pool, change: str, says: str) -> None:
    await stored(pool, LIST)
    running = ours()
    assert await counting(pool, running) == LIST
    await stored(pool, NEWER)
    await pool.execute(change, NOW + SOON)
    for process in (ours(), running):
        assert await counting(pool, process) == LIST
        assert [says in reason for reason in process.refused] == [True]
    await pool.execute("DELETE FROM ca.log_lists WHERE listed_at > $1", NOW)
    await stored(pool, NEWER)
    assert await counting(pool, running) == NEWER
    assert running.refused == ()


@pytest.mark.std("C-130")
async def test_many_newer_lists_that_are_nobodys_hide_none_from_a_process_that_starts(pool: Pool) -> None:
    await stored(pool, LIST)
    await pool.execute(
        """INSERT INTO ca.log_lists (sha256, content, listed_at, source, read_at, signature)
           SELECT sha256(n::text::bytea), n::text::bytea, $1, 'worker', $1, 'signed' FROM generate_series(1, 99) n""",
        NOW + SOON,
    )
    running = ours()
    assert await counting(pool, running) == LIST
    assert len(running.refused) == log_lists.SHOWN


class Slow:
    """A connection on which the octets of a list arrive when `arrive` is set."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.asked, self.arrive = pool, asyncio.Event(), asyncio.Event()

    async def fetch(self, statement: str, *given: object) -> list[asyncpg.Record]:
        return await self.pool.fetch(statement, *given)

    async def fetchrow(self, statement: str, *given: object) -> asyncpg.Record | None:
        self.asked.set()
        await self.arrive.wait()
        return await self.pool.fetchrow(statement, *given)


@pytest.mark.std("C-130")
async def test_of_two_that_look_at_once_the_slower_sets_no_older_list(pool: Pool) -> None:
    await stored(pool, LIST)
    running, slow = ours(), Slow(pool)
    behind = asyncio.create_task(running.refresh(slow))  # type: ignore[arg-type]
    await slow.asked.wait()
    await stored(pool, NEWER)
    newest = await running.refresh(pool)
    slow.arrive.set()
    assert await behind is running.newest is newest
    assert await counting(pool, running) == NEWER


@pytest.mark.std("C-130")
async def test_a_process_keeps_the_list_it_knows_when_the_database_loses_it(pool: Pool) -> None:
    await stored(pool, LIST)
    running = ours()
    await running.refresh(pool)
    await stored(pool, NEWER)
    known = await running.refresh(pool)
    await pool.execute("DELETE FROM ca.log_lists WHERE listed_at > $1", NOW)
    assert await running.refresh(pool) is known
    with pytest.raises(ListRefused, match="no newer"):
        await insert(pool, running, LIST, OURS.sign(LIST))


@pytest.mark.std("C-130")
async def test_a_list_that_was_read_before_the_key_was_known_is_stored_again_with_its_signature(pool: Pool) -> None:
    nobody = LogLists(None)
    assert await insert(pool, nobody, LIST, b"")
    assert await counting(pool, nobody) == LIST
    assert await counting(pool, ours()) is None
    await stored(pool, LIST)
    assert await counting(pool, known := ours()) == LIST
    assert known.refused == ()  # the signed copy is looked at first
    assert await pool.fetchval("SELECT count(*) FROM ca.log_lists") == 2


@pytest.mark.std("C-130")
async def test_a_list_of_a_day_to_come_keeps_no_other_out(pool: Pool) -> None:
    """Even the publisher's own, beyond the day by which clocks may differ."""
    last, beyond = log_list(LOGS, NOW + log_lists.AHEAD), log_list(LOGS, NOW + log_lists.AHEAD + timedelta(seconds=1))
    with pytest.raises(ListRefused, match="dated in the future"):
        await insert(pool, ours(), beyond, OURS.sign(beyond))
    assert await insert(pool, ours(), last, OURS.sign(last))


@pytest.mark.std("C-130")
@pytest.mark.parametrize("at", ["infinity", "20000-01-01", "-infinity"])
@pytest.mark.parametrize("column", ["listed_at", "read_at"])
async def test_a_date_that_no_program_holds_takes_no_list_away(pool: Pool, column: str, at: str) -> None:
    await stored(pool, LIST)
    lists = ours()
    assert await counting(pool, lists) == LIST
    await stored(pool, NEWER)
    await pool.execute(f"UPDATE ca.log_lists SET {column} = '{at}' WHERE listed_at > $1", NOW)
    counts = NEWER if column == "read_at" and at != "20000-01-01" else LIST
    assert [await counting(pool, each) for each in (lists, ours())] == [counts, counts]
