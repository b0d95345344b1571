"""Rows as CSV that a spreadsheet shows and does not compute."""

import csv
import io
from collections.abc import Iterable, Sequence

COMPUTED = tuple("=+-@\t\r\n＝＋－＠")  # in full width, as Japanese spreadsheets take them too


def cell(value: object) -> object:
    """The value; of a text that a spreadsheet would compute, the same behind an apostrophe. Numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(COMPUTED) else value


def rows_as_csv(rows: Iterable[Sequence[object]]) -> str:
    """A line a row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
