"""The days that the bank data of an account covers: a chain without a gap, which grows at both ends (T8-6)."""

from datetime import date, datetime, timedelta
from itertools import combinations
from random import Random
from uuid import UUID

import pytest

from ca.profiles import TLSSERVER
from contract_gate.calendar import jst_date
from office.storage.bank_files import Dialect
from office.use_cases import bank, bank_desk, bank_import, payments
from office.use_cases.asked import Unfit
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from sql import Conn
from tests.conftest import NOW
from tests.simulators.bank_files import Statement, whole

ISSUED, LATE, YESTERDAY = date(2026, 8, 10), date(2026, 11, 15), jst_date(NOW) - timedelta(days=1)
FIRST, OPENED, LAST = (date(2026, 11, day) for day in (1, 4, 7))
OTHERS = [FIRST + timedelta(days=days) for days in range(7) if FIRST + timedelta(days=days) != OPENED]
DAY = timedelta(days=1)
TOLD = Dialect(UUID(int=0), "main", "0001", "001", "1", "1234567", "zengin-01", "era", "none", None)


def around(days: set[date]) -> tuple[date, date]:
    """Both ends of the days without a gap around OPENED."""
    first = last = OPENED
    while first - DAY in days:
        first -= DAY
    while last + DAY in days:
        last += DAY
    return first, last


@pytest.mark.rule("T8-6")
async def test_the_chain_is_all_days_without_a_gap_whatever_came_first(operator: Conn) -> None:
    random = Random(8)
    choices = [days for size in range(7) for days in combinations(OTHERS, size)]
    for number, chosen in enumerate(choices):
        await bank.open_account(operator, f"a{number:02}", OPENED, "file", NOW)
        for day in random.sample(chosen, len(chosen)):
            await bank.add_days(operator, f"a{number:02}", day, day, "file", None, NOW)
    found = await bank.accounts(operator)
    ends = [around(set(chosen)) for chosen in choices]
    assert [(each.covered_from, each.covered_through) for each in found] == ends
    lengths = [(last - first).days for first, last in ends]
    assert [each.waiting for each in found] == [
        len(days) - length for days, length in zip(choices, lengths, strict=True)
    ]


@pytest.fixture
async def unpaid(accepted: Conn) -> Conn:
    """The contract has a key, and an invoice of August that nobody paid."""
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-1", "fee", ISSUED, None, 60_500), NOW)
    return accepted


async def gate(conn: Conn) -> str | None:
    """The gate that refuses."""
    return (await explain(conn, "acme", None, ["a.example.jp"], NOW, TLSSERVER)).gate


async def opened_late(conn: Conn) -> None:
    """The account `main`, whose data begins after the invoice, through yesterday."""
    await bank.open_account(conn, "main", LATE, "file", NOW, despite_overdue=True)
    await bank.add_days(conn, "main", LATE, YESTERDAY, "file", None, NOW)


@pytest.mark.rule("T8-6", "T8-15")
async def test_days_from_before_the_first_make_what_they_cover_overdue(unpaid: Conn) -> None:
    await opened_late(unpaid)
    revision = "SELECT revision FROM gate.revisions WHERE contract_id = '00000000-0000-0000-0000-000000000000'"
    read = await unpaid.fetchval(revision)
    steps = [
        (ISSUED, LATE - 2 * DAY, LATE, None),  # a day is missing: the gap does not count
        (LATE - DAY, LATE - DAY, ISSUED, "G6"),
    ]
    for first, last, since, refuses in steps:
        done = await bank.add_days(unpaid, "main", first, last, "file", None, NOW)
        assert (done.covered_from, done.covered_through, await gate(unpaid)) == (since, YESTERDAY, refuses)
    assert await unpaid.fetchval(revision) != read  # what processes keep of facts is read again


@pytest.mark.rule("T8-6", "T8-5")
async def test_so_do_the_days_of_a_file(unpaid: Conn) -> None:
    await opened_late(unpaid)
    await bank_desk.set_dialect(unpaid, "main", TOLD, NOW)
    assert await gate(unpaid) is None
    await bank_import.import_octets(unpaid, whole([Statement([], ISSUED, LATE - DAY)]), None, NOW)
    assert [each.covered_from for each in await bank.accounts(unpaid)] == [ISSUED]
    assert await gate(unpaid) == "G6"


@pytest.mark.rule("T8-6")
@pytest.mark.parametrize(
    ("first", "now", "refused"),
    [
        pytest.param(ISSUED + DAY, NOW, True, id="T8-6 the invoice is older and past its due date"),
        pytest.param(ISSUED, NOW, False, id="T8-6 the account covers it"),
        pytest.param(ISSUED + DAY, NOW - timedelta(days=60), False, id="T8-6 it is not due yet"),
    ],
)
async def test_an_account_that_would_end_blocks_is_opened_when_told_so(
    unpaid: Conn, first: date, now: datetime, refused: bool
) -> None:
    if refused:
        with pytest.raises(Unfit, match=f"1 unpaid invoice.s. past their due date, the oldest of {ISSUED}"):
            await bank.open_account(unpaid, "main", first, "file", now)
        assert await bank.accounts(unpaid) == []
    done = await bank.open_account(unpaid, "main", first, "file", now, despite_overdue=refused)
    assert (done.covered_from, done.covered_through) == (first, first)


@pytest.mark.rule("T8-6", "T8-15")
async def test_another_account_opened_late_ends_blocks_until_its_days_come(unpaid: Conn) -> None:
    await bank.open_account(unpaid, "main", ISSUED, "file", NOW)
    await bank.add_days(unpaid, "main", ISSUED, YESTERDAY, "file", None, NOW)
    assert await gate(unpaid) == "G6"
    with pytest.raises(Unfit, match="not blocked"):
        await bank.open_account(unpaid, "second", YESTERDAY, "file", NOW)
    assert await gate(unpaid) == "G6"
    await bank.open_account(unpaid, "second", YESTERDAY, "file", NOW, despite_overdue=True)
    assert await gate(unpaid) is None
    await bank.add_days(unpaid, "second", ISSUED, YESTERDAY, "file", None, NOW)
    assert await gate(unpaid) == "G6"
