"""Key ceremonies as they are looked at: what was to be done, who did it, and with which hashes (C-117, C-168)."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from office.storage import ceremonies as stored
from office.storage.ceremonies import Held as Held
from office.storage.ceremonies import StepRow
from office.use_cases.asked import NoSuch, id_of
from sql import Conn


class StepTaken(msgspec.Struct, frozen=True):
    """A step that was prepared and, once two people agreed, done."""

    step: str
    prepared_at: datetime
    preparations: int
    tbs_sha256: list[str]
    result_sha256: list[str]
    done_at: datetime | None
    first: str | None
    second: str | None


class Shown(msgspec.Struct, frozen=True):
    """A ceremony, under way until there is a transcript; `script` is what both read."""

    id: UUID
    begun_at: datetime
    ended_at: datetime | None
    script: msgspec.Raw
    transcript: str | None
    steps: list[StepTaken]


async def listed(conn: Conn, before: UUID | None, most: int) -> list[Held]:
    """Ceremonies, newest first, older than that one."""
    return await stored.listed(conn, before, most)


async def shown(conn: Conn, ceremony: str) -> Shown:
    """The ceremony of an id, with its steps. Raises Unfit."""
    found = await stored.ceremony_of(conn, id_of("ceremony", ceremony))
    if found is None:
        raise NoSuch(ceremony, "there is no such ceremony: its listing shows the ids")
    steps = [taken(each) for each in await stored.steps(conn, found.id)]
    return Shown(found.id, found.begun_at, found.ended_at, msgspec.Raw(found.script), found.transcript, steps)


def taken(row: StepRow) -> StepTaken:
    """The step with hashes in place of what was signed and made."""
    return StepTaken(
        row.step, row.prepared_at, row.preparations, hashes(row.tbs), hashes(row.result or []), row.done_at, row.first,
        row.second,
    )  # fmt: skip


def hashes(octets: list[bytes]) -> list[str]:
    """SHA-256 of each."""
    return [sha256(each).hexdigest() for each in octets]
