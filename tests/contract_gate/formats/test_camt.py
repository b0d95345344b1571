"""camt.054: what is written is read into the same receipts; one fault refuses the file, by line and element."""

import base64
import io
from dataclasses import replace
from datetime import date

import pytest

from contract_gate.formats.camt import Reader
from contract_gate.formats.receipt import BadElement, Group, Item, Receipt, Totals
from contract_gate.formats.remittance import reference
from tests.simulators.bank_files import DAY, Credit, Statement, Xml, camt

PAID = Credit(60_500, "カ）レイ", query="R1", edi="INV-2026-0001")
PLAIN = Xml()


def read(raw: bytes) -> list[Item]:
    return list(Reader().items(io.BytesIO(raw)))


def receipts(*credits: Credit, style: Xml = PLAIN) -> list[Receipt]:
    return [each for each in read(camt([Statement(credits)], style)) if isinstance(each, Receipt)]


@pytest.mark.parametrize("details", [True, False])
def test_a_credit_is_a_receipt(details: bool) -> None:
    [receipt] = receipts(PAID, style=replace(PLAIN, details=details))
    assert (receipt.amount_yen, receipt.booked_on, receipt.value_on, receipt.query_number) == (60_500, DAY, DAY, "R1")
    assert (receipt.remitter, receipt.edi) == (("カ）レイ", "INV-2026-0001") if details else ("", ""))
    assert (receipt.nature, receipt.cancels) == ("transfer", False)


def test_each_account_has_its_head_and_totals() -> None:
    found = read(camt([Statement([PAID]), Statement([], number="0000001")]))
    assert [type(each) for each in found] == [Group, Receipt, Totals, Group, Totals]
    head = found[0]
    assert isinstance(head, Group)
    assert (head.format, head.bank, head.branch, head.kind, head.number) == ("camt.054", "0001", "001", "1", "1234567")
    assert [each.record for each in found] == [1, 2, 3, 4, 5]


def test_a_reversal_takes_a_credit_back_and_money_that_went_out_is_none() -> None:
    assert [each.cancels for each in receipts(replace(PAID, cancels=True))] == [True]
    assert receipts(replace(PAID, out=True)) == []
    assert receipts(PAID, style=replace(PLAIN, status="PDNG")) == []


@pytest.mark.rule("T8-6")
@pytest.mark.parametrize(
    ("begins", "ends", "days"),
    [
        pytest.param("2026-11-19T00:00:00", "2026-11-20T23:59:59", (19, 20), id="T8-6 whole days"),
        pytest.param("2026-11-19T00:00:00", "2026-11-20T18:00:00", (19, 19), id="T8-6 a day that is not over"),
        pytest.param("2026-11-18T09:00:00", "2026-11-19T23:59:00", (19, 19), id="T8-6 a day begun late"),
        pytest.param("2026-11-18T15:00:00Z", "2026-11-19T14:59:59Z", (19, 19), id="T8-6 days of Japan"),
        pytest.param("2026-11-20T09:00:00", "2026-11-20T18:00:00", None, id="T8-6 no whole day"),
    ],
)
def test_only_whole_days_count(begins: str, ends: str, days: tuple[int, int] | None) -> None:
    raw = camt([Statement([PAID])], replace(PLAIN, begins=begins, ends=ends))
    if days is None:
        with pytest.raises(BadElement, match="covers no whole day"):
            read(raw)
        return
    head = read(raw)[0]
    assert isinstance(head, Group)
    assert (head.period_from, head.period_to) == (date(2026, 11, days[0]), date(2026, 11, days[1]))


GOOD = camt([Statement([PAID])]).decode()
DEEP = "<a>" * 40


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<Message>", "<!DOCTYPE m [<!ENTITY a 'b'>]><Message>", r"line 2, <file>: a DOCTYPE is not allowed"),
        ("UTF-8", "ISO-8859-1", "line 1, <file>: the encoding is ISO-8859-1"),
        ("</Message>", "", r"is no XML: no element found"),
        ("camt.054.001.02'", "camt.054.001.08'", "no credit notification"),
        ("<Sts>", DEEP + "<Sts>", "nested more than 32 deep"),
        ("カ）レイ", "レ" * 5000, r"line 5, <Nm>: a text of more than 4096"),
        ("カ）レイ", f"<x a='{'y' * 600_000}'/>", "one tag or text of more than"),
        ("<Ntry><Amt Ccy='JPY'>60500", "<Ntry><Amt Ccy='JPY'>60500.50", "line 5, <Amt>: '60500.50' is no amount"),
        ("<Ntry><Amt Ccy='JPY'>60500", "<Ntry><Amt Ccy='JPY'>60501", "line 5, <Amt>: is 60501, but its details"),
        ("<Ntry><Amt Ccy='JPY'", "<Ntry><Amt Ccy='USD'", "line 5, <Amt>: the currency is 'USD'"),
        ("<NbOfNtries>1", "<NbOfNtries>2", "line 4, <NbOfNtries>: TtlNtries says 2"),
        ("<Dt>2026-11-20</Dt></BookgDt>", "<Dt>2026-11-31</Dt></BookgDt>", "<BookgDt>: '2026-11-31' is no day"),
        ("<MmbId>0001</MmbId>", "", "<Ntfctn>: Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId or .* is missing"),
    ],
    ids=lambda text: text[:24] if isinstance(text, str) else None,
)
def test_one_fault_refuses_the_file(old: str, new: str, said: str) -> None:
    assert len(read(GOOD.encode())) == 3
    assert old in GOOD
    with pytest.raises(BadElement, match=said):
        read(GOOD.replace(old, new, 1).encode())


def mime(text: str) -> list[str]:
    raw = base64.b64encode(text.encode()).decode()
    head = ["MIME-Version: 1.0", "Content-Type: application/xml", "Content-Transfer-Encoding: base64"]
    return [*head, *(raw[at : at + 76] for at in range(0, len(raw), 76))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["INV-1"], "INV-1"),
        ([], ""),
        (mime("<d><請求書番号>INV-1</請求書番号><請求書番号>INV-1</請求書番号></d>"), "INV-1"),
        (mime("<d><請求書番号>INV-1</請求書番号><請求書番号>INV-2</請求書番号></d>"), "INV-1 INV-2"),
        (mime("<!DOCTYPE d><d><請求書番号>INV-1</請求書番号></d>"), ""),
        (mime("<d>"), ""),
        ([*mime("<d/>")[:3], "%%%"], ""),
    ],
)
def test_a_reference_is_read_from_what_the_payer_sent(lines: list[str], expected: str) -> None:
    assert reference(lines) == expected
