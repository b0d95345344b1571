"""What trailers of Zengin files say, held against their data records (business-formats §1.1)."""

from collections.abc import Mapping

from contract_gate.formats.layout import Layout
from contract_gate.formats.receipt import BadFile, Totals
from contract_gate.formats.zengin_layouts import TRAILER_01, TRAILER_03

OVERDRAWN = "2"


class Sums01:
    """Credits of one account, and cancellations of earlier ones."""

    def __init__(self) -> None:
        self.count = self.yen = self.cancelled = self.cancelled_yen = 0

    def add(self, amount: int, cancels: bool) -> None:
        """One record of data."""
        if cancels:
            self.cancelled, self.cancelled_yen = self.cancelled + 1, self.cancelled_yen + amount
        else:
            self.count, self.yen = self.count + 1, self.yen + amount

    def checked(self, raw: bytes, number: int) -> Totals:
        """The totals; they may count cancelled rows or not, which is told. Raises BadFile."""
        row = TRAILER_01.read(raw, number)
        said = (int(row["振込合計件数"]), int(row["振込合計金額"]))
        everything = (self.count + self.cancelled, self.yen + self.cancelled_yen)
        if said not in ((self.count, self.yen), everything):
            field, at = ("振込合計件数", 0) if said[0] not in (self.count, everything[0]) else ("振込合計金額", 1)
            raise total_fault(TRAILER_01, number, field, row[field], (self.count, self.yen)[at])
        for field, found in (("取消合計件数", self.cancelled), ("取消合計金額", self.cancelled_yen)):
            if row[field] and int(row[field]) != found:
                raise total_fault(TRAILER_01, number, field, row[field], found)
        with_cancelled = said == everything if self.cancelled else None
        return Totals(number, self.count + self.cancelled, self.yen, with_cancelled)


class Sums03:
    """Movements of one account between two balances."""

    def __init__(self, header: Mapping[str, str]) -> None:
        self.count = self.yen = self.out = self.out_yen = 0
        self.opening = signed(header["貸越区分"], header["取引前残高"])

    def add(self, amount: int, out: bool) -> None:
        """One record of data."""
        if out:
            self.out, self.out_yen = self.out + 1, self.out_yen + amount
        else:
            self.count, self.yen = self.count + 1, self.yen + amount

    def checked(self, raw: bytes, number: int) -> Totals:
        """The totals; opening balance + in − out = closing balance. Raises BadFile."""
        row = TRAILER_03.read(raw, number)
        expected = {
            "入金件数": self.count,
            "入金額合計": self.yen,
            "出金件数": self.out,
            "出金額合計": self.out_yen,
            "データ・レコード件数": self.count + self.out,
        }
        for field, found in expected.items():
            if int(row[field]) != found:
                raise total_fault(TRAILER_03, number, field, row[field], found)
        closing, made = signed(row["貸越区分"], row["取引後残高"]), self.opening + self.yen - self.out_yen
        if closing != made:
            reason = f"says {closing}, but the opening balance and the movements make {made}"
            raise TRAILER_03.bad(number, "取引後残高", reason)
        return Totals(number, self.count + self.out, self.yen, None)


def signed(sign: str, amount: str) -> int:
    """A balance; 貸越 is below zero."""
    return -int(amount) if sign == OVERDRAWN else int(amount)


def total_fault(layout: Layout, number: int, field: str, said: str, found: int) -> BadFile:
    """A trailer that does not agree with its data records."""
    return layout.bad(number, field, f"says {int(said)}, but the records make {found}")
