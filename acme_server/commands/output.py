"""What commands print: tables that people can read, and JSON."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from contract_gate.calendar import JST
from office.use_cases.asked import MOST

ELSEWHERE = "choose fewer with the command's options, or go on page by page through the JSON API (docs/api.md)"
READ = 1000  # lines of a table, which people read
WIDE = 200  # where no terminal says how wide it is


def show_json(value: object) -> None:
    """The value as indented JSON; octets in hexadecimal, text as it is."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def plain(value: object) -> object:
    """What JSON can say of a value."""
    match value:
        case bytes():
            return value.hex()
        case msgspec.Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return msgspec.to_builtins(value)


def show_rows(rows: Sequence[msgspec.Struct], columns: Sequence[str], as_json: bool) -> None:
    """All of the rows as JSON, or these of their fields as a table; where some are left out, that is said aside."""
    most, more = (MOST - 1, ELSEWHERE) if as_json else (READ, "--json prints all of them")
    if len(rows) > most:
        click.echo(f"the first {most} are shown, and there are more: {more}", err=True)
        rows = rows[:most]
    if as_json:
        show_json(list(rows))
    elif not rows:
        click.echo("none")
    else:
        print_table(table(rows, columns))


def show_one(row: msgspec.Struct, as_json: bool) -> None:
    """The row as JSON, or a field a line; what is itself a list is left out there."""
    if as_json:
        show_json(row)
        return
    fields = [name for name in row.__struct_fields__ if not isinstance(getattr(row, name), list)]
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for name in fields:
        lines.add_row(heading(name), text(getattr(row, name)))
    print_table(lines)


def table(rows: Sequence[msgspec.Struct], columns: Sequence[str]) -> Table:
    """A line a row; long texts fold inside their column, ids stay whole."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        whole = any(isinstance(getattr(row, name), UUID | int | datetime) for row in rows)
        made.add_column(heading(name), overflow="fold", no_wrap=whole)
    for row in rows:
        made.add_row(*(text(getattr(row, name)) for name in columns))
    return made


def heading(name: str) -> str:
    """The title of a field."""
    return name.replace("_", " ")


def text(value: object) -> str:
    """A value for people; instants in Japan Standard Time."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")
        case bytes():
            return value.hex()
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value)


def print_table(printed: Table) -> None:
    """The table on standard output, nothing behind the last letter of a line."""
    with (printer := console()).capture() as captured:
        printer.print(printed)
    click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)


def console() -> Console:
    """Standard output, as wide as its terminal; no markup in what people named."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
