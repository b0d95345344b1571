"""Pages for everybody who has their address, without a login."""

from datetime import datetime

from office.storage import notices, pages
from office.storage.notices import Page
from office.storage.pages import HelpPage
from office.storage.pages import Paused as Paused
from office.storage.people import Text
from office.use_cases.asked import as_uuid
from sql import Pool
from sql.evidence import entry

LONGEST = 64  # of a token or version that is looked up at all


async def help_page(pool: Pool, token: str) -> HelpPage | None:
    """The class of the refusal that the page explains (T0-1, T16-1); None for no page."""
    return await pages.help_page(pool, token) if fits(token) else None


async def paused(pool: Pool, token: str) -> Paused | None:
    """The name that an account kept failing to validate; None for no page."""
    return await pages.paused(pool, token) if fits(token) else None


async def resume(pool: Pool, token: str, now: datetime) -> Paused | None:
    """The account may validate the name again, with the evidence; None for no page. Doing it twice changes nothing."""
    found = await paused(pool, token)
    if found is not None and found.paused:
        await pages.resume(pool, token, entry("account.resumed", "page:resume", now, name=found.name))
        found = await paused(pool, token)
    return found


async def terms(pool: Pool, version: str | None, now: datetime) -> Text | None:
    """That version of the Terms (T2-1), or the one in force (T20-2); None when there is none."""
    if version is None:
        return await pages.terms_in_force(pool, now)
    return await pages.terms(pool, version) if fits(version) else None


async def notice(pool: Pool, id: str) -> Page | None:
    """The posting of that notice (T5-4); None for any other notice."""
    notice_id = as_uuid(id) if fits(id) else None
    return await notices.page(pool, notice_id) if notice_id else None


def fits(text: str) -> bool:
    """Whether PostgreSQL may be asked for it at all."""
    return 0 < len(text) <= LONGEST and "\0" not in text
