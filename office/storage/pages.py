"""What the pages for everybody show; read as keiyaku_office, which can see no contract."""

from datetime import datetime

import msgspec

from contract_gate.decision import Case, Gate
from office.storage.people import Text
from sql import Pool, statements
from sql.evidence import Entry
from sql.rows import one

SQL = statements("office/pages")


class HelpPage(msgspec.Struct, frozen=True):
    """The class of a refusal."""

    gate: Gate
    case: Case


async def help_page(pool: Pool, token: str) -> HelpPage | None:
    """What the page of that token explains; one look-up by key, whether there is one or not."""
    row = await pool.fetchrow(SQL["help_page"], token)
    return HelpPage(Gate(row["gate"]), Case(row["case"])) if row else None


class Paused(msgspec.Struct, frozen=True):
    """A name that an account kept failing to validate, and whether it is paused for it."""

    name: str
    paused: bool


async def paused(pool: Pool, token: str) -> Paused | None:
    """What the page of that token is about."""
    return one(Paused, await pool.fetchrow(SQL["paused"], token))


async def resume(pool: Pool, token: str, row: Entry) -> bool:
    """The account may validate the name again; False when it was not paused."""
    done = await pool.execute(SQL["resume"], token, row.recorded_at, row.id, row.actor, row.content)
    return done != "INSERT 0 0"


async def terms(pool: Pool, version: str) -> Text | None:
    """That version of the Terms."""
    return one(Text, await pool.fetchrow(SQL["terms"], version))


async def terms_in_force(pool: Pool, now: datetime) -> Text | None:
    """The version of the Terms that counts at `now`."""
    return one(Text, await pool.fetchrow(SQL["terms_in_force"], now))
