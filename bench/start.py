"""How long `keiyaku dev` takes until every listener answers: on an empty data folder, and on one it made before."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import server

WARM_A_ROUND = 2
YARDSTICK = "import asyncio, ssl, json, email.message, sqlite3"  # says how fast the machine is at this moment


def cpu() -> float:
    """CPU seconds of all processes that we began and that have ended, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def started(folder: Path) -> tuple[float, float]:
    """Seconds from the command to its greeting, and CPU seconds of all its processes to their end."""
    before, began = cpu(), time.monotonic()
    running = server.start(folder, "always_valid")
    took = time.monotonic() - began
    running.stop()
    return took, cpu() - before


def yardstick() -> float:
    """Seconds of an interpreter that imports a fixed part of the standard library."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", YARDSTICK], check=True)
    return time.monotonic() - began


def figures(rounds: int) -> dict[str, Any]:
    """Medians, with each single time, in the order in which they were taken side by side."""
    cold, warm, beside = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="keiyaku-start-") as name:
            folder = Path(name) / "data"
            beside.append(yardstick())
            cold.append(started(folder))
            warm += [started(folder) for _ in range(WARM_A_ROUND)]
    named = {
        "cold_s": [wall for wall, _ in cold], "warm_s": [wall for wall, _ in warm],
        "cold_cpu_s": [used for _, used in cold], "warm_cpu_s": [used for _, used in warm], "yardstick_s": beside,
    }  # fmt: skip
    medians = {name: round(statistics.median(times), 2) for name, times in named.items()}
    return medians | {f"each_{name}": [round(one, 2) for one in times] for name, times in named.items()}
