"""What an installed program reads beside its code is in the package, not only in the source tree."""

import tomllib
from glob import glob

from tests.architecture.ids import PACKAGES, ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DATA: dict[str, list[str]] = CONFIG["tool"]["setuptools"]["package-data"]


def read_beside(package: str) -> set[str]:
    """Files of the package that are no code."""
    paths = (path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT / package)) for path in paths if path.suffix != ".py"}


def test_every_file_that_is_no_code_is_packaged() -> None:
    found = {package: read_beside(package) for package in PACKAGES}
    assert found["office"] >= {"openapi.yaml", "templates/help.html"}
    packaged = {
        package: {name for pattern in patterns for name in glob(pattern, root_dir=ROOT / package, recursive=True)}
        for package, patterns in DATA.items()
    }
    assert {package: names for package, names in found.items() if names - packaged.get(package, set())} == {}
