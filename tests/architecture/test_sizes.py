"""No file and no function outgrows what a reader holds in mind: the ceilings of the house style."""

import ast
from collections.abc import Mapping

from tests.architecture.ids import ROOT

LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 400, 50
PRODUCT = ("acme_server", "bench", "ca", "contract_gate", "office", "sql")
# Tests that are larger, and how large they may be: none joins them, and none of these grows.
LARGER_FILES: Mapping[str, int] = {
    "tests/acme_server/commands/test_check.py": 424,
    "tests/acme_server/edge/test_transparency.py": 500,
    "tests/acme_server/test_config.py": 470,
    "tests/acme_server/validation/test_http_01.py": 403,
    "tests/ca/test_signer.py": 713,
    "tests/ca/test_signer_ct.py": 412,
    "tests/office/use_cases/test_authority_revocation.py": 421,
    "tests/office/use_cases/test_books.py": 418,
    "tests/office/use_cases/test_certificate_imports.py": 426,
    "tests/office/use_cases/test_revocations.py": 710,
    "tests/office/use_cases/test_vouched.py": 408,
    "tests/sql/test_roles.py": 424,
}
LARGER_FUNCTIONS: Mapping[str, int] = {
    "tests/acme_server/edge/test_succession.py:test_from_one_issuing_ca_to_the_next": 55,
    "tests/ca/arrange.py:admit": 110,
    "tests/office/edge/api/test_router.py:things": 60,
}


def above(path: str, text: str) -> dict[str, int]:
    """The file and its functions that are above a ceiling, and their lines; decorators are not counted."""
    lines = {path: len(text.splitlines())} if len(text.splitlines()) > LINES_OF_A_FILE else {}
    functions = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    sizes = sorted(((each.end_lineno or each.lineno) - each.lineno + 1, each.name) for each in functions)
    return lines | {f"{path}:{name}": size for size, name in sizes if size > LINES_OF_A_FUNCTION}


def all_above(*folders: str) -> dict[str, int]:
    """The same of every file of Python below these folders."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    each = (above(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths)
    return {name: lines for found in each for name, lines in found.items()}


def grown(found: Mapping[str, int], known: Mapping[str, int]) -> list[str]:
    """What is above a ceiling and is not known to be, or is larger than it is known."""
    return [f"{name}: {lines} lines" for name, lines in found.items() if lines > known.get(name, 0)]


def test_no_product_code_is_above_a_ceiling() -> None:
    assert grown(all_above(*PRODUCT), {}) == []


def test_tests_above_a_ceiling_become_fewer_and_smaller() -> None:
    found, known = all_above("tests"), {**LARGER_FILES, **LARGER_FUNCTIONS}
    assert grown(found, known) == []
    assert known.keys() - found.keys() == set(), "below the ceiling now: take it off the list"


def test_what_is_too_large_is_found_and_nothing_else() -> None:
    """One line more than the ceiling, of a function and of a file; a method is a function, inside or not."""
    fits = "class C:\n    def f(self) -> None:\n" + "        f()\n" * (LINES_OF_A_FUNCTION - 1)
    rest = "x = 1\n" * (LINES_OF_A_FILE - fits.count("\n"))
    assert above("a.py", fits + rest) == {}
    assert above("a.py", fits + "        f()\n" + rest) == {"a.py": 401, "a.py:f": 51}
    assert grown({"a.py": 401}, {"a.py": 401}) == []
    assert grown({"a.py": 402, "b.py": 401}, {"a.py": 401}) == ["a.py: 402 lines", "b.py: 401 lines"]
