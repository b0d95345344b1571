"""Imports go down the list of pyproject.toml, never up or sideways."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.ids import PACKAGES, ROOT

LINTER = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LINTER], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The Python files of the packages and the contracts, to be spoilt."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_keep_the_contracts() -> None:
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("office/storage/spoilt.py", "import acme_server.clock", "Office takes nothing of acme_server"),
        ("contract_gate/spoilt.py", "import ca", "The engines are independent"),
        ("contract_gate/spoilt.py", "import sql", "An engine's only IO"),
        ("acme_server/storage/spoilt.py", "import acme_server.use_cases", "The house of acme_server"),
        ("acme_server/edge/spoilt.py", "import acme_server.storage", "An edge takes use cases"),
    ],
)
def test_an_import_the_wrong_way_is_caught(copy: Path, module: str, line: str, contract: str) -> None:
    (copy / module).write_text(line + "\n")
    done = linted(copy)
    broken = [said for said in done.stdout.splitlines() if " BROKEN" in said]
    assert done.returncode == 1
    assert any(said.startswith(contract) for said in broken), done.stdout
