"""Cases of revocation: opened, decided by two people, withdrawn, closed. Article 11."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.articles.article_11_revocation import (
    GROUNDS,
    KEY_COMPROMISE,
    Awareness,
    Ground,
    code_of,
    deadline,
    fees_in_default,
    ground_of,
    may_choose,
)  # fmt: skip
from contract_gate.articles.article_28_consultation import pauses
from contract_gate.calendar import jst_date
from contract_gate.readings import choice
from contract_gate.storage import facts_of_contract
from office.storage import consultations, endings, key_proofs, people, readings, revocations
from office.storage.changing import changing
from office.storage.revocations import Case, Covered, Decision, Live, NewCase, Scope
from office.use_cases import asked, results
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of, one_of
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

Known = Literal["request", "report", "own_evidence", "recorded"]
KNOWN: tuple[Known, ...] = ("request", "report", "own_evidence", "recorded")
# by people; the rest by ends, so no revocation is a cancellation (T11-4)
OPENED = tuple(name for name in GROUNDS if GROUNDS[name].establishes != "contract" and name != "cancellation")
SHOWN = 100
MATERIAL = "breach.material"


class Opening(msgspec.Struct, frozen=True):
    """What an officer is told of. `known`: how, since `received_at`; None: a mere default is no awareness."""

    ground: str
    scope: Scope
    reporter: str
    note: str
    received_at: datetime
    known: Known | None
    underlying: str | None = None
    asked_code: int | None = None
    cps_demands: bool = False


class Standing(msgspec.Struct, frozen=True):
    """A case, its clause and clock, and what it would revoke: the first hundred, and how many by contract."""

    case: Case
    clause: str
    code: int | None
    deadline_at: datetime | None
    live: list[Live]
    covered: list[Covered]


class Plan(msgspec.Struct, frozen=True):
    """What a revocation would do: a dry run."""

    ground: str
    clause: str
    deadline_at: datetime | None
    live: list[Live]
    covered: list[Covered]


async def plan(
    conn: Conn, name: str, underlying: str | None, scope: Scope, received_at: datetime, now: datetime
) -> Plan:
    """What would be revoked, and by when if the CA knows since `received_at`; nothing is written."""
    scope = _told(name, scope, received_at)
    ids, ground = list(await revocations.contracts_of(conn, scope)), ground_of(name, underlying)
    until = deadline(ground, [Awareness("recorded", received_at)])
    found = await revocations.live(conn, scope, ids, now, SHOWN)
    return Plan(name, ground.clause, until, found, await revocations.covered(conn, scope, ids, now))


async def scope_of(
    conn: Conn, contract: str | None, customer: str | None, key: bytes | None, serials: list[bytes],
    issuer: str | None = None,
) -> Scope:  # fmt: skip
    """What the words mean: one of contract, customer, key, serials and issuing CA. Raises Unfit."""
    if sum((contract is not None, customer is not None, key is not None, bool(serials), issuer is not None)) != 1:
        raise Unfit("say what to revoke by exactly one of contract, customer, key, serials and issuer")
    if issuer is not None:
        known = await revocations.issuing(conn)
        return Scope(issuer_id=known[one_of("issuing CA", issuer, tuple(known))])
    if contract is not None:
        return Scope(contract_id=(await asked.contract(conn, contract)).id)
    if customer is not None:
        found = await people.customer_of(conn, customer)
        if found is None:
            raise NoSuch(customer, f"there is no customer '{customer}': `keiyaku customer list` shows them")
        return Scope(customer_id=found.id)
    return Scope(spki_sha256=key) if key is not None else Scope(serials=sorted(set(serials)))


async def open_case(conn: Conn, opening: Opening, now: datetime) -> Standing:
    """A case is open and its clock known; nothing is revoked (T11-7). Raises Unfit."""
    one_of("ground", opening.ground, OPENED)
    checked_text("reporter", opening.reporter, 200)
    checked_text("note", opening.note, 2000)
    if (opening.ground == "guideline_ignored") != (opening.underlying is not None):
        raise Unfit("A11.4.3 (guideline_ignored), and it alone, names the ground that lies under it")
    if opening.underlying is not None:
        one_of("underlying ground", opening.underlying, tuple(n for n in OPENED if n != "guideline_ignored"))
    if not may_choose(opening.asked_code):
        raise Unfit("a customer may ask for code 0 (none), 1, 3, 4 or 5 (T11-8)")
    if opening.received_at > now:
        raise Unfit("it was received after now: give the instant of receipt")
    ground = ground_of(opening.ground, opening.underlying)
    if ground.ends and opening.scope.contract_id is None and opening.scope.customer_id is None:
        raise Unfit(f"{ground.clause} ends contracts with all their certificates: name the contract or the customer")
    code = code_of(ground, opening.asked_code or None, True)
    if code == KEY_COMPROMISE and not ground.ends and opening.scope.spki_sha256 is None:
        raise Unfit("a key compromise covers a key: name it, and every certificate with it is revoked (C-163)")
    if opening.scope.spki_sha256 is not None and (own := await key_proofs.own_key(conn, opening.scope.spki_sha256)):
        raise Unfit(f"this is the key of {own.whose}: a case about an issuing CA has --issuer and --ground ca_key")
    async with conn.transaction():
        case_id = await opened(conn, opening, now)
    return await standing(conn, str(case_id), now)


async def opened(conn: Conn, opening: Opening, now: datetime, *, state: str = "open", attention: bool = True) -> UUID:
    """The id of the case, made in the caller's transaction with its evidence."""
    new = NewCase(
        opening.ground, opening.scope, opening.reporter, opening.note, opening.received_at, opening.underlying,
        opening.asked_code or None, opening.cps_demands, state, attention,
    )  # fmt: skip
    case_id = await revocations.insert_case(conn, new, now)
    if opening.known is not None:
        await revocations.insert_awareness(conn, case_id, opening.known, opening.received_at, now)
        await clock(conn, case_id)
    proof = entry(
        "revocation.case_opened", OPERATOR, now, contract_id=opening.scope.contract_id, rule="T11-9",
        clause=GROUNDS[opening.ground].clause, case=case_id, ground=opening.ground, received_at=opening.received_at,
    )  # fmt: skip
    await append(conn, proof)
    return case_id


async def learn(conn: Conn, case: str, known: str, at: datetime, person: str, now: datetime) -> Standing:
    """The CA knew of it this way at that instant too: only an earlier one moves the deadline (T11-9). Raises Unfit."""
    one_of("kind of awareness", known, KNOWN)
    if at > now:
        raise Unfit("nobody knows of it before now: give the instant of awareness")
    found, who = await case_named(conn, case), await asked.person(conn, person)
    async with conn.transaction():
        await revocations.insert_awareness(conn, found.id, known, at, now)
        await clock(conn, found.id)
        proof = entry(
            "revocation.awareness", asked.actor(who), now, rule="T11-9", case=found.id, known=known, known_at=at
        )
        await append(conn, proof)
    return await standing(conn, case, now)


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


async def close(conn: Conn, case: str, person: str, reason: str, now: datetime) -> None:
    """An officer looked at the case: what is open ends without a revocation. Raises Unfit."""
    checked_text("reason", reason)
    found, who = await case_named(conn, case), await asked.person(conn, person)
    async with conn.transaction():
        closed = await revocations.set_state(conn, found.id, "closed", ["open"])
        if not await revocations.attended(conn, found.id) and not closed:
            raise Unfit("the case is not open: a decision is withdrawn by two people first")
        if closed and ground_of(found.ground, found.underlying).asked:
            await results.refused(conn, found.id, scope(found), now)
        proof = entry(
            "revocation.case_closed", asked.actor(who), now, contract_id=found.contract_id, rule="T11-7",
            case=found.id, reason=reason, revoked=not closed,
        )  # fmt: skip
        await append(conn, proof)


async def case_named(conn: Conn, case: str) -> Case:
    """The case of an id. Raises Unfit."""
    if found := await revocations.case_of(conn, id_of("case", case)):
        return found
    raise NoSuch(case, f"there is no case '{case}': `keiyaku revocation list` shows them")


async def standing(conn: Conn, case: str, now: datetime) -> Standing:
    """The case with its clock and what it would revoke now. Raises Unfit."""
    found = await case_named(conn, case)
    ids = list(await revocations.contracts_of(conn, scope(found)))
    ground = ground_of(found.ground, found.underlying)
    code = found.code if found.decided_at else code_of(ground, found.asked_code, found.material_at is not None)
    return Standing(
        found, ground.clause, code, found.deadline_at,
        await revocations.live(conn, scope(found), ids, now, SHOWN),
        await revocations.covered(conn, scope(found), ids, now),
    )  # fmt: skip


async def listed(conn: Conn, done: bool, after: UUID | None = None, most: int = MOST) -> list[Case]:
    """Cases that are not done, or all, the earliest received first."""
    return await revocations.cases(conn, done, most, after)


async def clock(conn: Conn, case_id: UUID) -> None:
    """The case says by when what it covers must be revoked and published, from all that is known (T11-9)."""
    await revocations.lock_case(conn, case_id)  # who learns of something else meanwhile counts it all, after this
    found = await revocations.case_of(conn, case_id)
    assert found is not None  # cases are never deleted
    material = [Awareness("material", found.material_at)] if found.material_at else []
    until = deadline(ground_of(found.ground, found.underlying), [*found.known, *material], found.cps_demands)
    await revocations.set_deadline(conn, case_id, until)


def scope(found: Case) -> Scope:
    """What the case covers."""
    of = Scope(
        found.contract_id, found.customer_id, found.spki_sha256, found.serials, found.issuer_id, found.incident_id
    )
    return _told(found.ground, of, found.received_at)


def _told(ground: str, of: Scope, at: datetime) -> Scope:
    """A change of a customer's data concerns certificates with the old ones alone (T6-5, T14-2)."""
    return msgspec.structs.replace(of, learned_at=at) if ground == "change_learned" and of.customer_id else of
