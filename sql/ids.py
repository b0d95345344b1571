"""UUIDv7 (RFC 9562 §5.7), made here so that any PostgreSQL will do and ids follow the domain's clock."""

import os
from datetime import datetime
from uuid import UUID


def uuid7(at: datetime) -> UUID:
    """An id that sorts by `at` (milliseconds) and holds 74 random bits."""
    millis = int(at.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return UUID(int=value)
