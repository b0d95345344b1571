"""UUIDv7 (RFC 9562 §5.7), made here so that any PostgreSQL will do and ids follow the domain's clock."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

from asyncpg.pgproto import pgproto

EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
MADE_OF_BYTES = pgproto.UUID  # what the driver returns: a uuid.UUID, made in a tenth of the time


class Counter:
    """How many ids this process has made of the millisecond it is at (RFC 9562 §6.2, method 1)."""

    def __init__(self) -> None:
        self._millis, self._made = -1, 0

    def next(self, millis: int) -> int:
        """0 for the first of a millisecond, then one more each time; it begins again after 4096."""
        self._made = self._made + 1 & 0xFFF if millis == self._millis else 0
        self._millis = millis
        return self._made


MADE = Counter()


def uuid7(at: datetime) -> UUID:
    """An id that sorts by `at` (milliseconds), then as this process made them, and holds 62 random bits."""
    [made] = uuid7s(at, 1)
    return made


def uuid7s(at: datetime, count: int) -> list[UUID]:
    """So many ids of one instant: their random bits are asked for at once, which is most of what an id costs."""
    millis = millis_of(at)
    head, random = (millis & 0xFFFF_FFFF_FFFF) << 16 | 0x7 << 12, os.urandom(8 * count)
    return [
        MADE_OF_BYTES(
            (head | MADE.next(millis)).to_bytes(8, "big")
            + bytes((random[begin] & 0x3F | 0x80,))
            + random[begin + 1 : begin + 8]
        )
        for begin in range(0, 8 * count, 8)
    ]


def millis_of(at: datetime) -> int:
    """Whole milliseconds since 1970, as `keiyaku.uuid7_floor` counts them: in both what is left over is dropped."""
    return (at - EPOCH) // MILLISECOND


def first_of(at: datetime) -> UUID:
    """The least id that `uuid7` may make at `at`: where a range of ids begins, and one before it ends."""
    return UUID(int=millis_of(at) << 80 | 0x7 << 76 | 0x2 << 62)
