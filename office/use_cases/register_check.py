"""The daily look at the corporate-number register: what it finds is the CA's awareness and edits nothing (T6-5)."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from contract_gate.articles.article_06_changes import Registered, register_changes
from contract_gate.calendar import JST
from contract_gate.formats.corporations import AnswerRefused
from office.storage import holds, register_states
from office.storage.changing import changing
from office.storage.register_states import Due, State
from office.storage.revocations import Scope
from office.use_cases import cases
from office.use_cases.asked import MOST
from office.use_cases.cases import Opening
from office.use_cases.corporate_register import AT_ONCE, Register, RegisterAway
from office.use_cases.notify import ACTOR, notify
from sql import Conn, Pool
from sql.evidence import append, entry

EVERY = timedelta(hours=23)  # a job of every hour comes back in a day
REQUESTS = 1000  # a sweep
SHOWN = {"name": "organization", "closure": "organization", "successor": "organization", "address": "address"}
LOG = logging.getLogger(__name__)


async def sweep(pool: Pool, now: datetime, *, register: Register) -> int:
    """Every customer of a running contract is looked up once a day; says how many had changed."""
    changed, unanswered = 0, list[UUID]()
    for _ in range(REQUESTS):
        async with pool.acquire() as conn:
            due = await register_states.due(conn, now - EVERY, unanswered, AT_ONCE)
            if not due:
                break
            try:
                found = await answers(register, due)
            except RegisterAway as fault:
                LOG.warning("the corporate-number register: %s", fault)
                break
            unanswered += [one.id for one in due if one.id not in found]
            for one in due:
                if one.id in found:
                    changed += await learn(conn, one, found[one.id], now)
    return changed


async def answers(register: Register, due: list[Due]) -> dict[UUID, Registered]:
    """What the register says of each. Where it says nothing, nothing is learned, and that is in no other's way.

    A number that it leaves out proves no change; `keiyaku check` tells of it in two days. Raises RegisterAway.
    """
    try:
        said = {each.number: each.registered for each in await register.look([one.number for one in due])}
        found = {one.id: said[one.number] for one in due if one.number in said}
        if len(found) < len(due):
            LOG.warning("the corporate-number register left out %d of %d numbers", len(due) - len(found), len(due))
        return found
    except AnswerRefused as fault:
        LOG.warning("the corporate-number register: %s", fault)
    found = {}
    for one in due if len(due) > 1 else ():
        found |= await answers(register, [one])
    return found


async def learn(conn: Conn, one: Due, found: Registered, now: datetime) -> bool:
    """Whether the register says something new of the customer: then a case is open since now, and G8 fails (T6-4).

    A street that certificates do not show opens the case without a clock, and blocks nothing.
    """
    async with changing(conn, *one.contracts):
        if not await register_states.keep(conn, one, found, now):
            return False
        items = register_changes(one.before, found, one.customer_name)
        if not items:
            return False
        blocking = sorted({SHOWN[item] for item in items if item in SHOWN})
        for contract in await register_states.running(conn, one.id):
            for item in blocking:
                await holds.insert_change(conn, contract.id, item, True, now)
        said = ", ".join(items)
        opening = Opening(
            "change_learned", Scope(customer_id=one.id), "corporate-number register", said, now,
            "own_evidence" if blocking else None,
        )  # fmt: skip
        case_id = await cases.opened(conn, opening, now)
        learned = now.astimezone(JST).strftime("%Y-%m-%d %H:%M JST")
        await notify(conn, "register_changed", now, item=said, learned_at=learned)
        row = entry(
            "register.changed", ACTOR, now, rule="T6-5", clause="A6.1", customer=one.id, items=items, case=case_id
        )
        await append(conn, row)
    return True


async def listed(conn: Conn, after: str | None = None, most: int = MOST) -> list[State]:
    """What the register said last of each customer, by handle."""
    return await register_states.states(conn, most, after)
