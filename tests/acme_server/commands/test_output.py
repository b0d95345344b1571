"""What commands print: nothing is cut silently, and no line ends in spaces."""

import inspect
import json
from collections.abc import Iterator
from datetime import datetime
from errno import EPIPE
from importlib import import_module
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from acme_server.commands import output, running
from acme_server.commands.output import show_one, show_rows
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import asked
from sql import Conn
from tests.architecture.ids import ROOT


class Row(msgspec.Struct, frozen=True):
    """A row of a listing."""

    number: int
    note: str | None = None


ROWS = [Row(number) for number in range(7)]


@pytest.mark.parametrize(
    ("count", "as_json", "shown", "said"),
    [
        pytest.param(5, False, 5, "", id="a table that is whole"),
        pytest.param(6, False, 5, "--json prints all of them", id="a table that is cut"),
        pytest.param(6, True, 6, "", id="JSON of all"),
        pytest.param(7, True, 6, "the JSON API", id="JSON that is cut"),
    ],
)
def test_what_is_left_out_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, count: int, as_json: bool, shown: int,
    said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(output, "READ", 5)
    monkeypatch.setattr(output, "MOST", 7)
    show_rows(ROWS[:count], ("number",), as_json)
    printed = capsys.readouterr()
    assert len(json.loads(printed.out) if as_json else printed.out.splitlines()[1:]) == shown
    assert (said in printed.err, bool(printed.err)) == (True, bool(said))


def test_no_line_ends_in_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([Row(1, "a"), Row(1000, "a longer note"), Row(3)], ("number", "note"), as_json=False)
    show_one(Row(1, ""), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["number  note", "1       a"]
    assert [each for each in lines if each != each.rstrip()] == []


def listings() -> Iterator[tuple[str, int]]:
    """The most that use cases list where nobody says a number."""
    for file in sorted(Path(ROOT / "office/use_cases").glob("*.py")):
        module = import_module(f"office.use_cases.{file.stem}")
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            most = inspect.signature(function).parameters.get("most")
            if most is not None and most.default is not inspect.Parameter.empty:
                yield f"{file.stem}.{name}", most.default


def test_every_listing_reads_one_more_than_commands_show() -> None:
    """So a command knows that there are more; None: it reads all."""
    found = dict(listings())
    assert len(found) > 25
    assert {name: most for name, most in found.items() if most not in (asked.MOST, None)} == {}


def test_whoever_reads_no_further_hears_of_no_fault(postgres: EmbeddedPostgres, database: str) -> None:
    """`keiyaku … | head`: the pipe is closed, and nothing is wrong with the deployment."""

    async def work(conn: Conn, now: datetime) -> None:
        raise BrokenPipeError(EPIPE, "Broken pipe")

    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    done = CliRunner().invoke(click.command()(running.operating(work)), [], obj=settings)
    assert (done.exit_code, done.output) == (1, "")
