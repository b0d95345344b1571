"""Holds for conduct (Article 3) and anti-social forces (Article 13): judged by people, shown to no client (T13-3)."""

from datetime import datetime
from uuid import UUID

from office.storage import holds
from office.storage.changing import changing
from office.storage.contracts import ContractKey
from office.storage.holds import Hold
from office.use_cases import asked
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

KINDS = ("conduct", "antisocial")
STATUSES = ("reported", "suspected")  # a report blocks nothing, a suspicion does (T3-4)


async def set_hold(
    conn: Conn, contract: str, kind: str, status: str, item: int | None, reason: str, person: str, now: datetime
) -> UUID:
    """A named officer holds the contract (T3-4, T13-2). Raises Unfit."""
    one_of("kind", kind, KINDS)
    one_of("status", status, STATUSES)
    checked_text("reason", reason)
    if (kind == "conduct") != (item is not None and 1 <= item <= 8):
        raise Unfit("a conduct hold names its item of Article 3, 1 to 8; an anti-social one names none")
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        made = await holds.insert_hold(conn, key.id, kind, status, item, reason, who.id, now)
        row = entry("hold.set", asked.actor(who), now, contract_id=key.id, rule="T13-3", hold=made, status=status)
        await append(conn, row)
    return made


async def suspect(conn: Conn, hold: str, person: str, now: datetime) -> None:
    """A named officer makes of a report a suspicion: it blocks from now on (T3-4). Raises Unfit."""
    hold_id, key = await found(conn, hold)
    who = await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await holds.suspect(conn, hold_id):
            raise Unfit("only a reported hold becomes suspected: `keiyaku hold list` shows its status")
        row = entry("hold.suspected", asked.actor(who), now, contract_id=key.id, rule="T13-3", hold=hold_id)
        await append(conn, row)


async def confirm(conn: Conn, hold: str, first: str, second: str, now: datetime) -> None:
    """Two people confirm it (T3-4, T13-2). Raises Unfit."""
    hold_id, key = await found(conn, hold)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if not await holds.confirm(conn, hold_id, one.id, two.id, now):
            raise Unfit("the hold is confirmed or lifted already: `keiyaku hold list` shows its status")
        row = entry(
            "hold.confirmed",
            asked.actor(one),
            now,
            contract_id=key.id,
            rule="T13-3",
            hold=hold_id,
            second=asked.actor(two),
        )
        await append(conn, row)


async def lift(conn: Conn, hold: str, first: str, second: str, now: datetime) -> None:
    """Two people lift it: it blocks nothing from this transaction on (T3-4). Raises Unfit."""
    hold_id, key = await found(conn, hold)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if not await holds.lift(conn, hold_id, one.id, two.id, now):
            raise Unfit("the hold was lifted before")
        row = entry(
            "hold.lifted",
            asked.actor(one),
            now,
            contract_id=key.id,
            rule="T13-3",
            hold=hold_id,
            second=asked.actor(two),
        )
        await append(conn, row)


async def found(conn: Conn, hold: str) -> tuple[UUID, ContractKey]:
    """The hold's id and its contract. Raises Unfit."""
    hold_id = id_of("hold", hold)
    key = await holds.contract_of_hold(conn, hold_id)
    if key is None:
        raise NoSuch(hold, f"there is no hold '{hold}': `keiyaku hold list` shows them")
    return hold_id, key


async def listed(conn: Conn, contract: str | None, after: UUID | None = None, most: int = MOST) -> list[Hold]:
    """Live holds of a contract, or of all. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await holds.holds(conn, key.id if key else None, most, after)
