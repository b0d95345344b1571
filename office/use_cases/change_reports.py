"""Changes that a customer reports: name, address, representative, succession (Article 6, A14)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.articles.article_06_changes import effective_at, late, says_as, touched
from contract_gate.articles.article_14_change import handled_by
from contract_gate.calendar import JST, jst_date
from contract_gate.facts import Subject
from contract_gate.readings import FirstDay, choice
from office.storage import change_reports as storage
from office.storage import readings
from office.storage.change_reports import ChangeReport, NewReport
from office.storage.changing import changing
from office.storage.contracts import ContractKey
from office.storage.revocations import Scope
from office.use_cases import asked, cases, changes
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text, id_of, one_of
from office.use_cases.cases import Opening
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

ITEMS = ("name", "address", "representative", "succession")


class Reported(msgspec.Struct, frozen=True):
    """What a customer reports, with a document that proves it. What stays as it was is None."""

    item: str
    document: str
    organization: str | None = None
    state_or_province: str | None = None
    locality: str | None = None
    succeeded_on: date | None = None


async def report(conn: Conn, contract: str, new: Reported, person: str, now: datetime) -> ChangeReport:
    """The report is recorded; what it touches of certificates blocks them, and their five days run (T6-1 to T6-4).

    Where certificates of the customer's other contracts say the same, it is reported of those too. A late report of a
    succession becomes a breach case, and ends nothing (T6-3). Raises Unfit.
    """
    _fits(new)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    document_id = id_of("document", new.document)
    async with _together(conn, key):
        arrived_at = await storage.arrived(conn, document_id, key.id)
        if arrived_at is None:
            raise Unfit(f"document '{new.document}' is none of '{contract}': hand it in with `keiyaku document add`")
        subjects = await storage.subjects(conn, key.id, now)
        shown = touched(subjects, new.organization, new.state_or_province, new.locality)
        item = "organization" if new.organization is not None else "address"
        block = await changes.known(conn, key.id, item, "report", arrived_at, now) if shown else None
        row = NewReport(
            key.id, new.item, new.organization, new.state_or_province, new.locality, document_id, block,
            handled_by(item, shown), new.succeeded_on, await _late_case(conn, key, new, arrived_at, now), who.id,
            arrived_at,
        )  # fmt: skip
        made = await _recorded(conn, row, asked.actor(who), now, in_certificate=shown)
        for other in await storage.beside(conn, key.id) if shown else ():
            if await _says_as(conn, other, subjects, new, now):
                block = await changes.known(conn, other.id, item, "report", arrived_at, now)
                same = msgspec.structs.replace(row, contract_id=other.id, block_id=block, late_case_id=None)
                await _recorded(conn, same, asked.actor(who), now, in_certificate=True, reported_of=key.id)
    return await named(conn, str(made))


@asynccontextmanager
async def _together(conn: Conn, key: ContractKey) -> AsyncIterator[None]:
    """A transaction that holds the contract and the customer's others; while it runs none of them is accepted."""
    while True:
        numbers = await storage.together(conn, key.id)
        async with changing(conn, *numbers):
            if await storage.together(conn, key.id) == numbers:  # else one was applied for while this waited
                yield
                return


async def _says_as(
    conn: Conn, other: ContractKey, reported: Sequence[Subject], new: Reported, now: datetime
) -> bool:  # fmt: skip
    """Whether certificates of another contract say what is no longer so, just as those of the reported one."""
    data = (new.organization, new.state_or_province, new.locality)
    said = [each for each in await storage.subjects(conn, other.id, now) if says_as(each, reported, *data)]
    return touched(said, *data)


async def _recorded(conn: Conn, row: NewReport, actor: str, now: datetime, **content: Any) -> UUID:
    made = await storage.insert(conn, row, now)
    proof = entry(
        "change.arrived", actor, now, contract_id=row.contract_id, rule="T6-1", clause="A6.1", report=made,
        item=row.item, document=row.document_id, arrived_at=row.arrived_at, late_case=row.late_case_id, **content,
    )  # fmt: skip
    await append(conn, proof)
    return made


def _fits(new: Reported) -> None:
    one_of("item", new.item, ITEMS)
    if (new.item == "succession") != (new.succeeded_on is not None):
        raise Unfit("a succession, and it alone, names its legal effective date (効力発生日)")
    said = [new.organization, new.state_or_province, new.locality]
    for value in said:
        if value is not None:
            checked_text("what certificates would say", value, 128)
    if new.item == "representative" and any(value is not None for value in said):
        raise Unfit("a new representative changes nothing that certificates say: report the other change by itself")
    if new.item == "name" and new.organization is None:
        raise Unfit("a change of name says the name that certificates would show")


async def _late_case(conn: Conn, key: ContractKey, new: Reported, arrived_at: datetime, now: datetime) -> UUID | None:
    """The breach case that a late report of a succession opens; no clock runs for a mere default (T11-12)."""
    if new.succeeded_on is None:
        return None
    first_day: FirstDay = choice("period.first_day", await readings.of_contract(conn, "period.first_day", key.id, now))  # type: ignore[assignment]
    if not late(new.succeeded_on, jst_date(arrived_at), first_day):
        return None
    opening = Opening(
        "breach", Scope(contract_id=key.id), "change report", f"succession of {new.succeeded_on} reported late (A6.2)",
        now, None,
    )  # fmt: skip
    return await cases.opened(conn, opening, now)


async def confirm(conn: Conn, name: str, source: str, person: str, now: datetime) -> ChangeReport:
    """The fact is confirmed from that source (T6-2). Raises Unfit."""
    checked_text("source", source)
    found, who = await named(conn, name), await asked.person(conn, person)
    async with conn.transaction():
        if not await storage.confirm(conn, found.id, who.id, source, now):
            raise Unfit("the fact was confirmed before")
        await _record(conn, "change.confirmed", found, asked.actor(who), now, source=source)
    return await named(conn, name)


async def finish(
    conn: Conn, name: str, person: str, customer_name: str | None, representative: str | None, now: datetime
) -> ChangeReport:
    """The work is done, and with it the change takes effect: papers made before keep what they say (T6-2).

    What certificates show takes a new contract, accepted by now (T14-1). Raises Unfit.
    """
    found, who = await named(conn, name), await asked.person(conn, person)
    async with changing(conn, found.number):
        if found.handling == "new_contract" and not await storage.has_new_contract(conn, found.contract_id):
            raise Unfit("certificates show it: it takes a new contract, `keiyaku application follow … --after change`")
        if not await storage.finish(conn, found.id, who.id, now):
            raise Unfit("it is not confirmed yet, or was done before: `keiyaku change list` shows it")
        if customer_name is not None:
            await storage.rename(conn, found.contract_id, checked_text("name", customer_name))
        if representative is not None:
            await storage.represent(conn, found.contract_id, checked_text("representative", representative), now)
        counts = effective_at(found.arrived_at, found.confirmed_at, now)
        assert counts is not None  # confirmed, else it could not be done
        said = counts.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")
        await notify(conn, "change_confirmed", now, contract_id=found.contract_id, item=found.item, effective_at=said)
        await _record(conn, "change.done", found, asked.actor(who), now, effective_at=counts)
    return await named(conn, name)


async def _record(conn: Conn, kind: str, found: ChangeReport, actor: str, now: datetime, **content: Any) -> None:
    row = entry(kind, actor, now, contract_id=found.contract_id, rule="T6-2", clause="A6.1", report=found.id, **content)
    await append(conn, row)


async def named(conn: Conn, name: str) -> ChangeReport:
    """The report of an id. Raises Unfit."""
    if found := await storage.report_of(conn, id_of("change report", name)):
        return found
    raise NoSuch(name, f"there is no change report '{name}': `keiyaku change list` shows them")


async def listed(
    conn: Conn, contract: str | None, after: UUID | None = None, most: int = MOST
) -> list[ChangeReport]:  # fmt: skip
    """Those of a contract, or all that are not done, the earliest arrived first. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await storage.reports(conn, key.id if key else None, most, after)
