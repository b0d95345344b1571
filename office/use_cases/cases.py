"""Cases of revocation: opened, known of, closed. Article 11."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.articles.article_11_revocation import (
    GROUNDS,
    KEY_COMPROMISE,
    Awareness,
    code_of,
    deadline,
    ground_of,
    may_choose,
)  # fmt: skip
from office.storage import key_proofs, people, revocations
from office.storage.revocations import Case, Covered, Live, NewCase, Scope
from office.use_cases import asked, results
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

Known = Literal["request", "report", "own_evidence", "recorded"]
KNOWN: tuple[Known, ...] = ("request", "report", "own_evidence", "recorded")
# by people; the rest by ends, so no revocation is a cancellation (T11-4)
OPENED = tuple(name for name in GROUNDS if GROUNDS[name].establishes != "contract" and name != "cancellation")
SHOWN = 100


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


async def close(conn: Conn, case: str, person: str, reason: str, now: datetime) -> None:
    """An officer looked at the case: what is open ends without a revocation. Raises Unfit."""
    checked_text("reason", reason)
    found, who = await case_named(conn, case), await asked.person(conn, person)
    async with conn.transaction():
        closed = await revocations.set_state(conn, found.id, "closed", ["open"])
        if not await revocations.attended(conn, found.id) and not closed:
            raise Unfit(
                "the case is not open and nobody need look at it: two people withdraw a decision, until it runs"
            )
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
