"""Every command with a bad value of each of its parameters: one line that is no traceback, and an exit code."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from acme_server.__main__ import main
from acme_server.clock import utc_now
from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases.demo import make_demo
from sql import Pool

ROOT = click.Group("keiyaku", commands=GROUPS)
BAD = {
    "text": "日本\n語" + "x" * 3000,
    "integer": "1" + "0" * 40,
    "integer range": "1" + "0" * 40,
    "choice": "nothing of the kind",
    "day": "0001-01-01",  # which PostgreSQL's driver takes for the day before all others
    "instant": "0001-01-01T00:00:00Z",
    "period": "9999Q4",
    "names": "-,*",
    "path": "/no/such/folder/file",
    "filename": "/no/such/folder/file",
    "file": "/no/such/folder/file",
    "directory": os.devnull,
}
OFFLINE = (("demo", "story"), ("evidence", "init"))  # need no database
SAYS = ("ca root-crl", "ca revoke")  # what they are about to do, before they ask
FREE = {"text", "names"}  # of which any may be right


def commands(found: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below this one."""
    if not isinstance(found, click.Group):
        yield path, found
        return
    for name in found.list_commands(click.Context(found)):
        below = found.get_command(click.Context(found), name)
        assert below is not None
        yield from commands(below, (*path, name))


def good(parameter: click.Parameter) -> str:
    """A value that its type takes, and the demo knows where it can."""
    match parameter.type:
        case click.Choice(choices=choices):
            return str(choices[0])
        case click.Path() | click.File():
            return os.devnull
        case click.IntRange() | click.types.IntParamType():
            return "1"
    known = {"person": "demo-officer-1", "first": "demo-officer-1", "second": "demo-officer-2", "contract": "demo"}
    of_type = {
        "day": "2026-01-05",
        "instant": "2026-01-05",
        "period": "2026Q1",
        "names": "a.demo.test",
        "hex": "ab" * 16,
    }
    return of_type.get(parameter.type.name) or known.get(parameter.name or "", "x")


def written(parameter: click.Parameter, value: str) -> list[str]:
    """The parameter as it is typed."""
    if isinstance(parameter, click.Argument):
        return [value]
    return [f"{parameter.opts[0]}={value}"] if not getattr(parameter, "is_flag", False) else [parameter.opts[0]]


def lines(command: click.Command, worse: click.Parameter | None = None) -> list[str]:
    """The words of a command line with all that is required, and one bad value."""
    words: list[str] = []
    typed = [each for each in command.params if each.required or each is worse]
    for each in sorted(typed, key=lambda each: isinstance(each, click.Argument)):
        if isinstance(each, click.Argument) and "--" not in words:
            words.append("--")
        words += written(each, BAD.get(each.type.name, "x") if each is worse else good(each))
    return words


def fault(done: Result, path: tuple[str, ...], words: list[str]) -> str | None:
    """What is wrong with what the command says."""
    said = f"{' '.join(path)} {' '.join(words)[:80]}: {done.output[:300]!r} {done.exception!r}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return said
    if done.exit_code == 1 and len(done.stderr.splitlines()) != 1 and " ".join(path) not in SAYS:
        return said
    return said if len(done.stderr) > 4000 or "the database refused" in done.output else None


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_without_a_database_every_command_says_so_in_one_line(group: click.Command, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    for path, command in commands(group, (group.name or "",)):
        if path in OFFLINE:
            continue
        words = lines(command)
        done = CliRunner().invoke(ROOT, [*path, *words], obj=settings)
        assert fault(done, path, words) is None
        assert done.exit_code != 0, path


async def test_no_bad_value_is_answered_by_a_traceback(
    postgres: EmbeddedPostgres, database: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parameter that many commands of a group share is tried with one of them."""
    async with pool.acquire() as conn:
        await make_demo(conn, utc_now())
    monkeypatch.chdir(tmp_path)
    url = postgres.dsn("{role}", database)
    settings = Settings(database=Database(embedded=False, url=url), data=tmp_path)

    def tried() -> list[str]:
        found, seen = list[str](), set[tuple[str, ...]]()
        for path, command in commands(ROOT):
            for each in command.params:
                once = (path[0], each.name or "", each.type.name)
                if getattr(each, "is_flag", False) or each.type.name == "boolean" or once in seen:
                    continue
                seen.add(once)
                words = lines(command, each)
                done = CliRunner().invoke(ROOT, [*path, *words], obj=settings)
                if done.exit_code == 0 and each.type.name not in FREE:
                    found.append(f"{path} takes {words}")
                if what := fault(done, path, words):
                    found.append(what)
        return found

    assert await asyncio.to_thread(tried) == []


def test_every_option_says_what_it_is_and_every_list_prints_json() -> None:
    found = list(commands(ROOT))
    options = [(path, each) for path, command in found for each in command.params if isinstance(each, click.Option)]
    assert [(path, each.name) for path, each in options if not each.help] == []
    asked = {path for path, each in options if "--json" in each.opts}
    assert [path for path, _ in found if path[-1] == "list" and path not in asked] == []


def test_a_list_of_commands_cuts_no_sentence() -> None:
    done = CliRunner().invoke(main, ["contract", "--help"])
    assert "its customer told." in " ".join(done.stdout.split())
    assert "..." not in done.stdout.replace("[ARGS]...", "")


@pytest.mark.parametrize(
    "words", [["person", "list", "\udcff"], ["contract", "list", ""], ["key", "new", "x", "--for="]]
)
def test_octets_that_are_no_text_and_empty_values_are_refused_by_name(words: list[str]) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "is not UTF-8" in done.stderr or "has no value" in done.stderr
