"""Contracts that follow one another: their line, what they serve, and standing consents (T12-4, T12-6, T12-7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.facts import Predecessor
from contract_gate.readings import Reading
from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/renewals")


class Member(msgspec.Struct, frozen=True):
    """A contract of a line. `link`: what its successor in the line is to it; `own_link`: what it is itself."""

    contract_id: UUID
    number: int
    end_cause: str | None
    accepted_at: datetime | None
    started_at: datetime | None
    term_months: int
    link: Literal["renewal", "change"]
    own_link: Literal["renewal", "change"]

    def known(self) -> Predecessor:
        """The same as the gate knows it."""
        return Predecessor(
            self.contract_id, self.end_cause, self.accepted_at, self.started_at, self.term_months, self.link
        )


class Consented(msgspec.Struct, frozen=True):
    """A running contract whose customer consents to its renewal under a plan that is on offer (T12-4)."""

    id: UUID
    number: int
    handle: str
    plan_id: UUID
    term_months: int
    person_id: UUID


async def line(conn: Conn, contract_id: UUID) -> list[Member]:
    """The contract, then those before it, nearest first."""
    return many(Member, await conn.fetch(SQL["line"], contract_id))


async def term_readings(conn: Conn, now: datetime) -> list[Reading]:
    """How terms are counted (R-19), and when renewals open (T12-6)."""
    return many(Reading, await conn.fetch(SQL["term_readings"], now))


async def insert_successor(
    conn: Conn, handle: str, predecessor_id: UUID, plan_id: UUID | None, link: str, now: datetime
) -> ContractKey | None:
    """The new application of the same customer; None when it may not be."""
    return one(
        ContractKey,
        await conn.fetchrow(SQL["insert_successor"], uuid7(now), handle, predecessor_id, plan_id, link, now),
    )


async def copy_names(conn: Conn, predecessor_id: UUID, contract_id: UUID, count: int, now: datetime) -> None:
    """The application lists the `count` live names of the contract before it."""
    ids = [uuid7(now) for _ in range(count)]
    await conn.execute(SQL["copy_names"], predecessor_id, ids, contract_id, now)


async def serve(conn: Conn, before: Sequence[UUID], successor_id: UUID, starts_at: datetime) -> None:
    """Keys and accounts of the contracts before it serve the successor from then on (T12-7)."""
    await conn.execute(SQL["serve"], list(before), successor_id, starts_at)


async def give_back(conn: Conn, successor_id: UUID, now: datetime) -> None:
    """A successor that ended early serves nobody from now on."""
    await conn.execute(SQL["give_back"], successor_id, now)


async def successor_numbers(conn: Conn, contract_id: UUID) -> list[int]:
    """Numbers, which are locks, of the contracts that the keys of a contract serve."""
    return [row["number"] for row in await conn.fetch(SQL["successor_numbers"], contract_id)]


async def consent(conn: Conn, contract_id: UUID, plan_id: UUID, person: UUID, now: datetime) -> bool:
    """Whether the standing consent is new."""
    return await conn.fetchval(SQL["consent"], contract_id, plan_id, person, now) is not None


async def withdraw_consent(conn: Conn, contract_id: UUID, now: datetime) -> bool:
    """Whether there was one until now."""
    return await conn.fetchval(SQL["withdraw_consent"], contract_id, now) is not None


async def consented(conn: Conn, until: datetime, now: datetime, after: int, most: int) -> list[Consented]:
    """Those whose term may end before `until` and that nothing follows yet; by number."""
    return many(Consented, await conn.fetch(SQL["consented"], until, now, after, most))


async def consents(conn: Conn, contract_id: UUID) -> bool:
    """Whether it runs, and its standing consent was not taken back."""
    return bool(await conn.fetchval(SQL["consents"], contract_id))


async def free_handle(conn: Conn, wanted: Sequence[str]) -> str | None:
    """The first of these that no contract has."""
    handle: str | None = await conn.fetchval(SQL["free_handle"], list(wanted))
    return handle


async def renewal_due(conn: Conn, until: datetime, after: int, most: int) -> list[ContractKey]:
    """Running contracts that nobody told yet of a term that may end before `until`; by number."""
    return many(ContractKey, await conn.fetch(SQL["renewal_due"], until, after, most))


async def announce(conn: Conn, contract_id: UUID, kind: str, now: datetime) -> bool:
    """Whether this is the first announcement of its kind."""
    return await conn.fetchval(SQL["announce"], contract_id, kind, now) is not None
