"""What `--ct` and `--lint` add to the server under load: logs to ask, and processes that run pkilint."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

INTERNAL = "cabf.internal_domain_name,cabf.internal_ip_address"  # the names and addresses of a demo are no others
ROOT = "SELECT certificate FROM ca.issuers WHERE kind = 'root' ORDER BY id LIMIT 1"
LISTED = "SELECT count(*) FROM ca.log_lists"
PATIENCE, FOLLOWED = 60.0, 3.0  # the processes look for another list every second while they have none


@dataclass(frozen=True)
class Added:
    """Settings of the server, and the file that tells the logs which root to trust."""

    settings: Mapping[str, str]
    root: Path | None


@contextmanager
def added(folder: Path, linters: int, *, ct: bool) -> Iterator[Added]:
    """What was asked for; the logs run meanwhile."""
    settings = {"KEIYAKU_LINT__PROCESSES": str(linters), "KEIYAKU_LINT__IGNORED": INTERNAL} if linters else {}
    if not ct:
        yield Added(settings, None)
        return
    root, listed = folder / "root.der", folder / "logs.json"
    logs = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.ct_log", str(root), str(listed)], stdin=subprocess.PIPE
    )
    try:
        wait_for(listed.exists)
        yield Added(settings | {"KEIYAKU_CT__REQUIRED": "true", "KEIYAKU_CT__LOG_LIST": str(listed)}, root)
    finally:
        logs.communicate(timeout=PATIENCE)


def ready(what: Added, dsn: str) -> None:
    """The logs know the root of the server at `dsn`, and its processes know the logs."""
    if what.root is not None:
        part = what.root.with_suffix(".part")
        part.write_bytes(asyncio.run(value(dsn, ROOT)))
        part.replace(what.root)
        wait_for(lambda: bool(asyncio.run(value(dsn, LISTED))))
        time.sleep(FOLLOWED)


async def value(dsn: str, query: str) -> bytes:
    """What the query finds."""
    conn = await asyncpg.connect(dsn)
    try:
        found: bytes = await conn.fetchval(query)
        return found
    finally:
        await conn.close()


def wait_for(there: Callable[[], bool]) -> None:
    """It is so. Raises TimeoutError."""
    until = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.05)
