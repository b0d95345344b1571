"""Every statement of sql/ is used."""

import re
from pathlib import Path

import pytest

from sql import statements
from tests.architecture.ids import ROOT, files

MODULES = sorted(
    str(path.relative_to(ROOT / "sql").with_suffix(""))
    for path in (ROOT / "sql").glob("*/*.sql")
    if path.parent.name != "migrations"
)


@pytest.mark.parametrize("module", MODULES)
def test_every_statement_of_a_module_is_used(module: str) -> None:
    assert not statements(module).keys() - names_used(module)


def names_used(module: str) -> set[str]:
    """Strings in square brackets of the files that load `module`: SQL["insert_order"]."""
    return {name for text in loading(module) for name in re.findall(r'\[\s*"(\w+)"\s*\]', text)}


def loading(module: str) -> list[str]:
    texts = (Path(path).read_text(encoding="utf-8") for path in files(".py"))
    return [text for text in texts if f'statements("{module}")' in text]
