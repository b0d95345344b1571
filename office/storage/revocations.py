"""Cases of revocation (Article 11), what was known when, decisions, and what was revoked."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_11_revocation import GROUNDS, Awareness
from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/revocations")
KNOWN = msgspec.json.Decoder(list[Awareness])
ASKED = [name for name, ground in GROUNDS.items() if ground.asked]


class Scope(msgspec.Struct, frozen=True):
    """What a case covers: exactly one of these is set; with a customer also `learned_at`, when its data were old."""

    contract_id: UUID | None = None
    customer_id: UUID | None = None
    spki_sha256: bytes | None = None
    serials: list[bytes] | None = None
    issuer_id: int | None = None
    incident_id: UUID | None = None
    learned_at: datetime | None = None


class NewCase(msgspec.Struct, frozen=True):
    """A case to open. `asked_code`: what the customer chose, None for none."""

    ground: str
    scope: Scope
    reporter: str
    note: str
    received_at: datetime
    underlying: str | None = None
    asked_code: int | None = None
    cps_demands: bool = False
    state: str = "open"
    attention: bool = True


class NoticeBefore(msgspec.Struct, frozen=True):
    """What a customer is told before its certificates go; `late`: why it is not before."""

    contract: str
    notice_id: UUID
    late: str | None


class Case(msgspec.Struct, frozen=True):
    """A case as it stands; `decided_at`, `code` and `material_at` are of the decisions that live.

    `contracts`: the first hundred that it names, or of whose certificates it is.
    """

    id: UUID
    ground: str
    underlying: str | None
    contract_id: UUID | None
    contract: str | None
    customer_id: UUID | None
    customer: str | None
    spki_sha256: bytes | None
    serials: list[bytes] | None
    issuer_id: int | None
    incident_id: UUID | None
    reporter: str
    note: str
    asked_code: int | None
    cps_demands: bool
    received_at: datetime
    state: str
    attention: bool
    executed_at: datetime | None
    published_at: datetime | None
    result_due_at: datetime | None
    result_told_at: datetime | None
    deadline_at: datetime | None
    material_at: datetime | None
    decided_at: datetime | None
    code: int | None
    known: list[Awareness]
    contracts: list[str]
    notices: list[NoticeBefore]
    revoked: int


TOLD = msgspec.json.Decoder(list[NoticeBefore])


class Decision(msgspec.Struct, frozen=True):
    """What two people decide of a case: `material`, or `revoke` with the code."""

    case_id: UUID
    kind: str
    first: UUID
    second: UUID
    reason: str
    code: int | None
    deadline_at: datetime | None


class Live(msgspec.Struct, frozen=True):
    """What may have been signed and lives."""

    serial: bytes
    names: list[str]
    not_after: datetime
    spki_sha256: bytes
    contract_id: UUID | None
    contract: str | None


class Covered(msgspec.Struct, frozen=True):
    """How many live certificates of a contract are covered; None for those of no contract."""

    id: UUID | None
    number: int | None
    handle: str | None
    state: str | None
    certificates: int


class Lost(msgspec.Struct, frozen=True):
    """What a contract lost by a case, whether any certificate of it lives, and whether it has had a seal."""

    contract_id: UUID
    number: int
    serials: list[bytes]
    revoked_at: datetime
    alive: bool
    sealed: bool


class Certificate(msgspec.Struct, frozen=True):
    """A certificate in a listing."""

    serial: bytes
    names: list[str]
    contract: str | None
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None
    reason: int | None
    published_at: datetime | None


class Whole(msgspec.Struct, frozen=True):
    """A certificate with the four instants of T11-11: request, revocation, publication, reissue."""

    serial: bytes
    names: list[str]
    contract: str | None
    not_before: datetime
    not_after: datetime
    key_sha256: str
    requested_at: datetime | None
    revoked_at: datetime | None
    published_at: datetime | None
    reissued_at: datetime | None
    reason: int | None
    ground: str | None
    requested_by: str | None
    cases: list[UUID] | None


async def insert_case(conn: Conn, new: NewCase, now: datetime) -> UUID:
    """The id of the new case."""
    case_id, of = uuid7(now), new.scope
    await conn.execute(
        SQL["insert_case"], case_id, new.ground, new.underlying, of.contract_id, of.customer_id, of.spki_sha256,
        of.serials, of.issuer_id, new.reporter, new.note, new.asked_code, new.cps_demands, new.received_at, new.state,
        new.attention, of.incident_id,
    )  # fmt: skip
    return case_id


async def insert_awareness(conn: Conn, case_id: UUID, kind: str, at: datetime, now: datetime) -> None:
    """The CA knew this way at that instant (T11-9)."""
    await conn.execute(SQL["insert_awareness"], uuid7(now), case_id, kind, at, now)


async def case_of(conn: Conn, case_id: UUID) -> Case | None:
    """The case of that id."""
    row = await conn.fetchrow(SQL["cases"], case_id, True, 1, None)
    return _case(dict(row)) if row else None


async def cases(conn: Conn, done: bool, most: int, after: UUID | None = None) -> list[Case]:
    """Cases that are not done, or all; earliest receipt first."""
    return [_case(dict(row)) for row in await conn.fetch(SQL["cases"], None, done, most, after)]


def _case(columns: dict[str, object]) -> Case:
    known, told = KNOWN.decode(str(columns["known"])), TOLD.decode(str(columns["notices"]))
    return Case(**{**columns, "known": known, "notices": told})  # type: ignore[arg-type]


async def to_do(conn: Conn, state: str, most: int) -> list[UUID]:
    """Cases in that state, oldest first."""
    return [row["id"] for row in await conn.fetch(SQL["to_do"], state, most)]


async def lock_case(conn: Conn, case_id: UUID) -> str | None:
    """Its state, which nobody else changes until this transaction ends."""
    state: str | None = await conn.fetchval(SQL["lock_case"], case_id)
    return state


async def set_state(conn: Conn, case_id: UUID, state: str, before: Sequence[str]) -> bool:
    """Whether it had one of the states `before` and has the new one now."""
    return await conn.fetchval(SQL["set_state"], case_id, state, list(before)) is not None


async def shown(conn: Conn, most: int) -> list[UUID]:
    """Cases that are done with revoking and whose revocations are all on CRLs, oldest first."""
    return [row["id"] for row in await conn.fetch(SQL["shown"], most)]


async def set_revoked(conn: Conn, case_id: UUID, at: datetime, result_due_at: datetime | None) -> bool:
    """Whether the case is done with revoking since then by this; None: nobody waits for a result."""
    return await conn.fetchval(SQL["set_revoked"], case_id, at, result_due_at) is not None


async def set_published(conn: Conn, case_id: UUID) -> datetime | None:
    """Since when CRLs show all that the case revoked; None: some do not yet, or it was told before."""
    at: datetime | None = await conn.fetchval(SQL["set_published"], case_id)
    return at


async def attended(conn: Conn, case_id: UUID) -> bool:
    """Whether nobody had looked at it until now."""
    return await conn.fetchval(SQL["attended"], case_id) is not None


async def long_unpaid(conn: Conn, before: date, after: int, most: int) -> list[ContractKey]:
    """Running contracts with an open fee due before that day, that nobody decides about; by number."""
    return many(ContractKey, await conn.fetch(SQL["long_unpaid"], before, after, most))


async def paid_after(conn: Conn, contract_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Case and contract that paid, where certificates were revoked for non-payment, of the contract or of its whole
    customer; somebody has to look at each from now on.
    """
    return [(row["id"], row["contract_id"]) for row in await conn.fetch(SQL["paid_after"], list(contract_ids))]


async def issuing(conn: Conn) -> dict[str, int]:
    """The ids of the issuing CAs, by name."""
    return {row["name"]: row["id"] for row in await conn.fetch(SQL["issuing"])}


async def set_result(
    conn: Conn, case_id: UUID, notice_id: UUID, now: datetime, due_at: datetime | None = None
) -> None:  # fmt: skip
    """The result is told with this notice (T11-6); `due_at` of one that was refused, where nobody waited for it."""
    await conn.execute(SQL["set_result"], case_id, notice_id, now, due_at)


async def set_deadline(conn: Conn, case_id: UUID, until: datetime | None) -> None:
    """By when what the case covers is revoked and published; None: no clock runs."""
    await conn.execute(SQL["set_deadline"], case_id, until)


async def insert_decision(conn: Conn, made: Decision, now: datetime) -> bool:
    """Whether there was no decision of that kind that lives."""
    values = made.case_id, made.kind, made.first, made.second, made.reason, made.code, made.deadline_at
    return await conn.fetchval(SQL["insert_decision"], uuid7(now), *values, now) is not None


async def end_decisions(
    conn: Conn, case_id: UUID, how: str, by: tuple[UUID, UUID] | None, kinds: Sequence[str], now: datetime
) -> list[str]:
    """The kinds of those that lived until now: withdrawn by two people, or lapsed."""
    rows = await conn.fetch(SQL["end_decisions"], case_id, how, *(by or (None, None)), now, list(kinds))
    return [row["kind"] for row in rows]


async def live(
    conn: Conn, scope: Scope, contract_ids: Sequence[UUID], now: datetime, most: int, *, after: bytes = b"",
    code: int | None = None, among: Sequence[UUID] | None = None,
) -> list[Live]:  # fmt: skip
    """What the scope covers and lives, by serial; with `code` revoked ones too whose code is another.

    `among`: of these contracts, and of none. Neither it nor `after` is for what an incident lists: of that those come
    that it has not revoked.
    """
    if scope.incident_id is not None:
        return many(Live, await conn.fetch(SQL["live_of_incident"], scope.incident_id, now, most, code))
    rows = await conn.fetch(
        SQL["live"],
        list(contract_ids),
        scope.spki_sha256,
        scope.serials,
        scope.issuer_id,
        now,
        after,
        most,
        code,
        among,
    )
    return many(Live, rows)


async def covered(conn: Conn, scope: Scope, contract_ids: Sequence[UUID], now: datetime) -> list[Covered]:
    """Live certificates that the scope covers, counted by contract."""
    if scope.incident_id is not None:
        return many(Covered, await conn.fetch(SQL["covered_by_incident"], scope.incident_id, now))
    rows = await conn.fetch(SQL["covered"], list(contract_ids), scope.spki_sha256, scope.serials, scope.issuer_id, now)
    return many(Covered, rows)


async def contracts_of(conn: Conn, scope: Scope) -> dict[UUID, int]:
    """Contracts that the scope names itself, with the numbers of their locks."""
    rows = await conn.fetch(SQL["contracts_of"], scope.contract_id, scope.customer_id, scope.learned_at)
    return {row["id"]: row["number"] for row in rows}


async def asked_about(conn: Conn, scope: Scope) -> list[UUID]:
    """Contracts of the certificates that the scope names, by serial or key; of dead ones too."""
    rows = await conn.fetch(SQL["asked_about"], scope.serials, scope.spki_sha256)
    return [row["contract_id"] for row in rows]


async def revoked_by(conn: Conn, case_id: UUID, found: Mapping[bytes, UUID | None]) -> None:
    """The case revoked these serials, of these contracts."""
    await conn.execute(SQL["revoked_by"], case_id, list(found), list(found.values()))


async def enqueue_crl(conn: Conn, shard: str, attempts: int, now: datetime) -> None:
    """The shard's CRL will be made anew. `shard`: issuer/shard."""
    await conn.execute(SQL["enqueue_crl"], uuid7(now), shard, attempts)


async def lost(conn: Conn, case_id: UUID, now: datetime) -> list[Lost]:
    """What each contract lost by the case."""
    return many(Lost, await conn.fetch(SQL["contracts_revoked"], case_id, now))


async def reissue_pending(conn: Conn, contract_id: UUID, since: datetime, until: datetime) -> None:
    """A running contract waits for a certificate (T12-3)."""
    await conn.execute(SQL["reissue_pending"], contract_id, since, until)


async def end_contract(conn: Conn, contract_id: UUID, now: datetime) -> bool:
    """Whether it ran until now."""
    return await conn.fetchval(SQL["end_contract"], contract_id, now) is not None


async def free_reissue(conn: Conn, contract_id: UUID, case_id: UUID, now: datetime, until: datetime) -> None:
    """No payment blocks the contract meanwhile (T11-13)."""
    await conn.execute(SQL["free_reissue"], contract_id, case_id, now, until)


async def last_payment(conn: Conn, contract_ids: Sequence[UUID]) -> date | None:
    """The value date of the newest payment, or day of the newest credit, of fees of these contracts; None: none was."""
    day: date | None = await conn.fetchval(SQL["last_payment"], list(contract_ids))
    return day


async def confirmed(conn: Conn, contract_ids: Sequence[UUID]) -> bool:
    """Whether conduct of Article 3 is confirmed for each of them."""
    return bool(await conn.fetchval(SQL["confirmed"], list(contract_ids)))


async def certificates(conn: Conn, scope: Scope, now: datetime, dead: bool, most: int) -> list[Certificate]:
    """Certificates of a contract, a customer or a key; newest first."""
    rows = await conn.fetch(
        SQL["certificates"], scope.contract_id, scope.customer_id, scope.spki_sha256, now, dead, most
    )
    return many(Certificate, rows)


async def certificate(conn: Conn, serial: bytes) -> Whole | None:
    """The certificate with that serial number; requested when, before its revocation too, if its customer asked."""
    return one(Whole, await conn.fetchrow(SQL["certificate"], serial, ASKED))
