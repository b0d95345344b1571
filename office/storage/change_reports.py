"""Changes that customers report, with their proof (Article 6)."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.facts import Subject
from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/change_reports")


class NewData(msgspec.Struct, frozen=True):
    """What certificates have to say from a change on; None where nothing changed."""

    organization: str | None
    state_or_province: str | None
    locality: str | None


class NewReport(msgspec.Struct, frozen=True):
    """A report to record; `block_id` is what the gate sees of it, `arrived_at` when its document arrived."""

    contract_id: UUID
    item: str
    organization: str | None
    state_or_province: str | None
    locality: str | None
    document_id: UUID
    block_id: UUID | None
    handling: str
    succeeded_on: date | None
    late_case_id: UUID | None
    reported_by: UUID
    arrived_at: datetime


class ChangeReport(msgspec.Struct, frozen=True):
    """A report, its three instants, and the case that a late one became."""

    id: UUID
    contract_id: UUID
    number: int
    contract: str
    item: str
    handling: str
    arrived_at: datetime
    confirmed_at: datetime | None
    done_at: datetime | None
    succeeded_on: date | None
    late_case_id: UUID | None
    block_id: UUID | None


async def arrived(conn: Conn, document_id: UUID, contract_id: UUID) -> datetime | None:
    """When that document of the contract arrived; None for another's."""
    at: datetime | None = await conn.fetchval(SQL["document"], document_id, contract_id)
    return at


async def subjects(conn: Conn, contract_id: UUID, now: datetime) -> list[Subject]:
    """What live certificates say of the organisation, and what the next one would (T6-4)."""
    return many(Subject, await conn.fetch(SQL["subjects"], contract_id, now))


async def together(conn: Conn, contract_id: UUID) -> list[int]:
    """Numbers of the contract and of the customer's others that may ask for certificates, now or once accepted."""
    return [row["number"] for row in await conn.fetch(SQL["together"], contract_id)]


async def beside(conn: Conn, contract_id: UUID) -> list[ContractKey]:
    """The customer's other contracts that may ask for certificates."""
    return many(ContractKey, await conn.fetch(SQL["beside"], contract_id))


async def insert(conn: Conn, new: NewReport, now: datetime) -> UUID:
    """The id of the recorded report."""
    report_id = uuid7(now)
    await conn.execute(SQL["insert"], report_id, *msgspec.structs.astuple(new))
    return report_id


async def report_of(conn: Conn, report_id: UUID) -> ChangeReport | None:
    """The report of that id."""
    return one(ChangeReport, await conn.fetchrow(SQL["report"], report_id))


async def reports(
    conn: Conn, contract_id: UUID | None, most: int, after: UUID | None = None
) -> list[ChangeReport]:  # fmt: skip
    """Those of a contract, or all that are not done, the earliest arrived first."""
    return many(ChangeReport, await conn.fetch(SQL["reports"], contract_id, most, after))


async def confirm(conn: Conn, report_id: UUID, person: UUID, source: str, now: datetime) -> bool:
    """Whether the fact was not confirmed before."""
    return await conn.fetchval(SQL["confirm"], report_id, person, source, now) is not None


async def finish(conn: Conn, report_id: UUID, person: UUID, now: datetime) -> bool:
    """Whether it was confirmed and not done before."""
    return await conn.fetchval(SQL["finish"], report_id, person, now) is not None


async def has_new_contract(conn: Conn, contract_id: UUID) -> bool:
    """Whether a contract that came of a change was accepted (T14-1)."""
    return bool(await conn.fetchval(SQL["new_contract"], contract_id))


async def of_block(conn: Conn, block_id: UUID) -> NewData | None:
    """What is new by the confirmed report whose block this is; None where no confirmed one is."""
    return one(NewData, await conn.fetchrow(SQL["of_block"], block_id))


async def rename(conn: Conn, contract_id: UUID, name: str) -> None:
    """The contract's customer has this name from now on."""
    await conn.execute(SQL["rename"], contract_id, name)


async def represent(conn: Conn, contract_id: UUID, name: str, now: datetime) -> None:
    """The contract's customer is represented by this person, who is to be screened (T13-1)."""
    await conn.execute(SQL["represent"], contract_id, name)
    await conn.execute(SQL["screen"], uuid7(now), contract_id, name, now)
