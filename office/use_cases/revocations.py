"""Cases of revocation are executed, published and told of. Article 11.

Every step is a transaction that finds what is left to do, so it goes on after a death at any point and does nothing
twice: what is revoked is no longer live, and a state moves once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ca import storage as ca
from contract_gate.articles.article_11_revocation import KEY_COMPROMISE, Ground, after_payment, code_of, ground_of
from contract_gate.articles.article_11_revocation import danger as in_danger
from contract_gate.calendar import jst_date
from office.storage import case_deadlines, reports, revocations
from office.storage.changing import changing
from office.storage.revocations import Case, Live, Scope
from office.use_cases import acme_cases, aftermath, announcing, case_decisions, cases, results
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening, Standing, case_named, scope
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import append, entry

AT_ONCE = 100  # certificates a transaction
CASES_AT_ONCE = 50
CRL_ATTEMPTS = 1000  # as of every CRL job
WATCHED = 1000  # cases, results and reports, whose deadlines are the nearest
FREE_REISSUE = timedelta(days=30)
REPORT_SPAN = timedelta(hours=24)  # for the preliminary answer to a problem report
ENDS = {"cancelled": "cancellation", "rescinded": "rescinded", "antisocial": "rescinded_antisocial",
        "service_ended": "service_end"}  # fmt: skip
PROCESS = "process:office"

Progress = Callable[[int], None]


class Danger(msgspec.Struct, frozen=True):
    """A case, its result or a report whose deadline runs; `span` is all the time that it gives."""

    subject: UUID
    kind: str
    deadline_at: datetime
    span: timedelta


async def on_end(conn: Conn, contract_id: UUID, cause: str, now: datetime) -> UUID:
    """The end of a contract revokes all its certificates (A11.2, A11.4.9, A23.1), in the transaction that ends it.

    `cause`: cancelled, rescinded, antisocial (rescinded after Article 13), or service_ended. That end decides the case;
    the office's sweep executes it.
    """
    known = "request" if cause == "cancelled" else "recorded"
    opening = Opening(ENDS[cause], Scope(contract_id=contract_id), "the end of the contract", cause, now, known)  # type: ignore[arg-type]
    return await cases.opened(conn, opening, now, state="decided", attention=False)


async def execute(conn: Conn, case: str, now: datetime, progress: Progress | None = None) -> Standing:
    """What the case covers is revoked; the CRLs will say so. A decided case begins, a begun one goes on. Raises Unfit.

    While a notice that comes before has not left us, its contract's certificates wait and the case stays `executing`;
    the office's sweep goes on (T11-5).
    """
    wanted = await case_named(conn, case)
    if wanted.incident_id is not None:
        raise Unfit(f"the case is that of an incident: `keiyaku incident run {wanted.incident_id}` goes on with it")
    await begin(conn, wanted, now)
    found = await case_named(conn, case)
    if found.state == "executing":
        await revoke_all(conn, found, now, progress)
    return await cases.standing(conn, case, now)


async def begin(conn: Conn, found: Case, now: datetime) -> None:
    """The case executes from now on; the notices that come before are in the outbox (T11-5). Raises Unfit.

    One that executes already, or is done, stays as it is: nodes share the work.
    """
    ground = ground_of(found.ground, found.underlying)
    contracts = await revocations.contracts_of(conn, scope(found))
    lapsed = False
    async with changing(conn, *contracts.values()):
        match await revocations.lock_case(conn, found.id):
            case "executing" | "revoked" | "published":
                return
            case "decided":
                pass
            case state:
                raise Unfit(f"the case is {state}: two people decide first, with `keiyaku revocation decide`")
        lapsed = found.ground == "unpaid" and await _lapsed(conn, found, list(contracts), now)
        if not lapsed:
            await revocations.set_state(conn, found.id, "executing", ["decided"])
            await _looked_at(conn, found, list(contracts))
            for contract_id in contracts if ground.ends else ():
                await case_decisions.end_contract(conn, contract_id, found, ground, now)
            if ground.notice_before:
                await announcing.announce(conn, found, _code(found, ground), now)
    if lapsed:
        raise Unfit("the fee was paid after the decision, which has lapsed: its deciders decide again (A11.4.4)")


async def _looked_at(conn: Conn, found: Case, contract_ids: Sequence[UUID]) -> None:
    """What two people decided waits for nobody's look any more; what the ledger decided by itself does.

    So does a case under A11.4.4 of which a fee was paid since the decision, though it executes (T11-12).
    """
    if found.decided_at is None:
        return
    paid_on = await revocations.last_payment(conn, contract_ids) if found.ground == "unpaid" else None
    if paid_on is None or paid_on < jst_date(found.decided_at):
        await revocations.attended(conn, found.id)


async def _lapsed(conn: Conn, found: Case, contract_ids: Sequence[UUID], now: datetime) -> bool:
    """Whether a payment since took the decision away (A11.4.4). Raises Unfit when two people must withdraw it.

    A small rest that it left takes nothing back: a deducted bank charge never revokes (T8-15).
    """
    paid_on = await revocations.last_payment(conn, contract_ids)
    if paid_on is None or found.decided_at is None:
        return False
    if any([await case_decisions.in_default(conn, each, now) for each in contract_ids]):
        return False
    match after_payment(found.decided_at, paid_on, found.material_at is not None):
        case "withdraw":
            raise Unfit("the fee was paid by the day of the decision: two people `keiyaku revocation withdraw` it")
        case "lapse":
            await revocations.end_decisions(conn, found.id, "lapsed", None, ("revoke",), now)
            await revocations.set_state(conn, found.id, "open", ["decided"])
            row = entry("revocation.lapsed", PROCESS, now, contract_id=found.contract_id, rule="T11-12", case=found.id)
            await append(conn, row)
            return True
        case "proceed":
            return False


async def revoke_all(conn: Conn, found: Case, now: datetime, progress: Progress | None = None) -> bool:
    """Whether everything the case covers is revoked, a hundred at a time in order of serial, and the case says so.

    What waits for the notice before it, stays for another time (T11-5).
    """
    ground = ground_of(found.ground, found.underlying)
    code = _code(found, ground)
    upgrade = KEY_COMPROMISE if code == KEY_COMPROMISE else None
    among = await announcing.told(conn, found, code, now) if ground.notice_before else None
    ids, after, done = list(await revocations.contracts_of(conn, scope(found))), b"", 0
    while True:
        async with conn.transaction():
            batch = await revocations.live(
                conn, scope(found), ids, now, AT_ONCE, after=after, code=upgrade, among=among
            )  # fmt: skip
            await _block_keys(conn, found, ground, code, batch, now)
            await revoke_these(conn, found, ground, code, batch, now)
            if not batch:
                break
        after, done = batch[-1].serial, done + len(batch)
        if progress is not None:
            progress(done)
    await free_reissues(conn, found, now)
    async with conn.transaction():
        if among is not None and await revocations.live(conn, scope(found), ids, now, 1, code=upgrade):
            return False
        await finish(conn, found, now)
    return True


def _code(found: Case, ground: Ground) -> int | None:
    return found.code if found.decided_at else code_of(ground, found.asked_code, found.material_at is not None)


async def revoke_some(conn: Conn, found: Case, most: int, now: datetime) -> list[bytes]:
    """Up to so many of what an incident's case covers are revoked in the caller's transaction: which. None: all are.

    Their keys are blocked where the ground is their compromise (C-076).
    """
    ground = ground_of(found.ground, found.underlying)
    code = code_of(ground, None, material=False)
    batch = await revocations.live(conn, scope(found), [], now, most, code=code if code == KEY_COMPROMISE else None)
    await _block_keys(conn, found, ground, code, batch, now)
    await revoke_these(conn, found, ground, code, batch, now)
    return [each.serial for each in batch]


async def _block_keys(
    conn: Conn, found: Case, ground: Ground, code: int | None, batch: Sequence[Live], now: datetime
) -> None:
    """What is revoked as compromised is refused from now on: the case's key, and each of these (T11-3, C-076)."""
    keys = {found.spki_sha256, *(each.spki_sha256 for each in batch)} if code == KEY_COMPROMISE else set()
    for key in sorted(each for each in keys if each is not None):
        await ca.block_key(conn, key, f"{ground.clause}, case {found.id}", now, actor=PROCESS)


async def finish(conn: Conn, found: Case, now: datetime) -> None:
    """The case is done with revoking, and its customers are told, in the caller's transaction; once."""
    ground = ground_of(found.ground, found.underlying)
    if await results.revoked(conn, found.id, ground, scope(found), now, now):
        await aftermath.follow(conn, found, ground, now)


async def revoke_these(
    conn: Conn, found: Case, ground: Ground, code: int | None, batch: Sequence[Live], now: datetime
) -> None:
    """These are revoked by the case, in the caller's transaction; the CRLs will say so."""
    shards, done = set(), {}
    for each in batch:
        shard = await ca.revoke(
            conn, each.serial, reason=code, ground=f"{found.ground} ({ground.clause})", requested_by=f"case:{found.id}",
            requested_at=found.received_at, now=now, contract_id=each.contract_id,
        )  # fmt: skip
        if shard is None and code == KEY_COMPROMISE:
            shard = await ca.upgrade_reason_to_key_compromise(
                conn, each.serial, requested_by=f"case:{found.id}", now=now, contract_id=each.contract_id
            )
        if shard is not None:
            shards.add(f"{shard.issuer_id}/{shard.shard}")
            done[each.serial] = each.contract_id
    await revocations.revoked_by(conn, found.id, done)
    for name in sorted(shards):  # in one order, so that nobody waits in a circle
        await revocations.enqueue_crl(conn, name, CRL_ATTEMPTS, now)


async def free_reissues(conn: Conn, found: Case, now: datetime) -> None:
    """Under A11.4.8 new certificates of the contracts that lost some are free (T11-13); done again it changes nothing.

    A hundred contracts at a time hold their locks.
    """
    if ground_of(found.ground, found.underlying).clause != "A11.4.8":
        return
    everybody = await revocations.lost(conn, found.id, now)
    for some in (everybody[at : at + AT_ONCE] for at in range(0, len(everybody), AT_ONCE)):
        async with changing(conn, *(each.number for each in some)):
            for each in some:
                await revocations.free_reissue(conn, each.contract_id, found.id, now, now + FREE_REISSUE)
                row = entry(
                    "reissue.freed", PROCESS, now, contract_id=each.contract_id, rule="T11-13", clause="A11.4.8",
                    case=found.id, until=now + FREE_REISSUE,
                )  # fmt: skip
                await append(conn, row)


async def go_on(conn: Conn, now: datetime) -> int:
    """Cases that the end of a contract decided, and those that a death interrupted, are executed. Returns how many.

    What people decided, people execute. What has a notice before waits until it has left us, five minutes at most.
    """
    done = 0
    for case_id in await revocations.to_do(conn, "decided", CASES_AT_ONCE):
        await begin(conn, await case_named(conn, str(case_id)), now)
    for case_id in await revocations.to_do(conn, "executing", CASES_AT_ONCE):
        found = await case_named(conn, str(case_id))
        done += await revoke_all(conn, found, now)
    return done


async def settle(conn: Conn, now: datetime) -> int:
    """Cases whose revocations are all on CRLs are published, and those who asked hear the result (T11-6, T11-11)."""
    done = 0
    for case_id in await revocations.shown(conn, CASES_AT_ONCE):
        async with conn.transaction():
            at = await revocations.set_published(conn, case_id)
            if at is None:
                continue
            done += 1
            found = await case_named(conn, str(case_id))
            if ground_of(found.ground, found.underlying).asked:
                await results.told(conn, found, scope(found), at, now)
            until = found.deadline_at
            row = entry(
                "revocation.published", PROCESS, now, contract_id=found.contract_id, rule="T11-9", case=case_id,
                published_at=at, deadline=until, in_time=until is None or at <= until,
            )  # fmt: skip
            await append(conn, row)
    return done


async def dangers(conn: Conn, now: datetime) -> list[Danger]:
    """Deadlines that run, the nearest first: of cases until they are published, of results until those who asked are
    told, of reports until they are answered.
    """
    found = [
        Danger(case.id, "revocation", case.deadline_at, ground_of(case.ground, case.underlying).span)
        for case in await case_deadlines.clocks(conn, WATCHED)
    ]
    found += [
        Danger(each.id, "result of a revocation", each.due_at, each.due_at - each.since)
        for each in await case_deadlines.results_due(conn, WATCHED)
    ]
    found += [
        Danger(report.id, "problem report", report.received_at + REPORT_SPAN, REPORT_SPAN)
        for report in await reports.reports(conn, False, WATCHED)
        if report.preliminary_at is None
    ]
    return sorted(found, key=lambda danger: danger.deadline_at)


async def warn(conn: Conn, now: datetime) -> int:
    """Officers are told of each deadline in danger, once at each threshold. Returns how many notices."""
    told = 0
    for each in await dangers(conn, now):
        passed = in_danger(each.deadline_at, each.span, now)
        if passed is None:
            continue
        async with conn.transaction():
            if await case_deadlines.warn(conn, each.subject, each.kind, int(passed.total_seconds()), now):
                subject = f"{each.kind} {each.subject}"
                await notify(
                    conn, "deadline_in_danger", now, subject=subject, deadline=each.deadline_at.isoformat()
                )  # fmt: skip
                told += 1
    return told


async def sweep(pool: Pool, now: datetime) -> None:
    """What the office does about revocations by itself; safe on many nodes."""
    async with pool.acquire() as conn:
        await warn(conn, now)  # first: what fails below does not hush it
        await acme_cases.take_acme(conn, now)
        await go_on(conn, now)
        await settle(conn, now)
