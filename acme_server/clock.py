"""The one reader of the clock. Everything else takes the time as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)
