"""A contract from application to end."""

from datetime import datetime

import msgspec

from office.storage import contracts, holds, keys, money, people
from office.storage.changing import changing
from office.storage.contracts import Contract, Name, ReviewItem
from office.storage.holds import Change
from office.storage.keys import BindingKey
from office.storage.money import Invoice
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, Unfit, checked_handle, one_of
from sql import Conn
from sql.evidence import append, entry

END_CAUSES = ("cancelled", "rescinded", "service_ended")  # the other causes follow from the time and from revocation


class Dossier(msgspec.Struct, frozen=True):
    """A contract and all that is recorded for it; of holds only whether there is one that blocks (T13-3)."""

    contract: Contract
    names: list[Name]
    review: list[ReviewItem]
    keys: list[BindingKey]
    invoices: list[Invoice]
    held: bool
    changes: list[Change]


async def create(conn: Conn, handle: str, customer: str, plan: str, now: datetime) -> Contract:
    """An application: a contract that admits nothing yet (T4-1). Price and names are frozen (T8-1). Raises Unfit."""
    checked_handle(handle)
    who, what = await people.customer_of(conn, customer), await people.plan_of(conn, plan)
    if who is None:
        raise Unfit(f"there is no customer '{customer}': add it with `keiyaku customer add`")
    if what is None:
        raise Unfit(f"there is no plan '{plan}': add it with `keiyaku contract plan-add`")
    async with conn.transaction():
        made = await contracts.insert_contract(conn, handle, who.id, what.id, now)
        if made is None:
            raise Unfit(f"contract '{handle}' exists already: choose another handle")
        row = entry("contract.applied", OPERATOR, now, contract_id=made.id, rule="T4-1", clause="A4.1", plan=what.id)
        await append(conn, row)
    return await shown(conn, handle)


async def accept(conn: Conn, name: str, first: str, second: str, now: datetime) -> Contract:
    """Two people accept the application: the contract is formed (T4-5, T12-2). Raises Unfit."""
    key = await asked.contract(conn, name)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if missing := await contracts.lacking(conn, key.id):
            raise Unfit(f"contract '{name}' cannot be accepted yet, it needs: {', '.join(missing)}")
        if not await contracts.accept(conn, key.id, one.id, two.id, now):
            raise Unfit(f"contract '{name}' is no application: it was accepted or has ended")
        proof = entry(
            "contract.accepted", asked.actor(one), now, contract_id=key.id, rule="T4-5", clause="A4.3", second=two.id
        )
        await append(conn, proof)
    return await shown(conn, name)


async def end(conn: Conn, name: str, cause: str, first: str, second: str, now: datetime) -> Contract:
    """Two people record the end of a contract: it admits nothing any more (T12-3). Raises Unfit."""
    one_of("cause", cause, END_CAUSES)
    key = await asked.contract(conn, name)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if not await contracts.end(conn, key.id, cause, now):
            raise Unfit(f"contract '{name}' is not running: only an accepted contract can end")
        proof = entry(
            "contract.ended",
            asked.actor(one),
            now,
            contract_id=key.id,
            rule="T12-3",
            clause="A12.1",
            cause=cause,
            second=two.id,
        )
        await append(conn, proof)
    return await shown(conn, name)


async def shown(conn: Conn, name: str) -> Contract:
    """The contract of a handle or id. Raises Unfit."""
    key = await asked.contract(conn, name)
    found = await contracts.contract_of(conn, key.id)
    assert found is not None  # contracts are never deleted
    return found


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
            changes=await holds.changes(conn, found.id),
        )
