"""Rows become frozen objects whose fields are the columns."""

from collections.abc import Iterable
from typing import TypeVar

import asyncpg

T = TypeVar("T")


def one(kind: type[T], row: asyncpg.Record | None) -> T | None:
    """The row as `kind`; None when there is none."""
    return None if row is None else kind(**row)


def many(kind: type[T], rows: Iterable[asyncpg.Record]) -> list[T]:
    """Each row as `kind`."""
    return [kind(**row) for row in rows]
