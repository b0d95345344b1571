"""Two people decide a case of revocation: that a breach is material, to revoke, to withdraw either. Article 11."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import (
    Awareness,
    Ground,
    code_of,
    deadline,
    fees_in_default,
    ground_of,
)
from contract_gate.articles.article_28_consultation import pauses
from contract_gate.calendar import jst_date
from contract_gate.readings import choice
from contract_gate.storage import facts_of_contract
from office.storage import consultations, endings, readings, revocations
from office.storage.changing import changing
from office.storage.revocations import Case, Decision
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, Unfit, checked_text
from office.use_cases.cases import Standing, case_named, clock, learn, scope, standing
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

MATERIAL = "breach.material"


async def material_deadline(conn: Conn, case: str, now: datetime) -> datetime:
    """The deadline that a record of materiality would make now: shown before two people confirm it (T11-12)."""
    found = await case_named(conn, case)
    ground = ground_of(found.ground, found.underlying)
    if ground.clock != "if_material":
        raise Unfit(f"{ground.clause} has a clock of its own: materiality changes nothing")
    would = deadline(ground, [*found.known, Awareness("material", now)])
    assert would is not None  # a material breach always has a clock
    return would


async def record_material(
    conn: Conn, case: str, first: str, second: str, reason: str, shown: datetime, now: datetime
) -> Standing:
    """Two people record a material breach, having seen the deadline that they confirm (T11-12). Raises Unfit."""
    await _material(conn, case, first, second, reason, shown, now, now)
    return await standing(conn, case, now)


async def confirm_material(
    conn: Conn, case: str, first: str, second: str, reason: str, shown: datetime, since: datetime, now: datetime
) -> Standing:
    """The same for what the first person proposed at `since`: the CA knew from then on, so the clock runs from there.

    Whenever the second person confirms it, the deadline is the one that both saw. Raises Unfit when it has moved.
    """
    async with conn.transaction():
        await _material(conn, case, first, second, reason, shown, since, now)
        await learn(conn, case, "recorded", since, first, now)
    return await standing(conn, case, now)


async def _material(
    conn: Conn, case: str, first: str, second: str, reason: str, shown: datetime, since: datetime, now: datetime
) -> None:
    would = await material_deadline(conn, case, since)
    if abs((would - shown).total_seconds()) > 3600:
        raise Unfit(f"the deadline would be {would.isoformat()}, not as shown: look again and confirm that one")
    await _decide(conn, case, "material", first, second, reason, would, now)


async def decide(conn: Conn, case: str, first: str, second: str, reason: str, now: datetime) -> Standing:
    """Two people decide to revoke what the case covers; under A11.4.1 to 7 and 9 contracts end at once (T12-3).

    Only confirmed conduct may lead to it, no suspicion (T3-3). Raises Unfit.
    """
    found = await case_named(conn, case)
    await _established(conn, found, now)
    if await _material_by_decision(conn, found, now):
        until = await material_deadline(conn, case, now)
        await _decide(conn, case, "material", first, second, reason, until, now)
    await _decide(conn, case, "revoke", first, second, reason, (await standing(conn, case, now)).deadline_at, now)
    return await standing(conn, case, now)


async def _material_by_decision(conn: Conn, found: Case, now: datetime) -> bool:
    """Whether deciding to revoke is a record of materiality too, as read for a contract of the case. T11-12, R-17."""
    if found.material_at is not None or ground_of(found.ground, found.underlying).clock != "if_material":
        return False
    ids = await revocations.contracts_of(conn, scope(found))
    values = [await readings.of_contract(conn, MATERIAL, each, now) for each in ids]
    return "decided" in {choice(MATERIAL, value) for value in values}


async def _established(conn: Conn, found: Case, now: datetime) -> None:
    """What the ground needs besides the decision is on record. Raises Unfit."""
    ids = list(await revocations.contracts_of(conn, scope(found)))
    if found.ground == "conduct" and not (ids and await revocations.confirmed(conn, ids)):
        raise Unfit("conduct of Article 3 is not confirmed: `keiyaku hold confirm` first; a suspicion revokes nothing")
    if found.ground == "unpaid":
        if await _paused(conn, ids, now):
            raise Unfit("a consultation pauses decisions under A11.4.4 (A28.1): `keiyaku consultation end` first")
        late = [contract_id for contract_id in ids if await in_default(conn, contract_id, now)]
        if not late or late != ids:
            raise Unfit(
                "no fee of the contract is overdue by the ledger, or by a small rest alone: A11.4.4 needs more (T8-4,"
                " T8-11, T8-15)"
            )


async def _paused(conn: Conn, ids: Sequence[UUID], now: datetime) -> bool:
    """Whether a consultation over one of these contracts pauses decisions under A11.4.4. T28-1, R-26."""
    for each in ids:
        held = await consultations.any_held(conn, [each])
        if pauses("A11.4.4", held, await consultations.scope(conn, each, now)):
            return True
    return False


async def in_default(conn: Conn, contract_id: UUID, now: datetime) -> bool:
    """Whether a fee of the contract is in default (T8-11, T8-15, T8-16)."""
    loaded = await facts_of_contract(conn, contract_id, [], now, None)
    assert loaded is not None  # contracts are never deleted
    return bool(fees_in_default(loaded.facts, contract_id, jst_date(now)))


async def _decide(
    conn: Conn, case: str, kind: str, first: str, second: str, reason: str, until: datetime | None, now: datetime
) -> None:
    checked_text("reason", reason)
    found = await case_named(conn, case)
    one, two = await asked.two_persons(conn, first, second)
    ground = ground_of(found.ground, found.underlying)
    code = code_of(ground, found.asked_code, found.material_at is not None) if kind == "revoke" else None
    contracts = await revocations.contracts_of(conn, scope(found))
    async with changing(conn, *contracts.values()):
        state = await revocations.lock_case(conn, found.id)
        made = Decision(found.id, kind, one.id, two.id, reason, code, until)
        if state != "open" or not await revocations.insert_decision(conn, made, now):
            raise Unfit(f"case {found.id} is decided already: `keiyaku revocation status` shows it")
        if kind == "revoke":
            await revocations.set_state(conn, found.id, "decided", ["open"])
            await _end_contracts(conn, found, ground, contracts, now)
        proof = entry(
            f"revocation.{kind}", asked.actor(one), now, contract_id=found.contract_id,
            rule="T11-12" if kind == "material" else "T11-7", clause=ground.clause, case=found.id,
            second=asked.actor(two), deadline=until, code=code,
        )  # fmt: skip
        await append(conn, proof)
        await clock(conn, found.id)


async def _end_contracts(conn: Conn, found: Case, ground: Ground, contracts: Iterable[UUID], now: datetime) -> None:
    """A decision that ends contracts ends each of the case now; with fee unpaid only once executed (it may lapse)."""
    if not ground.ends or found.ground == "unpaid":
        return
    for contract_id in contracts:
        await end_contract(conn, contract_id, found, ground, now)


async def end_contract(conn: Conn, contract_id: UUID, found: Case, ground: Ground, now: datetime) -> None:
    """The contract has ended by the decision of a case and its customer is told; under the contract's lock (T12-3)."""
    if await revocations.end_contract(conn, contract_id, now):
        await endings.close_reissue(conn, contract_id, now)
        await notify(conn, "contract_ended", now, contract_id=contract_id, ended_on=str(jst_date(now)))
        row = entry(
            "contract.ended", OPERATOR, now, contract_id=contract_id, rule="T12-3", clause=ground.clause,
            cause="revoked", case=found.id,
        )  # fmt: skip
        await append(conn, row)


async def withdraw(conn: Conn, case: str, first: str, second: str, reason: str, now: datetime) -> Standing:
    """Two people withdraw decision and materiality as erroneous; the case is open again. Raises Unfit.

    Not once it is executed: that is an incident for a person.
    """
    checked_text("reason", reason)
    found = await case_named(conn, case)
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        state = await revocations.lock_case(conn, found.id)
        ended = await revocations.end_decisions(
            conn, found.id, "withdrawn", (one.id, two.id), ("material", "revoke"), now
        )
        if state not in ("open", "decided") or not ended:
            raise Unfit("there is no decision to withdraw, or it is executed already")
        await revocations.set_state(conn, found.id, "open", ["decided"])
        await clock(conn, found.id)
        proof = entry(
            "revocation.withdrawn", asked.actor(one), now, contract_id=found.contract_id, rule="T11-12", case=found.id,
            second=asked.actor(two), reason=reason, decisions=ended,
        )  # fmt: skip
        await append(conn, proof)
    return await standing(conn, case, now)
