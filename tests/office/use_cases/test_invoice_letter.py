"""The letter of an invoice is the qualified invoice, and says where it is paid."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest

from office.storage.money_books import Paper
from office.storage.sellers import KINDS, PayInto, VirtualAccount
from office.use_cases import deliver, notices, papers
from office.use_cases.invoice_letter import said_of
from office.use_cases.mail import Posting
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_books import billed as billed

ID = UUID(int=1)
FEE = Paper(
    ID, ID, "F00000001", "fee", date(2026, 4, 1), date(2026, 5, 31), 60_500, 60_500, datetime(2026, 4, 1, tzinfo=UTC),
    None, "Example CA K.K.", "Tokyo", "T7000012050002", "株式会社 例", None, None, date(2026, 4, 1), date(2027, 4, 1),
    [1000], [12], [55_000], [5_500], "acme", "juridical_person",
    PayInto("main", "0001", "例示銀行", "100", "丸の内支店", "1", "7654321", "ｹｲﾔｸ"),
    VirtualAccount("0001", None, "5550001"),
)  # fmt: skip
DIFFERENCE = msgspec.structs.replace(
    FEE, number="D00000001", kind="difference", total_yen=366, original_number="F00000001",
    rates=[1000, 1200], months=[8, 4], bases=[36_666, 18_334], taxes=[3_666, 2_200],
)  # fmt: skip
INTO = "例示銀行（0001） 丸の内支店（100） 普通 7654321 ｹｲﾔｸ"


@pytest.mark.rule("T8-3", "T8-10")
def test_a_bill_has_every_field_of_a_qualified_invoice_and_the_account() -> None:
    """business-formats.md §4: issuer and number, date, content, rate with base and tax, recipient."""
    assert said_of(FEE, "invoice_issued", "customer", "ja").splitlines() == [
        "",
        "適格請求書 F00000001",
        "宛名: 株式会社 例",
        "発行者: Example CA K.K., Tokyo",
        "登録番号: T7000012050002",
        "発行日: 2026-04-01",
        "取引内容: サーバ証明書契約料金",
        "取引期間: 2026-04-01 – 2027-03-31",
        "10 % 対象: 税抜 55,000 円、消費税 5,500 円、税込 60,500 円",
        f"お振込先: {INTO}",
        "お客様専用の振込先（バーチャル口座）: 5550001",
    ]


@pytest.mark.rule("T8-11")
def test_a_difference_names_what_it_corrects_and_shows_both_rates() -> None:
    said = said_of(DIFFERENCE, "difference_invoice_issued", "customer", "en")
    for told in (
        "Corrected: Qualified invoice (適格請求書) D00000001\nCorrects invoice: F00000001\n",
        "At 10 %: 36,666 yen, tax 3,666 yen, with tax 40,332 yen\nAt 12 %: 18,334 yen, tax 2,200 yen",
        "Billed before, tax included: 60,500 yen\n",
    ):
        assert told in said


@pytest.mark.rule("T8-16", "T8-14")
@pytest.mark.parametrize(
    ("dealer", "recipient", "into"),
    [
        (None, "customer", f"お振込先: {INTO}"),
        (None, "payer", f"お振込先: {INTO}"),
        ("特約店 A", "customer", "お支払先（特約店）: 特約店 A"),
        ("特約店 A", "payer", "お支払先（特約店）: 特約店 A"),
        ("特約店 A", "dealer", f"お振込先: {INTO}"),
    ],
)
def test_under_a_dealer_the_account_is_told_to_the_dealer_alone(dealer: str | None, recipient: str, into: str) -> None:
    """A8.4: the customer pays the dealer."""
    paper = msgspec.structs.replace(FEE, dealer=dealer, virtual_account=None)
    for kind in ("invoice_issued", "payment_reminder", "payment_overdue"):
        assert said_of(paper, kind, recipient, "ja").splitlines()[-1] == into
    assert (INTO in said_of(paper, "invoice_issued", recipient, "ja")) == ("お振込先" in into)


def test_what_is_not_known_is_not_said() -> None:
    """An invoice from before an issuer was set is no qualified one; other letters say nothing of it."""
    old = msgspec.structs.replace(FEE, seller=None, seller_address=None, registration_number=None, pay_into=None)
    assert said_of(old, "payment_reminder", "customer", "ja") == ""
    assert said_of(old, "invoice_issued", "customer", "ja").splitlines()[1:3] == [
        "請求書 F00000001",
        "宛名: 株式会社 例",
    ]
    assert said_of(FEE, "payment_unblocked", "customer", "ja") == ""


@pytest.mark.rule("T8-16")
@pytest.mark.parametrize(("dealer", "label"), [(None, "お振込先"), ("特約店 A", "特約店からのお振込先")])
def test_the_page_too_sends_the_customer_to_the_dealer(dealer: str | None, label: str) -> None:
    paper = msgspec.structs.replace(FEE, dealer=dealer)
    page = papers.page("invoice.html", invoice=paper, lines=[], last_day=FEE.period_end, kinds=KINDS, billed_before=0)
    assert f"<dt>{label} <small" in page
    assert ("お客様のお支払先" in page) == (dealer is not None)


@pytest.mark.rule("T8-3")
async def test_the_letter_that_goes_out_has_it(billed: Conn, office: Pool) -> None:
    await deliver.address_notices(office, NOW, posting=Posting(None, "http://office.test", "officers@ca.example"))
    found = [each for each in await notices.listed(billed, None, None) if each.kind == "invoice_issued"]
    [body] = [(await notices.shown(billed, str(each.id))).body for each in found]
    assert "\n請求書 F00000001\n宛名: 株式会社 例\n" in body
    assert body.endswith("10 % 対象: 税抜 55,000 円、消費税 5,500 円、税込 60,500 円\n")
