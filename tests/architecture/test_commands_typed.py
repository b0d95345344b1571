"""Every command that a document of the desk, the accountants or the auditors names is typed by a test of commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from acme_server.commands import GROUPS
from tests.architecture.ids import ROOT

DOCUMENTS = ("api", "bank", "changes", "contracts", "desk", "limits", "money", "notices", "revocation")
TESTS = [path for folder in ("acme_server", "acceptance") for path in sorted((ROOT / "tests" / folder).rglob("*.py"))]
TYPED = "\n".join(path.read_text(encoding="utf-8") for path in TESTS)


def of(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The command, or those below it, as words."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from of(below, (*path, name))
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path


COMMANDS = [path for group in GROUPS for path in of(group, (str(group.name),))]


def is_typed(path: tuple[str, ...], tests: str) -> bool:
    """Whether it begins a string of the tests: as a line, or as words apart."""
    line, words = r"\s+".join(map(re.escape, path)), r"[\"\'],\s*[\"\']".join(map(re.escape, path))
    return re.search(rf"[\"\'](?:{line}|{words})(?=[\"\'\s{{])", tests) is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_is_typed_by_a_test(document: str) -> None:
    text = Path(ROOT / f"docs/{document}.md").read_text(encoding="utf-8")
    named = [path for path in COMMANDS if re.search(rf"keiyaku {' '.join(map(re.escape, path))}(?![\w-])", text)]
    assert named
    assert not [" ".join(path) for path in named if not is_typed(path, TYPED)]


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ('keiyaku(demo, "desk done dead_job x")', True),
        ('keiyaku(demo, f"desk done {job}")', True),
        ('run(["desk", "done", "x"])', True),
        ('"the desk done"', False),
        ('keiyaku(demo, "desk doner")', False),
        ("desk done", False),
    ],
)
def test_a_command_that_no_test_types_is_found(tests: str, expected: bool) -> None:
    assert is_typed(("desk", "done"), tests) is expected
