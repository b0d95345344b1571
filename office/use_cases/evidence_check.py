"""What an auditor asks of evidence through the API: all of it by page, and whether a checkpoint's records are whole.

One checkpoint has about 5,000 records, which a call can compare; all of them, and the copy outside the database with
the key that signed it, `keiyaku evidence verify` compares.
"""

import asyncio

import msgspec

from contract_gate.evidence import Checkpoint, breaks_between, faults_within
from contract_gate.evidence_batch import Batch, Fault
from office.storage import evidence
from office.storage.evidence import Record, Sealed
from office.storage.tenants import NEWEST
from office.use_cases import tenants
from office.use_cases.asked import NoSuch, Unfit
from office.use_cases.tenants import Page
from sql import Conn

NUMBERS = 2**63 - 1
MOST_RECORDS = 50_000
MOST_NAMED = 200
PIECE = 1000
TOO_LONG = "it has more records than a call has time for: `keiyaku evidence verify` compares all of them"


class Compared(msgspec.Struct, frozen=True):
    """A checkpoint compared in the database: with the one before it, and with the records of its range.

    `faults`: what is wrong with the checkpoint itself. `problems`: with records, the first of them; `omitted`: how many
    more. Nobody looked at the signature or at the copy outside the database.
    """

    checkpoint: Sealed
    intact: bool
    records: int
    faults: list[str]
    problems: list[Fault]
    omitted: int


async def listed(conn: Conn, cursor: str | None, most: int) -> Page[Record]:
    """All evidence, newest first. Raises Unfit."""
    rows = await evidence.page(conn, tenants.id_after(cursor) or NEWEST, most + 1)
    return tenants.page(rows, most, lambda each: each.id)


async def checkpoints(conn: Conn, cursor: str | None, most: int) -> Page[Sealed]:
    """Checkpoints, newest first. Raises Unfit."""
    rows = await evidence.checkpoints(conn, tenants.number_after(cursor) or NUMBERS, most + 1)
    return tenants.page(rows, most, lambda each: each.number)


async def compared(conn: Conn, number: str) -> Compared:
    """The checkpoint of that number, and its records as they are now. Raises NoSuch, Unfit."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        one = await _named(conn, number)
        before = await evidence.checkpoint(conn, one.number - 1)
        if one.record_count > MOST_RECORDS:
            raise Unfit(TOO_LONG)
        try:
            records, problems = await _records(conn, one)
        except TimeoutError:
            raise Unfit(TOO_LONG) from None
    faults = faults_within(one) + breaks_between(before, one)
    sealed = Sealed(*(getattr(one, name) for name in Sealed.__struct_fields__))
    whole = not faults and not problems
    return Compared(sealed, whole, records, faults, problems[:MOST_NAMED], max(0, len(problems) - MOST_NAMED))


async def _named(conn: Conn, number: str) -> Checkpoint:
    known = number.isascii() and number.isdigit() and len(number) < 19
    if found := await evidence.checkpoint(conn, int(number)) if known else None:
        return found
    raise NoSuch(number, f"there is no checkpoint '{number}'")


async def _records(conn: Conn, one: Checkpoint) -> tuple[int, list[Fault]]:
    """How many there are, and what is wrong with them; others are answered between two pieces of the work."""
    batch, problems, count = Batch(one.leaves), list[Fault](), 0
    async for record in evidence.sealed_by(conn, one):
        count += 1
        problems += batch.faults(record)
        if count > 2 * MOST_RECORDS:
            raise Unfit(TOO_LONG)
        if count % PIECE == 0:
            await asyncio.sleep(0)
    return count, [*problems, *batch.rest()]
