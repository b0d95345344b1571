"""Pages that everybody may read without a login."""

from datetime import datetime

from office.storage import pages
from office.storage.pages import HelpPage
from office.storage.people import Text
from sql import Pool

LONGEST = 64  # of a token or version that is looked up at all


async def help_page(pool: Pool, token: str) -> HelpPage | None:
    """The class of the refusal that the page explains (T0-1, T16-1); None for no page."""
    return await pages.help_page(pool, token) if fits(token) else None


async def terms(pool: Pool, version: str | None, now: datetime) -> Text | None:
    """That version of the Terms (T2-1), or the one in force (T20-2); None when there is none."""
    if version is None:
        return await pages.terms_in_force(pool, now)
    return await pages.terms(pool, version) if fits(version) else None


def fits(text: str) -> bool:
    """Whether PostgreSQL may be asked for it at all."""
    return 0 < len(text) <= LONGEST and "\0" not in text
