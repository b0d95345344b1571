"""The ids that code and tests may cite, and where they do."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGES = ("acme_server", "contract_gate", "ca", "office", "sql")

QUOTED = re.compile(r"\b([AC]-\d{3}|T\d+-\d+)\b")
CITED = re.compile(r"\b([AC]-\d{3}|T\d+-\d+|R-\d{1,2}|A\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)\b")
IN_A_NAME = re.compile(r"(?<![A-Za-z])([AC])_(\d{3})(?!\d)")
# of the standards; every rule of the Terms is demanded
IN_RANGE = {"A": (range(1, 255),), "C": (range(1, 180),)}


class Id(NamedTuple):
    """A line of ids.txt: MUST, SHOULD or MAY of a standard, RULE, READING or CLAUSE of the Terms."""

    id: str
    level: str
    source: str

    @property
    def list(self) -> str:
        return self.id[0]

    @property
    def demanded(self) -> bool:
        """Whether it needs a passing test or a line in docs/known-gaps.md: every rule of the Terms does."""
        ranges = IN_RANGE.get(self.list, ())
        return self.level == "RULE" or (self.level == "MUST" and any(int(self.id[2:]) in numbers for numbers in ranges))


@cache
def known() -> dict[str, Id]:
    """Every id of ids.txt, in its order."""
    lines = (HERE / "ids.txt").read_text(encoding="utf-8").splitlines()
    rows = [Id(*(part.strip() for part in line.split("|"))) for line in lines if line and not line.startswith("#")]
    return {row.id: row for row in rows}


def files(*suffixes: str) -> Iterator[Path]:
    """Source and test files of the repository."""
    for top in (*PACKAGES, "tests", "bench", "docs"):
        yield from (p for p in sorted((ROOT / top).rglob("*")) if p.suffix in suffixes)


def quoted_by_name(name: str) -> list[str]:
    """Ids in the name of a test, its parameters included: `test_A_049_…`, `[T8-4 Monday is still in time]`."""
    return [*(f"{a}-{n}" for a, n in IN_A_NAME.findall(name)), *QUOTED.findall(name)]


def quoted_in(text: str) -> set[str]:
    """Ids that the tests of a file quote by marker, test name or parameter id; found without running them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test"):
                found.update(quoted_by_name(name))
            case ast.Call(func=ast.Attribute(attr="std" | "rule"), args=args):
                found.update(strings(args))
            case ast.keyword(arg="id" | "ids", value=value):
                found.update(i for s in strings([value]) for i in QUOTED.findall(s))
    return found


def strings(nodes: Iterable[ast.AST]) -> list[str]:
    """String constants anywhere in `nodes`."""
    return [
        leaf.value
        for node in nodes
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    ]


def quoted() -> set[str]:
    """Ids that any test quotes."""
    tests = (p for p in files(".py") if p.name.startswith("test_"))
    return set().union(*(quoted_in(p.read_text(encoding="utf-8")) for p in tests))


def gaps() -> dict[str, str]:
    """Id -> reason, of docs/known-gaps.md: lines `- A-001: reason` or, for neighbours, `- A-001, A-002: reason`."""
    found: dict[str, str] = {}
    for line in (ROOT / "docs" / "known-gaps.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            ids, _, reason = line[2:].partition(":")
            found |= dict.fromkeys((i.strip() for i in ids.split(",")), reason.strip())
    return found


def unexplained() -> list[Id]:
    """Demanded ids that have neither a test nor a known gap."""
    covered = quoted() | gaps().keys()
    return [row for row in known().values() if row.demanded and row.id not in covered]
