"""Zengin files: what is written is read, and one wrong byte refuses the whole file, by name."""

import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_gate.formats.dates import dated
from contract_gate.formats.receipt import BadFile, Group, Item, Receipt, Totals
from contract_gate.formats.zengin import Reader
from tests.simulators.bank_files import DAY, Credit, Statement, Style, whole

IMPORT = date(2026, 11, 22)
NAME = st.text("0123456789ABCXYZｱｲｳｶﾄﾞﾊﾟﾝ().-", max_size=48)
EDI = st.text("0123456789ABCXYZｱｦ\\｢｣/ ", max_size=20).map(str.rstrip)
CREDITS = st.builds(
    Credit, st.integers(1, 9_999_999_999), NAME, st.dates(date(2026, 8, 1), IMPORT),
    st.sampled_from(["", "000001", "999999"]), st.sampled_from(["", "0123456789"]), EDI,
)  # fmt: skip
STYLES = st.builds(
    Style, st.sampled_from(["01", "03"]), st.sampled_from("AB"), st.sampled_from([b"", b"\r\n"]), st.booleans(),
    st.sampled_from([b"", b"\x1a"]),
)  # fmt: skip
STATEMENTS = st.lists(
    st.builds(Statement, st.lists(CREDITS, max_size=4), number=st.sampled_from(["1234567", "0000001"])),
    min_size=1, max_size=3,
)  # fmt: skip


def read(raw: bytes, western: bool = False) -> list[Item]:
    return list(Reader(IMPORT, "western" if western else "era").items(io.BytesIO(raw)))


def refused(raw: bytes) -> BadFile:
    with pytest.raises(BadFile) as caught:
        read(raw)
    return caught.value


@given(STATEMENTS, STYLES, st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read(statements: list[Statement], style: Style, last_line_end: bool) -> None:
    raw = whole(statements, style)
    if style.line_end and not style.tail and not last_line_end:
        raw = raw.removesuffix(b"\r\n")
    items = read(raw, style.western)
    assert [item.number.lstrip("0") for item in items if isinstance(item, Group)] == [
        each.number.lstrip("0") for each in statements
    ]
    credits = [credit for each in statements for credit in each.credits]
    found = [item for item in items if isinstance(item, Receipt)]
    assert [(r.amount_yen, r.remitter, r.value_on, r.edi, r.remitter_code) for r in found] == [
        (c.amount, c.remitter.rstrip(), c.day, c.edi, c.code) for c in credits
    ]
    assert [item.lines for item in items if isinstance(item, Totals)] == [len(each.credits) for each in statements]


@given(STATEMENTS, STYLES, st.data())
@settings(max_examples=40, deadline=None)
def test_a_byte_that_is_legal_nowhere_is_named(statements: list[Statement], style: Style, data: st.DataObject) -> None:
    raw = bytearray(whole(statements, replace(style, tail=b"", western=False)))
    step = 200 + len(style.line_end)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.sampled_from(b"a\x00\xa7\xb0\x80,"))
    bad = refused(bytes(raw))
    assert (bad.record, bad.position) == (at // step + 1, at % step + 1)
    assert bad.field
    assert bad.reason


@given(STATEMENTS, STYLES, st.data())
@settings(max_examples=40, deadline=None)
def test_any_octet_anywhere_is_read_or_refused(statements: list[Statement], style: Style, data: st.DataObject) -> None:
    raw = bytearray(whole(statements, style))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(raw))
    except BadFile as refusal:
        bad = refusal
    else:
        return
    assert bad.record >= 1
    assert str(bad)


@given(st.binary(max_size=900))
@settings(max_examples=100, deadline=None)
def test_octets_that_are_no_file_are_refused(raw: bytes) -> None:
    refused(raw)


GOOD = whole([Statement([Credit(60_500, "ﾚｲ(ｶ", query="000001")])])


def changed(record: int, position: int, by: bytes, raw: bytes = GOOD) -> bytes:
    at = (record - 1) * 202 + position - 1
    return raw[:at] + by + raw[at + len(by) :]


@pytest.mark.parametrize(
    ("raw", "record", "position", "field"),
    [
        pytest.param(changed(1, 4, b"1"), 1, 4, "コード区分", id="EBCDIC by its code set"),
        pytest.param(b"\xf1" * 404, 1, 1, "コード区分", id="EBCDIC by its octets"),
        pytest.param(changed(1, 2, b"21"), 1, 2, "種別コード", id="another type"),
        pytest.param(changed(1, 3, b"a"), 1, 3, "種別コード", id="the second byte of the type"),
        pytest.param(changed(1, 60, b"5"), 1, 60, "預金種目", id="a time deposit"),
        pytest.param(changed(1, 17, b"081332"), 1, 17, "勘定日（至）", id="no day"),
        pytest.param(changed(1, 17, b"081119"), 1, 17, "勘定日（至）", id="the end before the beginning"),
        pytest.param(changed(2, 8, b"060101"), 2, 8, "勘定日", id="too long ago"),
        pytest.param(changed(2, 20, b" " * 10), 2, 20, "金額", id="a blank amount is not 0"),
        pytest.param(changed(2, 20, b"0" * 10), 2, 20, "金額", id="an amount of 0"),
        pytest.param(changed(2, 30, b"0000060501"), 2, 30, "うち他店券金額", id="more uncleared than came"),
        pytest.param(changed(3, 2, b"000002"), 3, 2, "振込合計件数", id="a wrong count"),
        pytest.param(changed(3, 19, b"1"), 3, 8, "振込合計金額", id="a wrong sum"),
        pytest.param(changed(3, 25, b"1"), 3, 20, "取消合計件数", id="a wrong count of cancellations"),
        pytest.param(GOOD[:-202], 4, 1, "データ区分", id="cut off before the end record"),
        pytest.param(GOOD[:-3], 4, 1, "record length", id="cut off inside the end record"),
        pytest.param(GOOD[:100], 1, 1, "record length", id="shorter than a record"),
        pytest.param(GOOD.replace(b"\r\n", b"\n"), 2, 1, "データ区分", id="other line ends"),
        pytest.param(GOOD + b"more", 5, 1, "record length", id="more behind the end"),
        pytest.param(GOOD + GOOD, 5, 1, "データ区分", id="a second file behind the end"),
    ],
)
def test_a_file_is_refused_whole_with_the_place(raw: bytes, record: int, position: int, field: str) -> None:
    bad = refused(raw)
    if field != "データ区分" or record != 2:
        assert (bad.record, bad.position, bad.field) == (record, position, field)
    assert read(GOOD)


def test_a_file_that_an_editor_saved_as_utf_8_is_known_by_its_kana() -> None:
    hint = "saved as UTF-8? import the file as the bank sent it"
    assert hint in refused(GOOD.decode("cp932").encode()).reason
    assert hint not in refused(changed(2, 60, b"\xef")).reason


@pytest.mark.parametrize("counted", [True, False])
def test_totals_may_count_cancelled_rows_or_not(counted: bool) -> None:
    statement = Statement([Credit(100), Credit(100, cancels=True)], count_cancelled=counted)
    assert read(whole([statement]))[-1] == Totals(4, 2, 100, counted)


@pytest.mark.parametrize(
    ("credit", "expected"),
    [
        pytest.param(Credit(5, kind="11"), "transfer", id="a transfer"),
        pytest.param(Credit(5, kind="19", out=True), "correction", id="a correction, also of money that went out"),
        pytest.param(Credit(5, kind="10"), "other", id="cash"),
        pytest.param(Credit(5, kind="11", out=True), None, id="money that went out"),
    ],
)
def test_what_a_movement_is(credit: Credit, expected: str | None) -> None:
    found = [item.nature for item in read(whole([Statement([credit])], Style("03"))) if isinstance(item, Receipt)]
    assert found == ([expected] if expected else [])


def test_the_byte_that_is_wrong_in_a_code_of_two_is_named() -> None:
    bad = refused(changed(2, 24, b"a", whole([Statement([Credit(60_500)])], Style("03"))))
    assert (bad.record, bad.position, bad.field) == (2, 24, "取引区分")


def test_balances_of_type_03_are_held_against_its_movements() -> None:
    raw = whole([Statement([Credit(60_500), Credit(440, out=True)])], Style("03"))
    assert read(raw)
    bad = refused(changed(4, 54, b"9", raw))
    assert (bad.record, bad.position, bad.field) == (4, 41, "取引後残高")


@pytest.mark.parametrize(
    ("digits", "imported", "mode", "expected"),
    [
        ("081122", IMPORT, "era", date(2026, 11, 22)),
        ("310430", date(2019, 5, 7), "era", date(2019, 4, 30)),
        ("010501", date(2019, 5, 7), "era", date(2019, 5, 1)),
        ("261122", IMPORT, "western", date(2026, 11, 22)),
        ("261122", IMPORT, "era", None),
        ("080229", IMPORT, "era", None),
    ],
)
def test_a_date_is_the_nearest_of_its_eras(digits: str, imported: date, mode: str, expected: date | None) -> None:
    assert dated(digits, imported, "western" if mode == "western" else "era") == expected


def test_a_blank_value_date_is_the_booking_date() -> None:
    [_, receipt, _] = read(changed(2, 14, b" " * 6))
    assert isinstance(receipt, Receipt)
    assert receipt.value_on == DAY
