"""The review beside its items: call-backs, approvals, and the question back to the customer (A3, A4.2)."""

from datetime import datetime

from contract_gate.articles.article_12_term import before
from office.storage import applications
from office.storage.changing import changing
from office.use_cases import asked
from office.use_cases.asked import Unfit, checked_text
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry


async def call_back(conn: Conn, contract: str, number_source: str, confirmed: bool, person: str, now: datetime) -> None:
    """The applicant's authority was asked for by a call to a number that the applicant did not give (T4-3).

    Raises Unfit.
    """
    checked_text("the source of the number", number_source)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        made = await applications.call_back(conn, key.id, number_source, confirmed, who.id, now)
        row = entry(
            "applicant.called", asked.actor(who), now, contract_id=key.id, rule="T4-3", clause="A4.2", call=made,
            confirmed=confirmed,
        )  # fmt: skip
        await append(conn, row)


async def approve(conn: Conn, contract: str, grounds: str, person: str, now: datetime) -> None:
    """The CA accepts this kind of organisation (T3-1). Raises Unfit."""
    checked_text("grounds", grounds)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await applications.approve(conn, key.id, grounds, who.id, now):
            raise Unfit(f"contract '{contract}' has its approval already")
        row = entry("organisation.approved", asked.actor(who), now, contract_id=key.id, rule="T3-1", clause="A3.1")
        await append(conn, row)


async def ask_customer(conn: Conn, contract: str, wanted: str, person: str, now: datetime) -> None:
    """The review waits for the customer, who is told what is wanted (§0.3). Raises Unfit."""
    checked_text("what is wanted", wanted)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await applications.move(conn, key.id, "awaiting_customer", before("awaiting_customer")):
            raise Unfit(f"contract '{contract}' is not under review: `keiyaku contract show` tells its state")
        await notify(conn, "documents_wanted", now, contract_id=key.id, wanted=wanted)
        row = entry("review.waits", asked.actor(who), now, contract_id=key.id, rule="T4-3", clause="A4.2")
        await append(conn, row)


async def resume(conn: Conn, contract: str, person: str, now: datetime) -> None:
    """The customer answered, the review goes on (§0.3). Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await applications.move(conn, key.id, "under_review", ["awaiting_customer"]):
            raise Unfit(f"contract '{contract}' does not wait for its customer")
        row = entry("review.resumed", asked.actor(who), now, contract_id=key.id, rule="T4-3", clause="A4.2")
        await append(conn, row)
