"""Acceptance and rejection by two people, and withdrawal by the customer (A4.3, §0.3)."""

from datetime import datetime

import msgspec

from contract_gate.acceptance import lacking
from contract_gate.articles.article_12_term import before
from contract_gate.readings import choice
from office.storage import applications, contracts, readings
from office.storage.changing import changing
from office.storage.contracts import Contract
from office.use_cases import asked, documents, renewal
from office.use_cases.asked import Unfit, checked_text
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

BASE_ALL = "eligibility.base_all"


class Access(msgspec.Struct, frozen=True):
    """Where a customer goes from now on: the ACME directory and the portal, named in the notice of formation."""

    directory: str
    portal: str


async def accept(conn: Conn, name: str, first: str, second: str, access: Access, now: datetime) -> Contract:
    """Two people accept the application: the contract is formed and its customer told (T4-5, T12-2). Raises Unfit.

    Creates no invoice. The notice commits with the acceptance; until it has left there is no certificate (R-4).
    """
    key = await asked.contract(conn, name)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        base_all = choice(BASE_ALL, await readings.of_contract(conn, BASE_ALL, key.id, now)) == "yes"
        known = msgspec.structs.replace(await applications.asked(conn, key.id), base_all=base_all)
        if missing := lacking(known):
            raise Unfit(f"contract '{name}' cannot be accepted yet, it needs: {', '.join(missing)}")
        if not await contracts.accept(conn, key.id, one.id, two.id, before("accepted"), now):
            raise Unfit(f"contract '{name}' is no application under review: it was accepted, or has ended, or waits")
        await renewal.begin_serving(conn, key.id, now)
        notice = await notify(
            conn, "contract_formed", now, contract_id=key.id, directory=access.directory, portal=access.portal
        )
        await contracts.tell(conn, key.id, notice)
        proof = entry(
            "contract.accepted",
            asked.actor(one),
            now,
            contract_id=key.id,
            rule="T4-5",
            clause="A4.3",
            second=asked.actor(two),
        )
        await append(conn, proof)
    return await contracts.shown(conn, key.id)


async def reject(conn: Conn, name: str, reason: str, first: str, second: str, now: datetime) -> Contract:
    """Two people reject it: no contract, no fee, its documents destroyed, its customer told (T4-7). Raises Unfit."""
    checked_text("reason code", reason, 64)
    key = await asked.contract(conn, name)
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if not await applications.reject(conn, key.id, reason, one.id, two.id, before("rejected"), now):
            raise Unfit(
                f"contract '{name}' is not under review: `keiyaku contract show` tells its state; the first item of a"
                " review (`keiyaku contract review`) begins it"
            )
        destroyed_on = await documents.discard(conn, key.id, now)
        await notify(conn, "contract_not_formed", now, contract_id=key.id, destroyed_on=str(destroyed_on))
        proof = entry(
            "contract.rejected", asked.actor(one), now, contract_id=key.id, rule="T4-7", clause="A4.3",
            second=asked.actor(two), reason=reason, destroyed_on=destroyed_on,
        )  # fmt: skip
        await append(conn, proof)
    return await contracts.shown(conn, key.id)


async def withdraw(conn: Conn, name: str, person: str, now: datetime) -> Contract:
    """The applicant withdraws before acceptance: documents as in a rejection, no fee (§0.3, T4-7). Raises Unfit."""
    key, who = await asked.contract(conn, name), await asked.person(conn, person)
    async with changing(conn, key.number):
        if not await applications.move(conn, key.id, "withdrawn", before("withdrawn")):
            raise Unfit(f"contract '{name}' is no application any more: an accepted contract is cancelled instead")
        destroyed_on = await documents.discard(conn, key.id, now)
        proof = entry(
            "contract.withdrawn", asked.actor(who), now, contract_id=key.id, rule="T4-7", clause="A4.3",
            destroyed_on=destroyed_on,
        )  # fmt: skip
        await append(conn, proof)
    return await contracts.shown(conn, key.id)
