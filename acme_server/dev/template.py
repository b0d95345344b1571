"""Where an installation keeps the data folder that it laid down for `keiyaku dev` to copy, and what a copy is.

initdb and all migrations are in it. Without it (nobody ran `make`, a migration is newer, other binaries) a first start
does that work itself.
"""

import os
import sys
from hashlib import sha256
from pathlib import Path

from sql import Conn
from sql.migrate import available

FOLDER = Path(sys.prefix, "share", "keiyaku")
IDENTITY = "template"  # of keiyaku.cluster: never a running cluster's


def place(bin_dir: Path, folder: Path) -> Path:
    """Where the template of these binaries and of the migrations shipped now is, or would be."""
    mark = sha256(str(bin_dir).encode())
    for name, text in available().values():
        mark.update(f"\n{name}\n{text}".encode())
    return folder / f"postgres-{mark.hexdigest()[:16]}"


def found(bin_dir: Path) -> Path | None:
    """The template of this installation, if it is there and ours to read."""
    path = place(bin_dir, FOLDER)
    return path if os.access(path / "PG_VERSION", os.R_OK) else None


async def adopt(conn: Conn) -> None:
    """A copy of the template is known as a cluster of its own. A restored backup, which must be found, stays one."""
    await conn.execute("UPDATE keiyaku.cluster SET identity = keiyaku.cluster_identity() WHERE identity = $1", IDENTITY)
