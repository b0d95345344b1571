"""Which invoice a receipt pays."""

from datetime import date
from uuid import UUID

import pytest

from contract_gate.formats.receipt import Receipt
from contract_gate.matching import (
    Alias,
    Ambiguous,
    Ledger,
    Matched,
    OpenInvoice,
    Shared,
    Unknown,
    key_of,
    match,
    refers,
)

REI, OTHER, CONTRACT, SECOND = (UUID(int=number) for number in range(1, 5))
DAY = date(2026, 11, 20)


def invoice(number: str, yen: int, contract: UUID = CONTRACT, customer: UUID = REI) -> OpenInvoice:
    return OpenInvoice(UUID(int=hash(number) % 2**64), number, contract, 1, customer, yen, DAY)


def receipt(yen: int, remitter: str, edi: str = "") -> Receipt:
    return Receipt(2, "transfer", DAY, DAY, yen, 0, "", "", remitter, "", "", edi, False)


LEDGER = Ledger(
    [
        invoice("INV-2026-0001", 60_500),
        invoice("INV-2026-0002", 60_500, SECOND, OTHER),
        invoice("X7", 9, SECOND, OTHER),
    ],
    [Alias(REI, key_of("株式会社レイ")), Alias(OTHER, key_of("ﾎｶ"))],
    {"5550001": SECOND},
)


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize(
    ("line", "virtual", "expected"),
    [
        pytest.param(receipt(9, "ﾀﾞﾚｶ"), "5550001", ("X7", "virtual_account", False), id="virtual account"),
        pytest.param(receipt(1, "ﾎｶ"), "5550001", None, id="virtual account, two invoices, no exact amount"),
        pytest.param(receipt(60_060, "ﾀﾞﾚｶ", "20260001"), "", ("INV-2026-0001", "edi", False), id="EDI"),
        pytest.param(receipt(60_500, "20260002 ﾀﾞﾚｶ"), "", ("INV-2026-0002", "leading_number", False), id="number"),
        pytest.param(receipt(60_500, "ｶ)ﾚｲ"), "", ("INV-2026-0001", "name", True), id="name and exact amount"),
        pytest.param(receipt(60_500, "ﾚｲ(ｶ"), "", ("INV-2026-0001", "name", True), id="the form at the end"),
        pytest.param(receipt(60_499, "ﾚｲ(ｶ"), "", None, id="name without exact amount"),
        pytest.param(receipt(60_500, "ﾀﾞﾚｶ"), "", None, id="amount alone never matches"),
        pytest.param(receipt(60_500, "ﾚ"), "", None, id="a beginning is not a name"),
    ],
)  # fmt: skip
def test_match(line: Receipt, virtual: str, expected: tuple[str, str, bool] | None) -> None:
    found = match(line, virtual, LEDGER)
    if expected is None:
        assert isinstance(found, Ambiguous | Unknown)
    else:
        assert isinstance(found, Matched)
        assert (found.invoice.number, found.how, found.known_payer) == expected


def test_a_name_cut_at_the_end_of_its_field_is_still_known() -> None:
    name = "ﾄｳｷﾖｳﾄﾁﾖﾀﾞｸﾏﾙﾉｳﾁﾆﾝｼﾖｳｾｲｻｸｼﾞｮﾎﾝﾌﾞｶﾝﾘｶﾞｲｼﾔﾎﾝﾃﾝｴｲｷﾞﾖｳ"
    ledger = Ledger([invoice("I-1", 5)], [Alias(REI, key_of(name + "ﾌﾞ"))], {})
    assert isinstance(match(receipt(5, name[:48]), "", ledger), Matched)
    assert isinstance(match(receipt(5, name[:47]), "", ledger), Unknown)
    assert isinstance(match(receipt(5, name[:26], "NO REFERENCE"), "", ledger), Matched)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ｶ)ABC", "ABC株式会社"),
        ("AB(ｶ)C", "ABC"),
        ("ﾕ)ﾃｽﾄ", "ﾃｽﾄ(ﾕ"),
        ("ｷｬﾉﾝ-", "ｷﾔﾉﾝー"),
        ("ﾄﾞ)ﾚｲ", "カブシキガイシャ レイ"),
    ],
)
def test_names_that_are_the_same(left: str, right: str) -> None:
    assert key_of(left) == key_of(right)


def test_a_short_number_is_no_reference() -> None:
    assert refers("2026-0001", "INV-2026-0001")
    assert refers("I1", "I-1")
    assert not refers("1", "I-1")
    assert not refers("", "-")


NEXT = date(2026, 12, 31)


def of_dealer(number: str, yen: int, due_on: date = DAY, dealer: str | None = "Dealer KK") -> OpenInvoice:
    return OpenInvoice(UUID(int=int(number)), number, CONTRACT, 1, REI, yen, due_on, dealer)


DEALERS = Ledger(
    [
        of_dealer("0001", 100), of_dealer("0002", 200), of_dealer("0003", 400, NEXT),
        of_dealer("0004", 150, DAY, "Other KK"), of_dealer("0005", 1_000, DAY, None),
    ],
    [Alias(None, key_of("ﾃﾞｲ-ﾗ-"), "Dealer KK"), Alias(None, key_of("ﾍﾞﾂ"), "Other KK"), Alias(OTHER, key_of("ﾎｶ"))],
    {"5550001": CONTRACT},
)  # fmt: skip


@pytest.mark.rule("T8-16")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(receipt(300, "ﾃﾞｲ-ﾗ-"), {"0001", "0002"}, id="all due on a day"),
        pytest.param(receipt(700, "ﾃﾞｲ-ﾗ-"), {"0001", "0002", "0003"}, id="all that are due"),
        pytest.param(receipt(700, "ﾃﾞｲ-ﾗ-", "0002"), {"0001", "0002", "0003"}, id="a sum that names one of many"),
        pytest.param(receipt(400, "ﾃﾞｲ-ﾗ-"), {"0003"}, id="one alone"),
        pytest.param(receipt(150, "ﾃﾞｲ-ﾗ-", "0002"), {"0002"}, id="a part of the one that is named"),
        pytest.param(receipt(150, "ﾍﾞﾂ"), {"0004"}, id="another dealer's"),
        pytest.param(receipt(500, "ﾃﾞｲ-ﾗ-"), None, id="some of many are a guess"),
        pytest.param(receipt(450, "ﾃﾞｲ-ﾗ-"), None, id="not with another dealer's"),
        pytest.param(receipt(300, "ﾀﾞﾚｶ"), None, id="a sum alone never matches"),
        pytest.param(receipt(300, "ﾎｶ"), None, id="a customer has no sums"),
        pytest.param(receipt(1_300, "ﾃﾞｲ-ﾗ-"), None, id="not what no dealer collects"),
    ],
)  # fmt: skip
def test_a_dealer_pays_for_many_in_one_sum(line: Receipt, expected: set[str] | None) -> None:
    found = match(line, "", DEALERS)
    match found:
        case Matched():
            assert {found.invoice.number} == expected
            assert found.known_payer
        case Shared():
            assert {each.number for each in found.invoices} == expected
        case Ambiguous() | Unknown():
            assert expected is None


@pytest.mark.rule("T8-16")
def test_a_sum_that_two_dealers_of_one_name_owe_waits_for_a_person() -> None:
    both = [Alias(None, key_of("ﾃﾞｲ-ﾗ-"), dealer) for dealer in ("Dealer KK", "Other KK")]
    ledger = Ledger([*DEALERS.invoices, of_dealer("0006", 150, DAY, "Other KK")], both, {})
    found = match(receipt(300, "ﾃﾞｲ-ﾗ-"), "", ledger)
    assert isinstance(found, Ambiguous)
    assert found.candidates == ("0001", "0002", "0004", "0006")
