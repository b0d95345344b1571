"""What the documents name exists: links, files, commands with their options, settings, errors."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from acme_server.__main__ import main
from acme_server.config import Settings
from acme_server.config_source import OTHER_VARIABLES, Section, known_keys, variable_of
from acme_server.edge.problems import ANSWERS
from acme_server.protocol.errors import ErrorType
from tests.architecture.ids import ROOT, files

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"(?:^|\$ |/)keiyaku( [a-z-].*)")
FILE = re.compile(r"((?:acme_server|contract_gate|ca|office|sql|tests|bench)/[\w/]+\.(?:py|sql|txt))(?:::(\w+))?")
KEY = re.compile(r"([a-z]+\.[a-z_]+)(?: = .*)?")
SECTIONS = {key.partition(".")[0] for key in known_keys(Settings) if "." in key}
HOST_PATHS = re.compile(r"/(?:tmp|work|root|home)/\w+")


def spans(text: str) -> list[str]:
    """Code inside sentences."""
    return [span.replace("\n", " ") for span in SPAN.findall(FENCED.sub("", text))]


def lines_of_code(text: str) -> Iterator[str]:
    """Spans, and lines of fenced blocks with what is continued joined and comments cut."""
    yield from spans(text)
    for block in FENCED.findall(text):
        yield from (line.partition("  #")[0] for line in block.replace("\\\n", " ").splitlines())


def commands(text: str) -> list[str]:
    """What stands behind `keiyaku` where a command line begins."""
    return [found[1] for line in lines_of_code(text) if (found := COMMAND.search(line.strip()))]


def fault_of(line: str) -> str | None:
    """What of a command line does not exist: a command, or an option of it."""
    command: click.Command = main
    words = shlex.split(line)
    context = click.Context(main, info_name="keiyaku")
    options = {"--help", "-h"}
    while words:
        options |= {name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)}
        if not isinstance(command, click.Group) or words[0].startswith("-"):
            break
        found = command.get_command(context, word := words.pop(0))
        if found is None:
            return f"{word} is no command"
        command = found
    return next((f"{word} is no option" for word in words if word.startswith("--") and word not in options), None)


def named_keys(text: str) -> set[str]:
    """Spans that look like a key of the settings: `acme.order_lifetime`, `dns.resolver = "…"`."""
    found = {match[1] for span in spans(text) if (match := KEY.fullmatch(span))}
    return {key for key in found if key.partition(".")[0] in SECTIONS}


def is_something_else(name: str) -> bool:
    """Whether it is a table or a function of the schema, or a text of the code such as the kind of an evidence row."""
    schema = (ROOT / "sql/schema.sql").read_text(encoding="utf-8")
    code = (path.read_text(encoding="utf-8") for path in files(".py") if "tests" not in path.parts)
    made = re.search(rf"^CREATE (?:TABLE|FUNCTION) {re.escape(name)}[ (]", schema, re.MULTILINE)
    return made is not None or any(f'"{name}"' in text for text in code)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    assert not [link for link in links if link and not (path.parent / link).exists()]
    assert not [file for file, _ in FILE.findall(text) if not (ROOT / file).exists()]
    assert not [
        f"{file}::{name}"
        for file, name in FILE.findall(text)
        if name
        and not re.search(rf"^(?:async )?(?:def|class) {name}\b", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_settings_of_a_document_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not {line: fault for line in commands(text) if (fault := fault_of(line))}
    known = known_keys(Settings)
    assert not {key for key in named_keys(text) if key not in known and not is_something_else(key)}
    variables = set(re.findall(r"\bKEIYAKU_[A-Z_]+[A-Z]\b", text))
    assert not variables - {variable_of(key) for key in known} - OTHER_VARIABLES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_no_folder_of_one_machine(path: Path) -> None:
    assert not HOST_PATHS.findall(path.read_text(encoding="utf-8"))


def test_every_make_target_of_a_document_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        found[1]
        for path in DOCUMENTS
        for line in lines_of_code(path.read_text(encoding="utf-8"))
        if (found := re.match(r"(?:\$ )?make ([\w-]+)", line))
    }
    assert named
    assert not named - targets


def test_every_error_and_every_sentence_of_the_gate_is_explained() -> None:
    text = (ROOT / "docs/acme.md").read_text(encoding="utf-8")
    assert not [each.value for each in ErrorType if f"| `{each.value}` |" not in text]
    rows = {
        f"| {gate.name} | `{answer.type.value}` | {answer.detail.format(help='…')} |"
        for (gate, _), answer in ANSWERS.items()
    }
    assert not [row for row in rows if row not in text]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("gate explain --contract demo", None),
        ("gate explain --kontract demo", "--kontract is no option"),
        ("gate explane", "explane is no command"),
        ("ceremony", "ceremony is no command"),
        ("--config keiyaku.toml check", None),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, fault: str | None) -> None:
    assert fault_of(line) == fault


def test_commands_are_found_where_they_stand() -> None:
    text = "`keiyaku check`, keiyaku dreams\n\n```\n$ keiyaku key new demo \\\n    --uses 1\nKeiyaku is ready\n```\n"
    assert [" ".join(line.split()) for line in commands(text)] == ["check", "key new demo --uses 1"]


def test_every_section_has_a_name_of_its_own() -> None:
    """So `named_keys` can tell a key from other dotted names by its section."""
    fields = Settings.__annotations__
    assert {name for name, kind in fields.items() if isinstance(kind, type) and issubclass(kind, Section)} == SECTIONS


def texts_of(path: Path) -> Iterator[str]:
    """Texts of a file of ours, X where a value goes into one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.value


def test_every_command_that_the_program_names_exists() -> None:
    """Refusals say which command helps, the desk which one ends a task."""
    named = {
        line
        for path in files(".py")
        if "tests" not in path.parts
        for text in texts_of(path)
        for line in (*re.findall(r"`keiyaku ([a-z][^`]*)`", text), *re.findall(r"^keiyaku ([a-z -]+)$", text))
    }
    assert len(named) > 50
    assert not {line: fault for line in named if (fault := fault_of(" ".join(line.split())))}
