"""Places in listings that have no id of their own: what a page ended with, as text, and back."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from office.use_cases.asked import Unfit


def of_instant_and_name(at: datetime, name: str) -> str:
    """The place of what is of that instant and name."""
    return f"{at.isoformat()} {name}"


def instant_and_name(cursor: str) -> tuple[datetime, str]:
    """The instant and name of a place. Raises Unfit."""
    at, _, name = cursor.partition(" ")
    try:
        return datetime.fromisoformat(at), name
    except ValueError:
        raise Unfit("the cursor is none of ours: give `next` of the page before") from None


def of_texts(*texts: str) -> str:
    """The place of what these texts say together."""
    return msgspec.json.encode(texts).decode()


def texts(cursor: str, count: int) -> Sequence[str]:
    """The texts of a place, so many. Raises Unfit."""
    try:
        found = msgspec.json.decode(cursor, type=list[str])
    except msgspec.DecodeError:
        found = []
    if len(found) != count:
        raise Unfit("the cursor is none of ours: give `next` of the page before")
    return found
