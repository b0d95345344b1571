"""The bank, played: a Zengin file of receipts (type 01, format A) as it writes one (business-formats §1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

BANK, BRANCH, NUMBER = "0001", "001", "1234567"
REIWA_BEGAN = 2018  # year 1 is 2019


@dataclass(frozen=True)
class Credit:
    """Money that came in on a day, under a name in kana."""

    on: date
    remitter: str
    amount_yen: int


def bank_file(first: date, last: date, credits: Sequence[Credit]) -> bytes:
    """The file of these days, both included."""
    days = "".join(map(day, (last, first, last)))
    name, branch = text("ﾃｽﾄ", 15), text("ﾎﾝﾃﾝ", 15)
    head = f"1010{days}{BANK}".encode() + name + BRANCH.encode() + branch + f"1{NUMBER}".encode() + text("ｶ)ﾆﾝｼﾖｳ", 40)
    count, total = len(credits), sum(each.amount_yen for each in credits)
    rows = [head, *map(line, credits), f"8{count:06}{total:012}{0:06}{0:012}".encode(), b"9"]
    return b"".join(row.ljust(200) + b"\r\n" for row in rows)


def line(credit: Credit) -> bytes:
    """One receipt."""
    start = f"2{'':6}{day(credit.on) * 2}{credit.amount_yen:010}{0:010}{'':10}".encode()
    return start + text(credit.remitter, 48) + text("ﾐﾎﾝ", 15) + text("ｴｷﾏｴ", 15) + b"0" + b" " * 20


def day(value: date) -> str:
    """YYMMDD of the era Reiwa."""
    return f"{value.year - REIWA_BEGAN:02}{value:%m%d}"


def text(value: str, size: int) -> bytes:
    """A field of characters."""
    return value.encode("cp932").ljust(size)
