"""Contracts as people see them, and the application they begin with."""

from datetime import datetime

import msgspec

from office.storage import contracts, holds, keys, money, people
from office.storage.contracts import Contract, Name, ReviewItem
from office.storage.holds import Change
from office.storage.keys import BindingKey
from office.storage.money import Invoice
from office.use_cases import asked, screening
from office.use_cases.asked import MOST, OPERATOR, Unfit, checked_contract_handle
from sql import Conn
from sql.evidence import append, entry


class Dossier(msgspec.Struct, frozen=True):
    """A contract and all that is recorded for it; of holds only whether there is one that blocks (T13-3).

    `awaits_notice`: no certificate is issued before the notice of its formation has left (T4-5).
    """

    contract: Contract
    names: list[Name]
    review: list[ReviewItem]
    keys: list[BindingKey]
    invoices: list[Invoice]
    held: bool
    awaits_notice: bool
    changes: list[Change]


async def create(conn: Conn, handle: str, customer: str, plan: str, now: datetime) -> Contract:
    """An application: a contract that admits nothing yet (T4-1). Price and names are frozen (T8-1). Raises Unfit."""
    checked_contract_handle(handle)
    who, what = await people.customer_of(conn, customer), await people.plan_of(conn, plan)
    if who is None:
        raise Unfit(f"there is no customer '{customer}': add it with `keiyaku customer add`")
    if what is None:
        raise Unfit(f"there is no plan '{plan}': add it with `keiyaku plan add`")
    async with conn.transaction():
        made = await contracts.insert_contract(conn, handle, who.id, what.id, now)
        if made is None:
            raise Unfit(f"contract '{handle}' exists already, or plan '{plan}' is not on offer: choose another")
        row = entry("contract.applied", OPERATOR, now, contract_id=made.id, rule="T4-1", clause="A4.1", plan=what.id)
        await append(conn, row)
        await screening.add_subject(conn, made.id, "customer", who.name, now)
    return await shown(conn, handle)


async def shown(conn: Conn, name: str) -> Contract:
    """The contract of a handle or id. Raises Unfit."""
    key = await asked.contract(conn, name)
    return await contracts.shown(conn, key.id)


async def listed(conn: Conn) -> list[Contract]:
    """Contracts by number."""
    return await contracts.contracts(conn, MOST)


async def dossier(conn: Conn, name: str) -> Dossier:
    """The contract and all that is recorded for it, at one instant. Raises Unfit."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        found = await shown(conn, name)
        return Dossier(
            contract=found,
            names=await contracts.live_names(conn, found.id),
            review=await contracts.review_items(conn, found.id),
            keys=await keys.keys(conn, found.id),
            invoices=await money.invoices(conn, found.id, unpaid=False, most=MOST),
            held=any(hold.status != "reported" for hold in await holds.holds(conn, found.id, MOST)),
            awaits_notice=await keys.untold(conn, found.id),
            changes=await holds.changes(conn, found.id),
        )
