"""Places in listings that have no id of their own: what a page ended with, as text, and back."""

from datetime import datetime

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
