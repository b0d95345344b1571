"""How long `keiyaku dev` takes until every listener answers, on an empty data folder and on one it made before; and
how long to its end."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from bench import server

WARM_A_ROUND = 2
YARDSTICK = "import asyncio, ssl, json, email.message, sqlite3"  # says how fast the machine is at this moment


def cpu() -> float:
    """CPU seconds of all processes that we began and that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Times(NamedTuple):
    """Seconds from the command to its greeting, from SIGTERM to its end, and CPU seconds of all its processes."""

    ready: float
    stop: float
    cpu: float


def started(folder: Path) -> Times:
    """A start and a stop."""
    before, began = cpu(), time.monotonic()
    running = server.start(folder, "always_valid")
    ready = time.monotonic()
    running.stop()
    return Times(ready - began, time.monotonic() - ready, cpu() - before)


def yardstick() -> float:
    """Seconds of an interpreter that imports a fixed part of the standard library."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", YARDSTICK], check=True)
    return time.monotonic() - began


def figures(rounds: int) -> dict[str, Any]:
    """Medians, with each single time, in the order in which they were taken side by side."""
    cold, warm, beside = list[Times](), list[Times](), list[float]()
    with tempfile.TemporaryDirectory(prefix="keiyaku-start-") as name:  # ext4 is slow to make files where many went
        for number in range(rounds):
            folder = Path(name, f"data-{number}")
            beside.append(yardstick())
            cold.append(started(folder))
            warm += [started(folder) for _ in range(WARM_A_ROUND)]
    named = {f"{kind}_{what}_s": [getattr(each, what) for each in taken]
             for kind, taken in (("cold", cold), ("warm", warm)) for what in Times._fields}  # fmt: skip
    named["yardstick_s"] = beside
    medians = {name: round(statistics.median(times), 2) for name, times in named.items()}
    return medians | {f"each_{name}": [round(one, 2) for one in times] for name, times in named.items()}
