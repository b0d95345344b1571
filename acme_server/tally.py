"""What is counted, per process: plain numbers in memory, written to a file of the process's own about every second.

The files of all processes of a data folder add up to one truth, whoever is asked. prometheus_client's own files cost
10 µs an observation; these cost less than 1 µs. A process that ended leaves its numbers in `past.json`.
"""

import asyncio
import fcntl
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

Key = tuple[str, ...]  # the name of what is counted, then its labels' values
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
INTERVAL = 1.0
PAST, LOCK = "past.json", "lock"


class Tallies(msgspec.Struct):
    """Counts by key; by key how many durations fell into each bucket, with their sum last; levels of this moment."""

    counts: dict[Key, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    durations: dict[Key, list[float]] = msgspec.field(default_factory=dict)
    levels: dict[Key, int] = msgspec.field(default_factory=dict)

    def count(self, *key: str) -> None:
        """One more."""
        self.counts[key] += 1

    def observe(self, seconds: float, *key: str) -> None:
        """One more, that took so long."""
        found = self.durations.get(key)
        if found is None:
            found = self.durations[key] = [0.0] * (len(BOUNDS) + 2)
        found[bisect_left(BOUNDS, seconds)] += 1
        found[-1] += seconds

    def add(self, other: "Tallies") -> None:
        """The other's numbers are in these too."""
        for key, number in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + number
        for key, numbers in other.durations.items():
            mine = self.durations.get(key, [0.0] * len(numbers))
            self.durations[key] = [a + b for a, b in zip(mine, numbers, strict=True)]
        for key, level in other.levels.items():
            self.levels[key] = self.levels.get(key, 0) + level


class Filed(msgspec.Struct):
    """Tallies as a file holds them."""

    counts: list[tuple[list[str], int]]
    durations: list[tuple[list[str], list[float]]]
    levels: list[tuple[list[str], int]] = []


HERE = Tallies()
count, observe = HERE.count, HERE.observe


def encode(tallies: Tallies) -> bytes:
    """The file of the tallies."""
    return msgspec.json.encode(
        Filed(
            [(list(k), v) for k, v in tallies.counts.items()],
            [(list(k), v) for k, v in tallies.durations.items()],
            [(list(k), v) for k, v in tallies.levels.items()],
        )
    )


def read(file: Path) -> Tallies:
    """The tallies in a file; none when there is no such file, or it is not ours to understand."""
    try:
        filed = msgspec.json.decode(file.read_bytes(), type=Filed)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Tallies()
    durations = {tuple(k): v for k, v in filed.durations if len(v) == len(BOUNDS) + 2}
    return Tallies({tuple(k): v for k, v in filed.counts}, durations, {tuple(k): v for k, v in filed.levels})


def replace(file: Path, tallies: Tallies) -> None:
    """The file holds the tallies: the old or the new ones, never half."""
    fresh = file.with_suffix(".new")
    fresh.write_bytes(encode(tallies))
    fresh.replace(file)


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Nobody folds files together meanwhile (LOCK_SH), or reads them either (LOCK_EX)."""
    with (folder / LOCK).open("a") as file:
        fcntl.flock(file, how)
        yield


class Book:
    """This process's file in the folder. A lock on its mark tells the others that the process lives.

    `levels` are what it gives whenever the file is written: they count as long as the process lives.
    """

    def __init__(self, folder: Path, levels: Callable[[], dict[Key, int]] = dict) -> None:
        self.levels = levels
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / f"{os.getpid()}-{os.urandom(4).hex()}.json"
        HERE.counts.clear()  # what a forked child inherits is its parent's
        HERE.durations.clear()
        with locked(folder, fcntl.LOCK_EX):
            self.mark = self.file.with_suffix(".live").open("a")
            fcntl.flock(self.mark, fcntl.LOCK_EX)
            fold(folder)

    def write(self) -> None:
        """What was counted so far is in the file."""
        HERE.levels = self.levels()
        replace(self.file, HERE)

    async def keep(self, stop: asyncio.Event) -> None:
        """The file is never much older than a second, until `stop`."""
        while not stop.is_set():
            self.write()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), INTERVAL)

    def close(self) -> None:
        """The last numbers are in the file, which whoever begins next will fold away."""
        self.write()
        self.mark.close()


def fold(folder: Path) -> None:
    """Numbers of processes that ended are in PAST, their files are gone. The caller holds the lock."""
    ended = [mark for mark in folder.glob("*.live") if not alive(mark)]
    if not ended:
        return
    past = read(folder / PAST)
    for mark in ended:
        past.add(read(mark.with_suffix(".json")))
    past.levels.clear()
    replace(folder / PAST, past)
    for mark in ended:
        mark.with_suffix(".json").unlink(missing_ok=True)
        mark.unlink()


def alive(mark: Path) -> bool:
    """Whether a process holds the mark."""
    with mark.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def total(folder: Path) -> Tallies:
    """The sum over all processes of the folder, living and ended; of levels, over those that live."""
    found = Tallies()
    with locked(folder, fcntl.LOCK_SH):
        for file in sorted(folder.glob("*.json")):
            one, mark = read(file), file.with_suffix(".live")
            if not (mark.exists() and alive(mark)):
                one.levels.clear()
            found.add(one)
    return found


def cumulative(numbers: Sequence[float]) -> list[tuple[str, float]]:
    """Buckets as Prometheus wants them: how many took at most so long."""
    sums, so_far = [], 0.0
    for bound, number in zip((*(f"{one:g}" for one in BOUNDS), "+Inf"), numbers[:-1], strict=True):
        so_far += number
        sums.append((bound, so_far))
    return sums
