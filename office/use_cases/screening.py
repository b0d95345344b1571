"""Screening for anti-social forces (Article 13): everybody on the customer's side; grounds stay with compliance."""

from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_13_antisocial import SUBJECTS
from office.storage import holds, screenings
from office.storage.changing import changing
from office.storage.people import Person
from office.storage.screenings import ComplianceFinding, Screening
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of, one_of
from sql import Conn
from sql.evidence import append, entry

NEUTRAL = "see compliance"  # what a hold says of its ground outside compliance (T13-3)


async def add_subject(conn: Conn, contract_id: UUID, role: str, subject: str, now: datetime) -> None:
    """The subject is to be screened: acceptance waits, a contract already accepted goes on (T13-1).

    In the caller's transaction, under the contract's lock.
    """
    if made := await screenings.add(conn, contract_id, role, subject, now):
        await append(
            conn,
            entry(
                "screening.wanted", OPERATOR, now, contract_id=contract_id, rule="T13-1", clause="A13.1", subject=made
            ),
        )


async def add(conn: Conn, contract: str, role: str, subject: str, now: datetime) -> None:
    """A new payer, say, comes to a contract; the name is screened, nothing is blocked by that (T13-1). Raises Unfit."""
    one_of("role", role, SUBJECTS)
    checked_text("the name", subject, 200)
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        await add_subject(conn, key.id, role, subject.strip(), now)


async def clear(conn: Conn, contract: str, source: str, person: str, now: datetime) -> int:
    """Nobody of those whose screening was open is on a list of `source`. Says how many they were. Raises Unfit."""
    checked_text("source", source)
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with changing(conn, key.number):
        open_ones = [each.id for each in await screenings.screenings(conn, key.id, pending=True, most=MOST)]
        await screenings.record(conn, open_ones, "clear", source, None, who.id, now)
        row = entry(
            "screening.recorded", asked.actor(who), now, contract_id=key.id, rule="T13-1", clause="A13.1",
            subjects=open_ones,
        )  # fmt: skip
        await append(conn, row)
    return len(open_ones)


async def hit(conn: Conn, screening: str, source: str, grounds: str, person: str, now: datetime) -> UUID:
    """Compliance records a hit: the contract is held from now on (G7), and nobody else learns why. Raises Unfit."""
    checked_text("source", source)
    checked_text("grounds", grounds, 2000)
    screening_id, who = id_of("screening", screening), await asked.person(conn, person)
    found = await screenings.screening_of(conn, screening_id)
    if found is None:
        raise NoSuch(screening, f"there is no screening '{screening}': `keiyaku screening list` shows them")
    if found.verdict == "hit":
        raise Unfit("that screening was answered with a hit before, and the contract is held for it (T13-1)")
    async with changing(conn, found.number):
        await screenings.record(conn, [screening_id], "hit", source, grounds, who.id, now)
        return await hold(conn, found.contract_id, who, now)


async def hold(conn: Conn, contract_id: UUID, who: Person, now: datetime) -> UUID:
    """The contract is held because of a hit; two people lift that (T13-2). In the caller's transaction."""
    made = await holds.insert_hold(conn, contract_id, "antisocial", "suspected", None, NEUTRAL, who.id, now)
    await append(conn, entry("hold.set", asked.actor(who), now, contract_id=contract_id, rule="T13-3", hold=made))
    return made


async def listed(
    conn: Conn, contract: str | None, pending: bool, after: UUID | None = None, most: int = MOST
) -> list[Screening]:
    """Subjects, without answers. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await screenings.screenings(conn, key.id if key else None, pending, most, after)


async def findings(
    conn: Conn, contract: UUID | None, after: UUID | None = None, most: int = MOST
) -> list[ComplianceFinding]:
    """Verdicts, sources and grounds; the connection is one of keiyaku_compliance, nobody else's is let in (T13-3)."""
    return await screenings.findings(conn, contract, most, after)
