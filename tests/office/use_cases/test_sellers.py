"""Who issues invoices and where they are paid into: two people set it, and what is made after freezes it (A8.1)."""

from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from office.storage.bank_files import Dialect
from office.storage.sellers import PayInto, VirtualAccount
from office.use_cases import bank, bank_desk, invoices, sellers
from office.use_cases.asked import Unfit
from office.use_cases.sellers import NewSeller, Told
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_coverage import TOLD
from tests.office.use_cases.test_books import DRAFT, START

NUMBER = "T7000012050002"
NAMES = {"bank_name": "例示銀行", "branch_name": "丸の内支店", "holder": "ｶ)ｹｲﾔｸ"}
OTHER = Told(bank="0009", branch="200", kind="2", number="7654321", **NAMES)
OURS = PayInto("main", "0001", "例示銀行", "001", "丸の内支店", "1", "1234567", "ｶ)ｹｲﾔｸ")
DAY = timedelta(days=1)
INSERT = """
INSERT INTO office.sellers (effective_at, name, address, registration_number, set_by, confirmed_by)
SELECT $1, 'X', 'X', 'T7000012050002', p.id, (SELECT id FROM gate.persons WHERE handle = $2)
FROM gate.persons p WHERE p.handle = 'ann'
"""


def seller(pay_into: Told | None = None, name: str = "CA KK", number: str = NUMBER) -> NewSeller:
    return NewSeller(name, "Tokyo", number, pay_into)


async def ours(conn: Conn, pool: Pool, told: Dialect = TOLD) -> Told:
    """Our account `main`, told before anything is billed."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", START)
    await bank.open_account(conn, "main", START.date() - DAY, "file", START, despite_overdue=True)
    await bank_desk.set_dialect(conn, "main", told, START - 2 * DAY)
    return Told(account="main", **NAMES)


async def bill(pool: Pool) -> None:
    """F00000001 of acme, of START."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", START)
    await pool.execute(DRAFT)
    await pool.execute("SELECT gate.bill_start((SELECT id FROM gate.contracts WHERE handle = 'acme'), $1)", START)


@pytest.mark.rule("T8-3")
async def test_issuer_and_account_are_frozen_into_what_is_made_after(accepted: Conn, pool: Pool) -> None:
    made = await sellers.set_seller(accepted, seller(await ours(accepted, pool)), "ann", "bob", START - DAY)
    assert (made.of_corporation, made.pay_into) == (True, OURS)
    await bill(pool)
    await sellers.set_seller(accepted, seller(OTHER, "New KK", "T4011001098993"), "bob", "ann", NOW)
    page = await invoices.page(accepted, "F00000001")
    named = ("例示銀行", "（0001）", "丸の内支店", "（001）", "普通 1234567", "口座名義", "ｶ)ｹｲﾔｸ")
    assert all(told in page for told in ("<h1>適格請求書", "CA KK", NUMBER, "お振込先", *named)), page
    assert "7654321" not in page
    assert "バーチャル" not in page
    paper = await invoices.paper(accepted, "F00000001")
    assert (paper.seller, paper.pay_into, paper.virtual_account) == ("CA KK", OURS, None)
    newest, before = await sellers.sellers(accepted)
    assert (str(newest.pay_into), newest.of_corporation) == (
        "例示銀行（0009） 丸の内支店（200） 当座 7654321 ｶ)ｹｲﾔｸ", True,
    )  # fmt: skip
    assert (before.pay_into, before.set_by, before.confirmed_by) == (OURS, "ann", "bob")


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize(
    ("how", "expected", "printed"),
    [
        pytest.param(
            ("header", "900"), VirtualAccount("0001", "900", "5550001"), "支店番号 900 口座番号 5550001", id="branch"
        ),
        pytest.param(("remitter_code", None), VirtualAccount("0001", None, "5550001"), "5550001", id="a code"),
    ],
)  # fmt: skip
async def test_a_contracts_own_number_at_the_bank_is_on_its_invoice(
    accepted: Conn, pool: Pool, how: tuple[str, str | None], expected: VirtualAccount, printed: str
) -> None:
    told = await ours(accepted, pool, msgspec.structs.replace(TOLD, virtual_in=how[0], virtual_branch=how[1]))
    await sellers.set_seller(accepted, seller(told), "ann", "bob", START - DAY)
    await bank_desk.allocate(accepted, "main", "5550001", "acme", START - timedelta(hours=1))
    await bill(pool)
    await bank_desk.release(accepted, "main", "5550001", NOW)  # later: the paper stays as it was made
    await bank_desk.allocate(accepted, "main", "5550002", "acme", NOW)
    assert (await invoices.paper(accepted, "F00000001")).virtual_account == expected
    page = await invoices.page(accepted, "F00000001")
    assert "バーチャル口座）" in page
    assert f"<dd>{printed}</dd>" in page


@pytest.mark.rule("T8-3")
@pytest.mark.parametrize("second", ["ann", None])
async def test_no_single_person_sets_an_issuer_even_past_the_program(
    accepted: Conn, pool: Pool, second: str | None
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="sellers_by_two"):
        await pool.execute(INSERT, START - DAY, second)
    with pytest.raises(Unfit, match="two different people"):
        await sellers.set_seller(accepted, seller(), "ann", "ann", NOW)
    await pool.execute(INSERT, START - DAY, "bob")
    assert len(await sellers.sellers(accepted)) == 1


async def test_what_one_person_set_before_two_had_to_is_on_no_new_invoice(accepted: Conn, pool: Pool) -> None:
    await pool.execute("ALTER TABLE office.sellers DROP CONSTRAINT sellers_by_two")
    await pool.execute(INSERT, START - DAY, None)
    await bill(pool)
    paper = await invoices.paper(accepted, "F00000001")
    assert (paper.seller, paper.pay_into) == (None, None)
    [before] = await sellers.sellers(accepted)
    assert before.confirmed_by is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"number": "123456"}, "number '123456': an account is", id="six digits"),
        pytest.param({"branch": None}, "branch '': an account is", id="no branch"),
        pytest.param({"bank": "０００９"}, "bank '０００９'", id="wide digits"),
        pytest.param({"kind": "5"}, "kind '5'", id="a time deposit"),
        pytest.param({"holder": " "}, "holder must be one line", id="nobody's"),
        pytest.param({"bank_name": "a\nb"}, "bank_name must be one line", id="two lines"),
        pytest.param({"account": "none"}, "nobody told how files name an account 'none'", id="no account of ours"),
        pytest.param({"account": "main"}, "'main' is 0001 001 1 1234567 in its files", id="ours has other digits"),
    ],
)
async def test_an_account_is_told_whole_and_as_its_files_name_it(
    accepted: Conn, pool: Pool, change: dict[str, Any], why: str
) -> None:
    await ours(accepted, pool)
    with pytest.raises(Unfit, match=why):
        await sellers.set_seller(accepted, seller(msgspec.structs.replace(OTHER, **change)), "ann", "bob", NOW)
    assert await sellers.sellers(accepted) == []
    made = await sellers.set_seller(accepted, seller(OTHER), "ann", "bob", NOW)
    assert made.pay_into is not None
    assert made.pay_into.account is None


async def test_an_issuer_is_no_twin_and_has_a_registration_number(accepted: Conn) -> None:
    with pytest.raises(Unfit, match="registration number"):
        await sellers.set_seller(accepted, seller(number="7000012050002"), "ann", "bob", NOW)
    await sellers.set_seller(accepted, seller(), "ann", "bob", NOW)
    with pytest.raises(Unfit, match="another issuer was set at this instant"):
        await sellers.set_seller(accepted, seller(), "ann", "bob", NOW)
