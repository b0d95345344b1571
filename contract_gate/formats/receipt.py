"""What every format of bank file is read into, and why one is refused."""

from datetime import date
from typing import Literal

import msgspec

Nature = Literal["transfer", "other", "correction"]
DateMode = Literal["era", "western"]
Format = Literal["zengin-01", "zengin-03", "camt.054"]


class BadFile(Exception):
    """The file is refused whole. `record` and `position` count from 1; position 0 speaks of the whole record."""

    def __init__(self, record: int, position: int, field: str, reason: str) -> None:
        where = f"record {record}, byte {position}" if position else f"record {record}"
        super().__init__(f"{where}, {field}: {reason}")
        self.record, self.position, self.field, self.reason = record, position, field, reason


class BadElement(BadFile):
    """The same of an XML file: `record` is the line, `field` the element."""

    def __init__(self, line: int, element: str, reason: str) -> None:
        super().__init__(line, 0, element, reason)
        self.args = (f"line {line}, <{element}>: {reason}",)


class Group(msgspec.Struct, frozen=True):
    """The head of the lines of one account. Both ends of the period are included; the last is the watermark (T8-6).

    `line`: where it stands in an XML file.
    """

    record: int
    format: Format
    bank: str
    bank_name: str
    branch: str
    branch_name: str
    kind: str
    number: str
    name: str
    created_on: date
    period_from: date
    period_to: date
    line: int = 0


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Money that came in, or a correction a person must see. `cancels`: an earlier one like it is taken back (取消).

    `value_on` is the value date, the booking date where that is blank (T8-5). What the bank left blank is ''.
    """

    record: int
    nature: Nature
    booked_on: date
    value_on: date
    amount_yen: int
    uncleared_yen: int
    query_number: str
    remitter_code: str
    remitter: str
    sending_bank: str
    sending_branch: str
    edi: str
    cancels: bool


class Totals(msgspec.Struct, frozen=True):
    """The end of a group whose counts and sums agree. `cancelled_counted`: None where no row was a cancellation."""

    record: int
    lines: int
    total_yen: int
    cancelled_counted: bool | None


Item = Group | Receipt | Totals
