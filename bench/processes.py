"""CPU and memory of a process tree, from /proc (Linux)."""

import os
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process: CPU seconds so far, resident and proportional memory in MiB."""

    pid: int
    parent: int
    name: str
    cpu_s: float
    rss_mib: float
    pss_mib: float


def process(pid: int) -> Process | None:
    """What /proc says of the process; None when it has ended."""
    folder = Path("/proc") / str(pid)
    try:
        head, _, tail = (folder / "stat").read_text().rpartition(")")
        name, fields = head.partition("(")[2], tail.split()
        lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
        memory = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    except (OSError, IndexError):
        return None
    cpu = (int(fields[11]) + int(fields[12])) / TICK
    return Process(pid, int(fields[1]), name, cpu, memory.get("Rss", 0) / 1024, memory.get("Pss", 0) / 1024)


def tree(root: int) -> dict[int, Process]:
    """The process and all its descendants, by pid."""
    everyone = [found for entry in os.listdir("/proc") if entry.isdigit() and (found := process(int(entry)))]
    members = {found.pid: found for found in everyone if found.pid == root}
    while more := {p.pid: p for p in everyone if p.parent in members and p.pid not in members}:
        members |= more
    return members


def cpu_of(root: int) -> float:
    """CPU seconds of the process and all below it, so far."""
    return sum(each.cpu_s for each in tree(root).values())
