"""Decisions marked (2p) that one person proposes through the API and another confirms; the one use case decides.

Two different persons by a constraint of the database on the proposal, and again on what is decided. `proof` is that of
a token of which the database has the hash: what is vouched for is decided by two of them (sql: office.vouched).
"""

from datetime import datetime, timedelta

import msgspec

from office.storage import proposals as stored
from office.storage import tokens, vouched
from office.storage.changing import changing
from office.storage.people import Person
from office.storage.proposals import Proposal as Proposal
from office.storage.tokens import Caller
from office.use_cases import asked, tenants, trial
from office.use_cases.acceptance import Access
from office.use_cases.asked import NoSuch, Unfit, id_of, one_of
from office.use_cases.deciding import KINDS, contract_of, converted
from office.use_cases.kinds import Deciding
from sql import Conn
from sql.evidence import append, entry

LIFETIME = timedelta(days=7)


class Parted(Proposal, frozen=True):
    """A proposal with the part of a secret that is shown this once, to who proposed or who confirmed it."""

    secret_part: str


def visible(role: str) -> list[str]:
    """Kinds that a role may read: what it may propose or confirm; an auditor all but those of holds (T13-3)."""
    if role == "auditor":
        return [name for name, kind in KINDS.items() if not kind.secret]
    return [name for name, kind in KINDS.items() if role in kind.proposers | kind.confirmers]


async def propose(
    conn: Conn, caller: Caller, kind: str, arguments: object, now: datetime, proof: bytes = b""
) -> Proposal:
    """The proposal waits for another person, for a week; it could be confirmed at once. Raises Unfit."""
    chosen = KINDS[one_of("kind", kind, [name for name, each in KINDS.items() if caller.role in each.proposers])]
    given = converted(chosen.given, arguments)
    contract_id, who = await contract_of(conn, given), await person(conn, caller)
    given = await chosen.fit(conn, given, now) if chosen.fit else given
    given, part = chosen.first_part(given) if chosen.first_part else (given, None)
    async with conn.transaction():
        if not chosen.vouched:
            await trial.tried(conn, kind, given, who, now)
        arguments_json = msgspec.json.encode(given, order="deterministic").decode()
        made = await stored.insert(conn, kind, contract_id, arguments_json, who.id, now + LIFETIME, now)
        if chosen.vouched and not await vouched.first(conn, made, proof, now):
            raise Unfit(f"'{kind}' is proposed with a token of one's own alone")
        row = entry(
            "proposal.made", asked.actor(who), now, contract_id=contract_id, rule="T17-1", proposal=made, decision=kind
        )
        await append(conn, row)
    return with_part(await named(conn, caller, str(made), now), part)


def with_part(found: Proposal, part: object) -> Proposal:
    """The proposal, with the part of a secret if there is one."""
    return Parted(**msgspec.structs.asdict(found), secret_part=part) if isinstance(part, str) else found


async def person(conn: Conn, caller: Caller) -> Person:
    """The natural person who calls. Raises Unfit for a service."""
    if caller.handle is None:
        raise Unfit("a service decides nothing: use the token of a person")
    return await asked.person(conn, caller.handle)


async def named(conn: Conn, caller: Caller, proposal: str, now: datetime) -> Proposal:
    """The proposal of an id, of a kind that the caller may read. Raises Unfit."""
    return await _of_kinds(conn, proposal, visible(caller.role), now)


async def _of_kinds(conn: Conn, proposal: str, kinds: list[str], now: datetime) -> Proposal:
    found = await stored.proposal_of(conn, id_of("proposal", proposal), now)
    if found is None or found.kind not in kinds:
        raise NoSuch(proposal, f"there is no proposal '{proposal}'")
    return found


async def listed(conn: Conn, caller: Caller, cursor: str | None, most: int, now: datetime) -> tenants.Page[Proposal]:
    """A page of proposals of kinds that the caller may read, newest first. Raises Unfit."""
    before = tenants.id_after(cursor)
    rows = await stored.proposals(conn, visible(caller.role), now, before, most + 1)
    return tenants.page(rows, most, lambda each: each.id)


async def confirm(
    conn: Conn, caller: Caller, proposal: str, access: Access, now: datetime, proof: bytes = b""
) -> Proposal:
    """Another person confirms it and it is decided, or nothing is. Raises Unfit."""
    found, who = await named(conn, caller, proposal, now), await person(conn, caller)
    confirmers = KINDS[found.kind].confirmers
    if caller.role not in confirmers:
        raise Unfit(f"'{found.kind}' is confirmed by {', '.join(sorted(confirmers))}")
    part = await _decide(conn, found, who, access, now, proof)
    return with_part(await named(conn, caller, proposal, now), part)


async def _decide(
    conn: Conn, found: Proposal, who: Person, access: Access, now: datetime, proof: bytes | None
) -> str | None:
    """The part of a secret that is for the second. `proof`: None where a command confirms, as the operator."""
    if found.proposed_by == who.handle:
        raise Unfit("two different people must decide this: another one than who proposed it confirms it")
    kind = KINDS[found.kind]
    async with changing(conn, *[found.contract_number] if found.contract_number else []):
        if not await stored.confirm(conn, found.id, who.id, now):
            raise Unfit("the proposal is not open any more: it was confirmed or withdrawn, or has expired")
        row = entry(
            "proposal.confirmed", asked.actor(who), now, contract_id=found.contract_id, rule="T17-1", proposal=found.id,
            decision=found.kind,
        )  # fmt: skip
        await append(conn, row)
        given = msgspec.json.decode(found.arguments, type=kind.given)
        by_tokens = found.id if kind.vouched and await vouched_for(conn, found, proof, now) else None
        done = await kind.decide(
            Deciding(conn, given, found.proposed_by, who.handle, access, found.proposed_at, now, by_tokens)
        )
    return done if kind.first_part and isinstance(done, str) else None


async def vouched_for(conn: Conn, found: Proposal, proof: bytes | None, now: datetime) -> bool:
    """Whether both vouched for it with their tokens; else who proposed it did, and a command confirms. Raises Unfit."""
    if proof is None and await vouched.first_stands(conn, found.id):
        return False
    if proof is not None and await vouched.second(conn, found.id, proof, now):
        return True
    raise Unfit(
        "the token with which this was proposed is withdrawn, or the proposal is not as it was: propose it anew"
    )


async def withdraw(conn: Conn, caller: Caller, proposal: str, now: datetime) -> Proposal:
    """Who proposed it takes it back. Raises Unfit."""
    found, who = await named(conn, caller, proposal, now), await person(conn, caller)
    async with conn.transaction():
        if not await stored.withdraw(conn, found.id, who.id, now):
            raise Unfit("only who proposed it withdraws it, while it is open")
        row = entry(
            "proposal.withdrawn", asked.actor(who), now, contract_id=found.contract_id, rule="T17-1", proposal=found.id
        )
        await append(conn, row)
    return await named(conn, caller, proposal, now)


async def confirm_at_desk(conn: Conn, proposal: str, person: str, access: Access, now: datetime) -> Proposal:
    """The same by command, for who has a token of a role that confirms: never a hold, which is compliance's (T13-3).

    Raises Unfit.
    """
    found, who = await _of_kinds(conn, proposal, visible("auditor"), now), await asked.person(conn, person)
    confirmers = KINDS[found.kind].confirmers
    if not confirmers & await tokens.roles(conn, who.id, now):
        raise Unfit(f"'{found.kind}' is confirmed by {', '.join(sorted(confirmers))}: '{person}' has no such token")
    part = await _decide(conn, found, who, access, now, None)
    return with_part(await _of_kinds(conn, proposal, [found.kind], now), part)


async def at_desk(conn: Conn, now: datetime) -> list[Proposal]:
    """Proposals that officers may confirm by command, newest first."""
    return await stored.proposals(conn, visible("auditor"), now, None, asked.MOST)
