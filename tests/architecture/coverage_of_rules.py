"""A pytest plugin: which id is quoted by which passing test (`make coverage-of-rules`).

The ids of a test travel with its report, so they arrive from the workers of xdist too.
"""

from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.architecture.ids import known, quoted_by_name

PROPERTY = "quotes"


def quoted_by(item: pytest.Item) -> list[str]:
    """Ids a test quotes: by the markers `std` and `rule`, by its name, by the id of its parameters. Sorted."""
    marked = [str(i) for mark in item.iter_markers() if mark.name in ("std", "rule") for i in mark.args]
    return sorted({*marked, *quoted_by_name(item.name)})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--coverage-of-rules", action="store_true", help="print which ids of the lists a passing test quotes"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--coverage-of-rules"):
        config.pluginmanager.register(Coverage())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ids := quoted_by(item):
            item.user_properties.append((PROPERTY, " ".join(ids)))


class Coverage:
    """Passing tests by id, and the table printed at the end."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for ids in (str(value) for name, value in report.user_properties if name == PROPERTY):
                for i in ids.split():
                    self.tests[i].append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("coverage of rules: passing tests that quote an id")
        for line in [*per_id(self.tests), "", *per_list(self.tests)]:
            terminalreporter.write_line(line)


def per_id(tests: dict[str, list[str]]) -> list[str]:
    """Each id with the first test that quotes it and how many more do."""
    lines = []
    for i in known():
        if found := sorted(tests.get(i, [])):
            lines.append(f"{i:8} {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else ""))
    return lines


def per_list(tests: dict[str, list[str]]) -> list[str]:
    """For each list and level, how many ids are quoted, and those that are not. `demanded`: see ids.Id."""
    rows = [row for row in known().values() if row.level not in ("CLAUSE", "READING")]
    groups = {row: (row.list, row.level + (" demanded" if row.demanded else "")) for row in rows}
    lines = []
    for group, total in Counter(groups.values()).items():
        missing = [row.id for row in rows if groups[row] == group and row.id not in tests]
        lines.append(f"{' '.join(group)}: {total - len(missing)} of {total}")
        lines.append(f"    without: {' '.join(missing) or 'none'}")
    return lines
