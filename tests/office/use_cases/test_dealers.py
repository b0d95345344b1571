"""A dealer's one sum pays for many contracts (T8-16)."""

from datetime import date
from pathlib import Path

import pytest

from office.use_cases import application, bank_import, contracts, dealers, payments
from office.use_cases.asked import Unfit
from office.use_cases.bank_booking import Tally
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_bank_import import ISSUED, YEN, YESTERDAY, blocked, file_of, imported, open_yen, ready
from tests.simulators.bank_files import Credit

DEALER = "特約店 株式会社"


@pytest.fixture
async def dealt(accepted: Conn, pool: Pool) -> Conn:
    """The dealer collects INV-2026-0001 of `acme`, and I-2 and I-3 of `next`, which is due later."""
    await ready(accepted)
    await contracts.create(accepted, "next", "kaisha", "small", NOW)
    await application.state(accepted, "next", application.Stated("R", "ann", dealer=DEALER), NOW)
    for number, due_on in (("I-2", None), ("I-3", date(2026, 12, 31))):
        await payments.add_invoice(accepted, "next", payments.Bill(number, "fee", ISSUED, due_on, 1_000), NOW)
    await pool.execute("UPDATE gate.invoices SET dealer = $1", DEALER)
    await dealers.add_alias(accepted, DEALER, "トクヤクテン株式会社", "ann", NOW)
    return accepted


@pytest.mark.rule("T8-16", "T8-5")
async def test_one_sum_pays_all_that_is_due_on_a_day(dealt: Conn, tmp_path: Path) -> None:
    sent = Credit(YEN + 1_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY)
    assert (await imported(dealt, tmp_path, file_of(sent))).tally == Tally(matched=1)
    assert [await open_yen(dealt, number) for number in ("INV-2026-0001", "I-2", "I-3")] == [0, 0, 1_000]
    assert not await blocked(dealt)
    [receipt] = await payments.receipts(dealt)
    assert (receipt.matched_yen, receipt.invoices) == (YEN + 1_000, ["I-2", "INV-2026-0001"])
    proofs = await dealt.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'payment.matched'")
    payers = await dealt.fetchval("SELECT count(*) FROM office.screenings WHERE role = 'payer'")
    assert (proofs, payers) == (2, 0)


@pytest.mark.rule("T8-16", "T8-5")
async def test_what_the_bank_takes_back_opens_all_of_them(dealt: Conn, tmp_path: Path) -> None:
    sent = Credit(YEN + 1_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY)
    back = Credit(YEN + 1_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY, cancels=True)
    await imported(dealt, tmp_path, file_of(sent))
    assert (await imported(dealt, tmp_path, file_of(sent, back), name="b.txt")).tally == Tally(cancelled=1)
    assert [await open_yen(dealt, number) for number in ("INV-2026-0001", "I-2", "I-3")] == [YEN, 1_000, 1_000]


@pytest.mark.rule("T8-16")
async def test_two_sums_of_one_file_pay_each_invoice_once(dealt: Conn, tmp_path: Path) -> None:
    sums = [Credit(YEN + 1_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY), Credit(YEN + 2_000, "ﾄｸﾔｸﾃﾝ(ｶ", day=YESTERDAY)]
    assert (await imported(dealt, tmp_path, file_of(*sums))).tally == Tally(matched=2)
    assert [await open_yen(dealt, number) for number in ("INV-2026-0001", "I-2", "I-3")] == [0, 0, 0]
    receipts = {each.amount_yen: each.matched_yen for each in await payments.receipts(dealt)}
    assert receipts == {YEN + 1_000: YEN + 1_000, YEN + 2_000: 1_000}


@pytest.mark.rule("T8-16")
async def test_another_sum_waits_with_the_dealers_invoices_named(dealt: Conn, tmp_path: Path) -> None:
    assert (await imported(dealt, tmp_path, file_of(Credit(YEN + 500, "ﾄｸﾔｸﾃﾝ(ｶ")))).tally == Tally(waiting=1)
    [line] = await bank_import.queue(dealt)
    assert line.note == "a dealer's sum: its list says which it pays: I-2, I-3, INV-2026-0001"


async def test_names_of_dealers_are_of_dealers(dealt: Conn) -> None:
    [alias] = await dealers.aliases(dealt)
    for name, dealer, why in (("カ)", DEALER, "legal form"), ("ﾎｶ", "Nobody KK", "no application names")):
        with pytest.raises(Unfit, match=why):
            await dealers.add_alias(dealt, dealer, name, "ann", NOW)
    with pytest.raises(Unfit, match="theirs already"):
        await dealers.add_alias(dealt, DEALER, "ﾄｸﾔｸﾃﾝ(ｶ", "ann", NOW)
    await dealers.remove_alias(dealt, str(alias.id), NOW)
    assert await dealers.aliases(dealt) == []
    with pytest.raises(Unfit, match="no alias"):
        await dealers.remove_alias(dealt, str(alias.id), NOW)
