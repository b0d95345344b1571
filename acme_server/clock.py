"""The one reader of the clock. Everything else takes the time as an argument.

`keiyaku dev --at` and its management listener may set it: a file of eight octets, the microseconds it is ahead of the
machine's clock, mapped by every process of that `dev` and by operators' commands that talk to it. Nothing else can:
a program that follows no file reads the machine's clock.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import Struct

AHEAD = Struct("<q")  # microseconds
FURTHEST = timedelta(days=100 * 366)


class ClockRefused(Exception):
    """The clock cannot be set so; says why."""


class Clock:
    """The machine's clock, or one that is ahead of it by what a file says."""

    def __init__(self) -> None:
        self._ahead: mmap.mmap | None = None

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC) + self.ahead()

    def ahead(self) -> timedelta:
        """How far it is ahead of the machine's: nothing, unless somebody set it."""
        if self._ahead is None:
            return timedelta(0)
        return timedelta(microseconds=AHEAD.unpack_from(self._ahead)[0])

    def furthest(self) -> timedelta:
        """How far it may be ahead of the machine's: nothing, unless it follows a file."""
        return timedelta(0) if self._ahead is None else FURTHEST

    def follow(self, file: Path) -> None:
        """From now on the clock is as far ahead as `file` says, whenever somebody sets it. Forks follow it too."""
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < AHEAD.size:
                os.ftruncate(descriptor, AHEAD.size)
            self._ahead = mmap.mmap(descriptor, AHEAD.size)
        finally:
            os.close(descriptor)

    def unfollow(self) -> None:
        """From now on it is the machine's."""
        self._ahead = None

    @contextmanager
    def set_meanwhile(self, file: Path, at: datetime) -> Iterator[None]:
        """The clock follows `file` and starts at `at`; afterwards it is the machine's again, and the file is gone.

        Raises ClockRefused as `set` does.
        """
        self.follow(file)
        try:
            self.set(at)
            yield
        finally:
            self.unfollow()
            file.unlink(missing_ok=True)

    def set(self, at: datetime) -> timedelta:
        """Every process that follows the file reads `at`, going on from there. Returns how far ahead that is.

        Raises ClockRefused where none is followed, for an instant without its offset from UTC and for one that is a
        century away.
        """
        self.check(at)
        assert self._ahead is not None  # else `check` refused
        ahead = at - datetime.now(UTC)
        AHEAD.pack_into(self._ahead, 0, round(ahead / timedelta(microseconds=1)))
        return ahead

    def check(self, at: datetime) -> None:
        """Nothing, if `set` would take `at`. Raises ClockRefused."""
        if self._ahead is None:
            raise ClockRefused("this clock is the machine's: start `keiyaku dev --at INSTANT` to have one of its own")
        if at.tzinfo is None:
            raise ClockRefused(f"{at.isoformat()} lacks its offset from UTC")
        if abs(at - datetime.now(UTC)) > FURTHEST:
            raise ClockRefused(f"{at.isoformat()} is over a century away")


CLOCK = Clock()
FILE = "clock"  # in the data folder


def utc_now() -> datetime:
    """The present instant, aware, UTC."""
    return CLOCK.now()


@contextmanager
def starting(data: Path, at: datetime | None) -> Iterator[None]:
    """Meanwhile the clock of this `dev` starts at `at` and may be set; without one it is the machine's."""
    (data / FILE).unlink(missing_ok=True)  # of a `dev` that was killed
    if at is None:
        yield
        return
    with CLOCK.set_meanwhile(data / FILE, at):
        yield


@contextmanager
def as_dev(data: Path) -> Iterator[None]:
    """Meanwhile the clock is that of the `dev` of this data folder, if that one has set its own."""
    if not (data / FILE).exists():
        yield
        return
    CLOCK.follow(data / FILE)
    try:
        yield
    finally:
        CLOCK.unfollow()


def by_machine(now: datetime) -> datetime:
    """What the machine's clock reads when this one reads `now`: for what others check against theirs."""
    return now - CLOCK.ahead()
