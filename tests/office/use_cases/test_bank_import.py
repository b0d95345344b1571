"""Bank files, imported into a real database, and what the gate makes of them."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER
from contract_gate.calendar import JST, jst_date
from office.storage.bank_files import Dialect
from office.use_cases import bank, bank_desk, bank_flights, bank_import, payments, retention
from office.use_cases.asked import Unfit
from office.use_cases.bank_booking import Tally
from office.use_cases.bank_import import Imported
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import notices
from tests.simulators.bank_files import Credit, Statement, Style, Xml, camt, whole

ISSUED, FIRST = date(2026, 8, 10), date(2026, 8, 9)
YESTERDAY = jst_date(NOW) - timedelta(days=1)
YEN = 60_500


async def ready(conn: Conn, covered: date = YESTERDAY, file_format: str = "zengin-01") -> None:
    """Account `main`, and a contract with a key and an invoice that is overdue when bank data covers it."""
    await new_key(conn, "acme", "l", [], None, None, NOW)
    await bank.open_account(conn, "main", FIRST, "statement", NOW, despite_overdue=True)  # whatever else is open
    if covered > FIRST:
        await bank.add_days(conn, "main", FIRST, covered, "by hand", "ann", NOW)
    told = Dialect(UUID(int=0), "main", "0001", "001", "1", "1234567", file_format, "era", "none", None)
    await bank_desk.set_dialect(conn, "main", told, NOW)
    await payments.add_invoice(conn, "acme", payments.Bill("INV-2026-0001", "fee", ISSUED, None, YEN), NOW)


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks at the progress."""


async def imported(conn: Conn, folder: Path, raw: bytes, dry_run: bool = False, name: str = "a.txt") -> Imported:
    (folder / name).write_bytes(raw)
    return await bank_import.import_file(conn, folder / name, None, "ann", dry_run, quiet, NOW)


PLAIN = Style()


def file_of(*credits: Credit, first: date = YESTERDAY, last: date = YESTERDAY, style: Style = PLAIN) -> bytes:
    return whole([Statement(credits, first, last)], style)


async def blocked(conn: Conn) -> bool:
    said = await explain(conn, "acme", None, ["a.example.jp"], NOW, TLSSERVER)
    assert said.gate in (None, "G6")
    return said.outcome == "refused"


async def open_yen(conn: Conn, number: str = "INV-2026-0001") -> int:
    return (await payments.invoice(conn, number)).open_yen


BY_REFERENCE = Credit(YEN, "ﾀﾞﾚｶ", day=YESTERDAY, edi="INV20260001")


@pytest.mark.rule("T13-1", "T8-15")
async def test_an_unknown_remitter_with_a_reference_unblocks_at_once(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    assert await blocked(accepted)
    done = await imported(accepted, tmp_path, file_of(Credit(YEN, "ﾀﾞﾚｶ", day=YESTERDAY, edi="INV20260001")))
    assert done.tally == Tally(matched=1)
    assert not await blocked(accepted)
    told = await accepted.fetchrow(
        "SELECT kind, given->>'invoice' AS invoice FROM office.notices WHERE kind = 'payment_unblocked'"
    )
    assert tuple(told or ()) == ("payment_unblocked", "INV-2026-0001")
    pending = await accepted.fetch("SELECT role, subject, verdict FROM office.screenings WHERE role = 'payer'")
    assert [tuple(row) for row in pending] == [("payer", "ﾀﾞﾚｶ", "pending")]
    [receipt] = await payments.receipts(accepted)
    assert receipt.source.endswith(", record 2")
    assert receipt.value_on == YESTERDAY


@pytest.mark.rule("T8-15", "T8-6")
async def test_two_transfers_of_one_file_end_a_block_once_and_one_in_time_ends_none(
    accepted: Conn, tmp_path: Path
) -> None:
    await ready(accepted)
    await payments.add_invoice(accepted, "acme", payments.Bill("INV-2026-0002", "fee", YESTERDAY, None, YEN), NOW)
    halves = [Credit(yen, "ﾀﾞﾚｶ", day=YESTERDAY, edi="INV20260001") for yen in (YEN - 500, 500)]
    in_time = Credit(YEN, "ﾀﾞﾚｶ", day=YESTERDAY, edi="INV20260002")
    assert (await imported(accepted, tmp_path, file_of(in_time, *halves))).tally == Tally(matched=3)
    assert await notices(accepted) == ["payment_unblocked"]


async def test_a_registered_payer_is_matched_by_name_and_not_screened_again(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    await bank_desk.add_alias(accepted, "kaisha", "レイ株式会社", "ann", NOW)
    assert (await imported(accepted, tmp_path, file_of(Credit(YEN, "ﾚｲ(ｶ")))).tally == Tally(matched=1)
    assert await accepted.fetchval("SELECT count(*) FROM office.screenings WHERE role = 'payer'") == 0


async def test_what_nobody_knows_waits_for_a_person_who_matches_it(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    assert (await imported(accepted, tmp_path, file_of(Credit(YEN, "ﾀﾞﾚｶ")))).tally == Tally(waiting=1)
    [line] = await bank_import.queue(accepted)
    assert "nobody has this name" in (line.note or "")
    assert (await bank_desk.match_line(accepted, line.id, "INV-2026-0001", "ann", NOW)).open_yen == 0
    assert await bank_import.queue(accepted) == []
    with pytest.raises(Unfit, match="does not wait"):
        await bank_desk.dismiss(accepted, line.id, "seen", "ann", NOW)


@pytest.mark.rule("T8-5")
async def test_money_that_is_not_cleared_pays_nothing_yet(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    await imported(accepted, tmp_path, file_of(Credit(YEN, "ﾚｲ", edi="INV20260001", uncleared=1)))
    assert await payments.receipts(accepted) == []
    assert await blocked(accepted)


@pytest.mark.rule("T8-5")
async def test_a_cancellation_in_a_later_file_reopens_the_invoice(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    await imported(accepted, tmp_path, file_of(BY_REFERENCE))
    assert await open_yen(accepted) == 0
    back = Credit(YEN, "ﾀﾞﾚｶ", day=YESTERDAY, edi="INV20260001", cancels=True)
    done = await imported(accepted, tmp_path, file_of(BY_REFERENCE, back))
    assert (done.file.known, done.tally) == (1, Tally(cancelled=1))
    assert await open_yen(accepted) == YEN
    assert await blocked(accepted)


async def test_a_cancellation_of_nothing_known_waits(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    done = await imported(accepted, tmp_path, file_of(Credit(5, cancels=True)))
    assert done.tally == Tally(waiting=1)


async def test_the_same_file_again_changes_nothing(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    await imported(accepted, tmp_path, file_of(BY_REFERENCE))
    again = await imported(accepted, tmp_path, file_of(BY_REFERENCE), name="other name.txt")
    assert (again.before, again.tally) == (NOW, Tally())
    assert len(await payments.receipts(accepted)) == 1


async def test_overlapping_files_book_a_line_once_and_tell_the_difference(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted, covered=FIRST)
    twin = Credit(7, "ﾌﾀｺﾞ", day=YESTERDAY)
    await imported(accepted, tmp_path, file_of(twin, twin, Credit(8, day=YESTERDAY)))
    second = await imported(accepted, tmp_path, file_of(twin, twin, twin))
    assert (second.file.lines, second.file.known, second.file.late, second.file.missing) == (3, 2, 1, 1)
    assert len(await payments.receipts(accepted)) == 4


@pytest.mark.rule("T8-6")
async def test_days_count_from_the_files_and_a_missing_day_stops_them(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted, covered=FIRST)
    through = date(2026, 9, 29)  # the last day in time is the next one
    await imported(accepted, tmp_path, file_of(first=FIRST, last=through))
    assert not await blocked(accepted)
    await imported(accepted, tmp_path, file_of(first=date(2026, 10, 1), last=YESTERDAY))
    [account] = await bank.accounts(accepted)
    assert (account.covered_through, account.waiting) == (through, (YESTERDAY - date(2026, 9, 30)).days)
    await bank.add_days(accepted, "main", date(2026, 9, 30), date(2026, 9, 30), "by hand", "ann", NOW)
    [account] = await bank.accounts(accepted)
    assert account.covered_through == YESTERDAY
    assert await blocked(accepted)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(
            file_of(BY_REFERENCE).replace(b"0000060500", b"000006050x"), "record 2, byte 29, 金額", id="a bad byte"
        ),
        pytest.param(whole([Statement(number="7654321")]), "is none of ours", id="a stranger's account"),
        pytest.param(file_of(style=Style("03")), "would book lines twice", id="another format than the account's"),
    ],
)
async def test_a_bad_file_leaves_nothing(accepted: Conn, tmp_path: Path, raw: bytes, words: str) -> None:
    await ready(accepted)
    with pytest.raises(Unfit, match=words):
        await imported(accepted, tmp_path, raw)
    assert await bank_import.files(accepted) == []
    assert await payments.receipts(accepted) == []


async def test_a_dry_run_tells_and_keeps_nothing(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    told = await imported(accepted, tmp_path, file_of(BY_REFERENCE, Credit(1)), dry_run=True)
    assert told.tally == Tally(matched=1, waiting=1)
    assert await bank_import.files(accepted) == []
    assert (await imported(accepted, tmp_path, file_of(BY_REFERENCE, Credit(1)))).tally == told.tally


async def test_a_virtual_account_names_the_contract(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted)
    told = Dialect(UUID(int=0), "second", "0001", "001", "2", "1234567", "zengin-01", "era", "remitter_code", None)
    await bank.open_account(accepted, "second", FIRST, "statement", NOW)
    await bank_desk.set_dialect(accepted, "second", told, NOW)
    await bank_desk.allocate(accepted, "second", "0000000042", "acme", NOW)
    with pytest.raises(Unfit, match="twelve months"):
        await bank_desk.allocate(accepted, "second", "0000000042", "acme", NOW)
    raw = file_of(Credit(YEN, "ﾀﾞﾚｶ", code="0000000042"))
    assert (await imported(accepted, tmp_path, raw[:59] + b"2" + raw[60:])).tally == Tally(matched=1)


async def test_two_imports_do_not_run_at_once(
    accepted: Conn, tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    await ready(accepted)
    other = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    await other.execute("SELECT pg_advisory_lock(7201, 0)")
    with pytest.raises(Unfit, match="another import"):
        await imported(accepted, tmp_path, file_of(BY_REFERENCE))
    await other.close()


@pytest.mark.rule("T8-6")
@pytest.mark.parametrize("batches", [1, 2, 3])
async def test_an_import_that_dies_is_finished_by_the_next(
    accepted: Conn,
    tmp_path: Path,
    postgres: EmbeddedPostgres,
    database: str,
    batches: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is killed after so many batches: no day counts, no line is booked twice."""
    await ready(accepted, covered=FIRST)
    monkeypatch.setattr(bank_flights, "BATCH", 2)
    credits = [Credit(10 + each, f"X{each}") for each in range(5)] + [BY_REFERENCE]
    (tmp_path / "a.txt").write_bytes(file_of(*credits, first=FIRST))
    doomed = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    pid, admin = doomed.get_server_pid(), await asyncpg.connect(postgres.dsn(database=database))

    class Killed(Exception):
        pass

    def watched(what: str, done: int, total: int) -> None:
        if what == "booked" and done >= batches * 2:
            raise Killed

    with pytest.raises(Killed):
        await bank_import.import_file(doomed, tmp_path / "a.txt", None, None, False, watched, NOW)
    await admin.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await admin.close()
    [account] = await bank.accounts(accepted)
    assert account.covered_through == FIRST
    done = await bank_import.import_file(accepted, tmp_path / "a.txt", None, None, False, quiet, NOW)
    assert done.before is None
    assert len(await payments.receipts(accepted)) == 6
    assert await open_yen(accepted) == 0
    [account] = await bank.accounts(accepted)
    assert account.covered_through == YESTERDAY


async def test_a_camt_file_pays_and_covers_like_any_other(accepted: Conn, tmp_path: Path) -> None:
    await ready(accepted, FIRST, "camt.054")
    style = Xml(f"{FIRST}T00:00:00", f"{YESTERDAY}T23:59:59")
    raw = camt([Statement([BY_REFERENCE, Credit(5, "ﾀﾞﾚｶ", day=YESTERDAY)], FIRST, YESTERDAY)], style)
    done = await imported(accepted, tmp_path, raw, name="a.xml")
    assert done.tally == Tally(matched=1, waiting=1)
    assert [each.covered_through for each in await bank.accounts(accepted)] == [YESTERDAY]
    assert not await blocked(accepted)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (Statement([BY_REFERENCE], number="7654321"), "line 4, <Acct>: account 0001-001-1-7654321 is none of ours"),
        (Statement([BY_REFERENCE]), "line 4, <Ntfctn>: account 'main' is read from zengin-01"),
    ],
    ids=["another account", "another format"],
)
async def test_a_camt_file_of_no_account_is_refused(
    accepted: Conn, tmp_path: Path, statement: Statement, said: str
) -> None:
    await ready(accepted)
    with pytest.raises(Unfit, match=f"a.xml is refused whole: {said}"):
        await imported(accepted, tmp_path, camt([statement]), name="a.xml")


@pytest.mark.rule("T8-5", "T16-2")
async def test_days_whose_remitters_are_destroyed_are_imported_no_more(
    accepted: Conn, pool: Pool, tmp_path: Path
) -> None:
    """A line with a pseudonym is not known again: another file with it would book its money a second time."""
    await ready(accepted, FIRST, "camt.054")
    again = tmp_path / "again.xml"
    for name, last in (("a.xml", YESTERDAY), ("again.xml", YESTERDAY - timedelta(days=1))):
        style = Xml(f"{FIRST}T00:00:00", f"{last}T23:59:59")
        (tmp_path / name).write_bytes(camt([Statement([BY_REFERENCE], FIRST, last)], style))
    await bank_import.import_file(accepted, tmp_path / "a.xml", None, None, False, quiet, NOW)

    gone_at = datetime.combine(YESTERDAY.replace(year=YESTERDAY.year + 7), time(), JST).astimezone(UTC)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", gone_at)
    assert await retention.destroy(pool, "bank_lines.remitter", gone_at - timedelta(seconds=1)) == 0
    known = await bank_import.import_file(accepted, again, None, None, True, quiet, gone_at - timedelta(seconds=1))
    assert (known.file.lines, known.file.known) == (1, 1)
    assert await retention.destroy(pool, "bank_lines.remitter", gone_at) == 1
    with pytest.raises(Unfit, match="past their retention"):
        await bank_import.import_file(accepted, again, None, None, False, quiet, gone_at)
    assert await pool.fetchval("SELECT count(*) FROM gate.receipts") == 1


@pytest.mark.rule("T8-5")
async def test_a_line_of_a_day_to_come_is_refused_with_its_file(accepted: Conn, pool: Pool, tmp_path: Path) -> None:
    """No bank books ahead: a year misread would date receipts into months that nobody has opened."""
    await ready(accepted, FIRST, "camt.054")
    today = YESTERDAY + timedelta(days=1)
    for name, last in (("tomorrow.xml", today + timedelta(days=1)), ("today.xml", today)):
        style = Xml(f"{FIRST}T00:00:00", f"{last}T23:59:59")
        (tmp_path / name).write_bytes(
            camt([Statement([Credit(YEN, "ﾀﾞﾚｶ", day=last, edi="INV20260001")], FIRST, last)], style)
        )
    with pytest.raises(Unfit, match=f"{today + timedelta(days=1)} is to come"):
        await bank_import.import_file(accepted, tmp_path / "tomorrow.xml", None, None, False, quiet, NOW)
    assert await pool.fetchval("SELECT count(*) FROM gate.receipts") == 0
    await bank_import.import_file(accepted, tmp_path / "today.xml", None, None, False, quiet, NOW)
    assert await pool.fetchval("SELECT count(*) FROM gate.receipts") == 1
