"""docs/compliance.md: each line of the CA checklist with its code, its tests, or who is responsible.

What is asked and of whom is written there by hand; which tests quote an id, and which code cites it, is looked up:
`python -m tests.architecture.compliance` writes both columns anew (`make coverage-of-rules` does).
"""

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.architecture.ids import PACKAGES, ROOT, files, known, quoted_in

DOCUMENT = ROOT / "docs" / "compliance.md"
CITED = re.compile(r"\bC-\d{3}\b")
PATH = re.compile(r"`([\w./-]+/[\w.-]+\.\w+)`")
MOST = 2  # files a cell


class Row(NamedTuple):
    """A line of the table. Cells are Markdown; `code` and `tests` are paths in backticks."""

    id: str
    asked: str
    code: str
    tests: str
    who: str

    def line(self) -> str:
        """As it stands in the document."""
        return f"| {' | '.join(self)} |".replace("  |", " |")


def row_of(line: str) -> Row | None:
    """The line as a row; None when it is none of an id."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return Row(*cells) if CITED.fullmatch(cells[0]) and len(cells) == len(Row._fields) else None


def rows() -> list[Row]:
    """The table."""
    return [row for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if (row := row_of(line))]


def paths(cell: str) -> list[str]:
    """Files that a cell names."""
    return PATH.findall(cell)


@cache
def quoting() -> dict[str, list[str]]:
    """Id -> test files that quote it, those that quote few ids first."""
    quotes = {str(p.relative_to(ROOT)): quoted_in(p.read_text(encoding="utf-8")) for p in files(".py")
              if p.name.startswith("test_")}  # fmt: skip
    return by_id(quotes)


@cache
def citing() -> dict[str, list[str]]:
    """Id -> source files that cite it, those that cite few ids first."""
    cites = {str(p.relative_to(ROOT)): set(CITED.findall(p.read_text(encoding="utf-8"))) for p in files(".py", ".sql")
             if p.relative_to(ROOT).parts[0] in PACKAGES and "migrations" not in p.parts}  # fmt: skip
    return by_id(cites)


def by_id(found: dict[str, set[str]]) -> dict[str, list[str]]:
    """The other way round."""
    turned: dict[str, list[str]] = defaultdict(list)
    for path in sorted(found, key=lambda one: (len(found[one]), one)):
        for i in found[path]:
            turned[i].append(path)
    return turned


def renewed(row: Row) -> Row:
    """The row with what is so today; where nothing cites or quotes the id, what people wrote stays."""
    code, tests = citing().get(row.id, [])[:MOST], quoting().get(row.id, [])[:MOST]
    return row._replace(code=cell_of(code) or row.code, tests=cell_of(tests))


def cell_of(found: list[str]) -> str:
    """Paths as a cell."""
    return ", ".join(f"`{path}`" for path in found)


def faults() -> list[str]:
    """What is wrong with the document."""
    listed = rows()
    wanted = [i for i in known() if i.startswith("C-")]
    found = [f"{i} does not stand there exactly once, in order" for i in wanted if [r.id for r in listed].count(i) != 1]
    for row in listed:
        found += [f"{row.id}: {p} does not exist" for p in paths(row.code + row.tests) if not (ROOT / p).is_file()]
        found += [f"{row.id}: {p} does not quote it" for p in paths(row.tests) if p not in quoting().get(row.id, [])]
        if not paths(row.tests) and not row.who and known()[row.id].level == "MUST":
            found.append(f"{row.id}: neither a test nor a person")
        if not paths(row.code) and not row.who:
            found.append(f"{row.id}: neither code nor a person")
    return found


def write(document: Path = DOCUMENT) -> None:
    """Both columns are as today."""
    lines = document.read_text(encoding="utf-8").splitlines()
    document.write_text(
        "".join(f"{renewed(row).line() if (row := row_of(x)) else x}\n" for x in lines), encoding="utf-8"
    )


if __name__ == "__main__":
    write()
