"""Zengin files (全銀協制定フォーマット), types 01 and 03: header, data and trailer of each account, one end (§1.1)."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import BinaryIO

from contract_gate.formats import zengin_layouts as layouts
from contract_gate.formats.dates import dated
from contract_gate.formats.layout import Layout, departs
from contract_gate.formats.receipt import BadFile, DateMode, Group, Item, Nature, Receipt
from contract_gate.formats.records import records
from contract_gate.formats.zengin_sums import Sums01, Sums03

HEADER, DATA, TRAILER, END = b"1289"
FOLLOWS: Mapping[int | None, bytes] = {None: b"1", HEADER: b"28", DATA: b"28", TRAILER: b"19", END: b""}
NATURES: Mapping[str, Nature] = {"11": "transfer", "19": "correction"}
CORRECTION = "19"
TYPES = ("01", "03")
DIGITS = b"0123456789"


class Reader:
    """Reads one file of either type. `import_on` is the day that dates without a century are near."""

    def __init__(self, import_on: date, mode: DateMode) -> None:
        self.import_on, self.mode = import_on, mode
        self.type = b""
        self.sums: Sums01 | Sums03 = Sums01()
        self.groups = self.data = 0

    def items(self, stream: BinaryIO) -> Iterator[Item]:
        """Heads, receipts and totals in the order of the file. Raises BadFile at the first byte that is wrong."""
        before: int | None = None
        number = 0
        for number, raw in enumerate(records(stream), 1):
            kind = raw[0]
            if kind not in FOLLOWS[before]:
                raise BadFile(number, 1, "データ区分", _out_of_order(kind, before))
            before = kind
            if (item := self._item(kind, raw, number)) is not None:
                yield item
        if before != END:
            raise BadFile(number + 1, 1, "データ区分", "the end record (9) is missing: the file is cut off")

    def _item(self, kind: int, raw: bytes, number: int) -> Item | None:
        if kind == HEADER:
            return self._header(raw, number)
        if kind == DATA:
            self.data += 1
            return self._data_01(raw, number) if self.type == b"01" else self._data_03(raw, number)
        if kind == TRAILER:
            return self.sums.checked(raw, number)
        self._end(raw, number)
        return None

    def _header(self, raw: bytes, number: int) -> Group:
        if raw[3:4] == b"1":
            raise BadFile(number, 4, "コード区分", "the file is in EBCDIC: have the bank send JIS (code set 0)")
        if (at := departs(raw[1:3].decode("latin-1"), TYPES)) is not None:
            raise BadFile(number, 2 + at, "種別コード", "must be 01 (振込入金通知) or 03 (入出金取引明細)")
        if self.type not in (b"", raw[1:3]):
            raise BadFile(number, 3, "種別コード", "another type than the first header")
        self.type = raw[1:3]
        layout = layouts.HEADER_01 if self.type == b"01" else layouts.HEADER_03
        row = layout.read(raw, number)
        self.sums = Sums01() if self.type == b"01" else Sums03(row)
        self.groups += 1
        first, last = (self._date(layout, row, name, number) for name in ("勘定日（自）", "勘定日（至）"))
        if last < first:
            raise layout.bad(number, "勘定日（至）", "lies before the first day")
        return Group(
            number,
            "zengin-01" if self.type == b"01" else "zengin-03",
            row["銀行コード"],
            row["銀行名"],
            row["支店コード"],
            row["支店名"],
            row["預金種目"],
            row["口座番号"],
            row["口座名"],
            self._date(layout, row, "作成日", number),
            first,
            last,
        )

    def _data_01(self, raw: bytes, number: int) -> Receipt:
        layout = layout_01(raw)
        row = layout.read(raw, number)
        second = int(row.get("金額(2)", 0))
        amount = second or int(row["金額"])
        uncleared = int((row["うち他店券金額(2)"] if second else row["うち他店券金額"]) or 0)
        self._check_amount(layout, "金額", amount, uncleared, number)
        cancels = row["取消区分"] == "1"
        self.sums.add(amount, cancels)
        booked_on = self._date(layout, row, "勘定日", number)
        return Receipt(
            number,
            "transfer",
            booked_on,
            self._date(layout, row, "起算日", number) if row["起算日"] else booked_on,
            amount,
            uncleared,
            row["照会番号"],
            row["振込依頼人コード"],
            row["振込依頼人名"],
            row["仕向銀行名"],
            row["仕向店名"],
            row["EDI情報"],
            cancels,
        )

    def _data_03(self, raw: bytes, number: int) -> Receipt | None:
        """None for money that went out, unless it corrects something."""
        layout, row = layouts.DATA_03, layouts.DATA_03.read(raw, number)
        amount, uncleared = int(row["取引金額"]), int(row["うち他店券金額"] or 0)
        self._check_amount(layout, "取引金額", amount, uncleared, number)
        out = row["入払区分"] == "2"
        self.sums.add(amount, out)
        booked_on = self._date(layout, row, "勘定日", number)
        value_on = self._date(layout, row, "預入・払出日", number) if row["預入・払出日"] else booked_on
        if out and row["取引区分"] != CORRECTION:
            return None
        return Receipt(
            number,
            NATURES.get(row["取引区分"], "other"),
            booked_on,
            value_on,
            amount,
            uncleared,
            row["照会番号"],
            row["振込依頼人コード"],
            row["振込依頼人名・契約者番号"],
            row["仕向銀行名"],
            row["仕向店名"],
            row["EDI情報"],
            False,
        )

    def _check_amount(self, layout: Layout, field: str, amount: int, uncleared: int, number: int) -> None:
        if not amount:
            raise layout.bad(number, field, "is 0")
        if uncleared > amount:
            raise layout.bad(number, "うち他店券金額", "is more than the amount it is part of")

    def _end(self, raw: bytes, number: int) -> None:
        if self.type == b"01":
            layouts.END_01.read(raw, number)
            return
        row = layouts.END_03.read(raw, number)
        if row["口座数"] and int(row["口座数"]) != self.groups:
            raise layouts.END_03.bad(number, "口座数", f"says {row['口座数']}, but the file has {self.groups}")
        # which records are counted is not published: all, all but the end, or those of data
        if row["レコード総件数"] and int(row["レコード総件数"]) not in (number, number - 1, self.data):
            raise layouts.END_03.bad(number, "レコード総件数", f"the file has {number} records, {self.data} of data")

    def _date(self, layout: Layout, row: Mapping[str, str], field: str, number: int) -> date:
        found = dated(row[field], self.import_on, self.mode)
        if found is None:
            reason = f"'{row[field]}' is no day within 400 days of {self.import_on} ({self.mode} years)"
            raise layout.bad(number, field, reason)
        return found


def layout_01(raw: bytes) -> Layout:
    """Format B has digits in bytes 149 to 152, format A spaces; one wrong byte makes no other format of it."""
    others = raw[148:152].translate(None, DIGITS)
    return layouts.DATA_01_B if len(others) < 3 else layouts.DATA_01_A


def _out_of_order(kind: int, before: int | None) -> str:
    allowed = " or ".join(chr(each) for each in FOLLOWS[before]) or "nothing"
    behind = "at the beginning" if before is None else f"after a record {chr(before)}"
    return f"0x{kind:02X} {behind}, where {allowed} must be"
