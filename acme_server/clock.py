"""The one reader of the clock. Everything else takes the time as an argument.

`keiyaku dev --at` and its management listener may set it: a file of eight octets, the microseconds it is ahead of the
machine's clock, mapped by every process of that `dev` and by operators' commands that talk to it. Nothing else can:
a program that follows no file reads the machine's clock.
"""

import mmap
import os
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
        if self._ahead is None:
            return datetime.now(UTC)
        return datetime.now(UTC) + timedelta(microseconds=AHEAD.unpack_from(self._ahead)[0])

    def follow(self, file: Path) -> None:
        """From now on the clock is as far ahead as `file` says, whenever somebody sets it. Forks follow it too."""
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < AHEAD.size:
                os.ftruncate(descriptor, AHEAD.size)
            self._ahead = mmap.mmap(descriptor, AHEAD.size)
        finally:
            os.close(descriptor)

    def set(self, at: datetime) -> timedelta:
        """Every process that follows the file reads `at`, going on from there. Returns how far ahead that is.

        Raises ClockRefused where none is followed, for an instant without its offset from UTC and for one that is a
        century away.
        """
        if self._ahead is None:
            raise ClockRefused("this clock is the machine's: start `keiyaku dev --at INSTANT` to have one of its own")
        if at.tzinfo is None:
            raise ClockRefused(f"{at.isoformat()} lacks its offset from UTC")
        ahead = at - datetime.now(UTC)
        if abs(ahead) > FURTHEST:
            raise ClockRefused(f"{at.isoformat()} is over a century away")
        AHEAD.pack_into(self._ahead, 0, round(ahead / timedelta(microseconds=1)))
        return ahead


CLOCK = Clock()


def utc_now() -> datetime:
    """The present instant, aware, UTC."""
    return CLOCK.now()
