"""`kill -9` of any process at any point of validation and issuance: a table, and one set of invariants after each."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from acme_server import checkpoint_file, evidence_key, evidence_verify
from acme_server.clock import utc_now
from tests.acceptance.crash import POSTGRES, Deployment, Persistent, until
from tests.acceptance.invariants import violations
from tests.acceptance.purchase import Purchase
from tests.acme_server.client import thumbprint

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACME, OTHER, SIGN, WORK = "acme-1", "acme-2", "sign", "work"
ALL = (ACME, OTHER, SIGN, WORK, POSTGRES)

# what is said where: a piece of the statement's text
RESPOND, RESULT = "WITH responded AS", "'authorization.validated'"
RECORD, COMMIT = "INSERT INTO ca.to_be_signed", "COMMIT"
ALONE = "SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts WHERE handle = 'demo'"
LOAD, STORE, ASK = "FROM gate.decisions\n    WHERE id = t.admission_id", "INSERT INTO ca.certificates", "sign "
CHECKPOINT, VOID, END = (
    "INSERT INTO evidence.checkpoints",
    "ca.void_record(",
    "WITH ended AS (\n    UPDATE acme.orders",
)


@pytest.fixture(scope="module")
def made() -> Iterator[Deployment]:
    """A durable database with a CA and contracts."""
    with tempfile.TemporaryDirectory(prefix="kkill-") as root:
        deployment = Deployment.made(Path(root))
        try:
            yield deployment
        finally:
            deployment.unmade()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(made: Deployment) -> AsyncIterator[Deployment]:
    """Everything runs, and evidence is sealed, so that issuance is open."""
    async with made.running():
        await until(lambda: is_sealed(made), "the first seal")
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def customer(deployment: Deployment) -> AsyncIterator[Persistent]:
    """A new account."""
    async with deployment.account() as made:
        deployment.challenges.thumbprint = thumbprint(made.client.key)
        yield made


async def is_sealed(deployment: Deployment) -> bool:
    """Whether all evidence is in a checkpoint, in the database and in the file."""
    async with deployment.owner() as conn:
        unsealed = await conn.fetchval(
            "SELECT count(*) FROM evidence.records WHERE transaction_id >= coalesce("
            "(SELECT to_transaction FROM evidence.checkpoints ORDER BY number DESC LIMIT 1), '0')"
        )
        latest = await conn.fetchval("SELECT max(number) FROM evidence.checkpoints")
        open_for = await conn.fetchval("SELECT sealed_through_at > now() - interval '50 s' FROM evidence.seal_state")
    if unsealed or not open_for:
        return False
    file = deployment.root / "data/checkpoints.jsonl"
    lines = [one for one in checkpoint_file.read(file, file.stat().st_size) if one is not None]
    return bool(lines) and lines[-1].number == latest


async def check(deployment: Deployment, *purchases: Purchase) -> None:
    """Every invariant holds, of these and of all that was before."""
    for purchase in purchases:
        await purchase.holds()
    left: list[str] = []

    async def nothing_left() -> bool:
        async with deployment.owner() as conn:
            left[:] = await violations(conn, deployment.signed)
        return not left

    try:
        await until(nothing_left, "invariants", patience=8)
    except AssertionError:
        pytest.fail("\n".join(left))
    await until(lambda: is_sealed(deployment), "everything is sealed")
    await verify_evidence(deployment)


async def verify_evidence(deployment: Deployment) -> None:
    """The evidence is whole."""
    data = deployment.root / "data"
    key = evidence_key.load(data / "evidence.key").public_key()
    report = await evidence_verify.verify(deployment.database.dsn(), data / "checkpoints.jsonl", key, utc_now())
    assert report.intact, report.problems


@dataclass(frozen=True)
class Point:
    """Where the link stops, and who is killed there. `step` is the request under way: it goes to acme-1."""

    step: str
    link: str
    text: str
    moment: str
    kill: tuple[str, ...]
    ends: str = "valid"


def point(id: str, step: str, link: str, text: str, moment: str, *kill: str, ends: str = "valid") -> object:
    """A row of the table."""
    return pytest.param(Point(step, link, text, moment, kill, ends), id=id)


PG, ASKING = "/postgres", "/signer"
POINTS = [
    point("response never sent", "challenge", ACME + PG, RESPOND, "before", ACME),
    point("response committed, not answered", "challenge", ACME + PG, RESPOND, "after", ACME),
    point("response committed, both servers die", "challenge", ACME + PG, RESPOND, "after", ACME, OTHER),
    point("response committed, PostgreSQL dies", "challenge", ACME + PG, RESPOND, "after", POSTGRES),
    point("looked, result never sent", "challenge", ACME + PG, RESULT, "before", ACME),
    point("looked, result never sent, PostgreSQL dies", "challenge", ACME + PG, RESULT, "before", POSTGRES),
    point("result committed, not answered", "challenge", ACME + PG, RESULT, "after", ACME),
    point("result committed, PostgreSQL dies", "challenge", ACME + PG, RESULT, "after", POSTGRES),
    point("record never sent", "finalize", ACME + PG, RECORD, "before", ACME),
    point("record never sent, PostgreSQL dies", "finalize", ACME + PG, RECORD, "before", POSTGRES),
    point("record committed, not answered", "finalize", ACME + PG, RECORD, "after", ACME),
    point("record not answered, both servers die", "finalize", ACME + PG, RECORD, "after", ACME, OTHER),
    point("record not answered, PostgreSQL dies", "finalize", ACME + PG, RECORD, "after", POSTGRES),
    point("record not answered, everything dies", "finalize", ACME + PG, RECORD, "after", *ALL),
    point("committed, signer not asked", "finalize", ACME + ASKING, ASK, "before", ACME),
    point("committed, signer dies when asked", "finalize", ACME + ASKING, ASK, "before", SIGN),
    point("signer has read the record", "finalize", SIGN + PG, LOAD, "after", SIGN),
    point("signer has read the record, PostgreSQL dies", "finalize", SIGN + PG, LOAD, "after", POSTGRES),
    point("signed, store never sent", "finalize", SIGN + PG, STORE, "before", SIGN),
    point("signed, store never sent, PostgreSQL dies", "finalize", SIGN + PG, STORE, "before", POSTGRES),
    point("store committed, not answered", "finalize", SIGN + PG, STORE, "after", SIGN),
    point("store committed, PostgreSQL dies", "finalize", SIGN + PG, STORE, "after", POSTGRES),
    point("store committed, server dies too", "finalize", SIGN + PG, STORE, "after", SIGN, ACME),
    point("stored, client never answered", "finalize", ACME + ASKING, ASK, "after", ACME),
    point("stored, everything dies", "finalize", ACME + ASKING, ASK, "after", *ALL),
    point("put off, commit not answered", "deferred", ACME + PG, COMMIT, "after", ACME),
    point("put off, worker dies before the record", "deferred", WORK + PG, RECORD, "before", WORK),
    point("put off, worker dies before the commit", "deferred", WORK + PG, COMMIT, "before", WORK),
    point("put off, worker's commit not answered", "deferred", WORK + PG, COMMIT, "after", WORK),
    point("put off, PostgreSQL dies at the worker's commit", "deferred", WORK + PG, COMMIT, "after", POSTGRES),
    point("put off, worker dies asking the signer", "deferred", WORK + ASKING, ASK, "before", WORK),
    point("put off, stored, worker dies", "deferred", WORK + ASKING, ASK, "after", WORK),
]  # fmt: skip


@pytest.mark.rule("T0-2", "T0-5", "T8-3")
@pytest.mark.parametrize("at", POINTS)
async def test_killed_at(deployment: Deployment, customer: Persistent, at: Point) -> None:
    """The order ends as if nothing had happened, or with a cause; nothing is lost, done twice, or unknown."""
    purchase = Purchase(customer)
    await purchase.place()
    if at.step != "challenge":
        await purchase.until_ready()
    if at.step == "deferred":
        await make_caa_old(deployment, purchase)
    trip = deployment.arm(at.link, at.text, at.moment)
    customer.at(ACME)
    attempt = asyncio.create_task(purchase.attempt(at.step))
    await trip.reached()
    await deployment.kill(*at.kill)
    trip.released.set()
    await attempt
    await deployment.revive()
    if POSTGRES in at.kill:  # a server that lives on may not know that it has the job: nobody does until the lease ends
        await deployment.let_leases_end(of_all=True)
    assert await purchase.until_final() == at.ends
    await check(deployment, purchase)


async def make_caa_old(deployment: Deployment, purchase: Purchase) -> None:
    """CAA was checked long ago: finalize leaves the rest to a worker."""
    async with deployment.owner() as conn:
        await conn.execute(
            "UPDATE acme.authorizations SET caa_checked_at = now() - interval '1 day' WHERE identifier_value = $1",
            purchase.name,
        )


async def test_killed_while_it_waits_for_the_contracts_lock(deployment: Deployment, customer: Persistent) -> None:
    """A fact of the contract is being changed; the server that waited is dead when the lock comes."""
    purchase = Purchase(customer)
    await purchase.place()
    await purchase.until_ready()
    customer.at(ACME)
    async with deployment.owner() as changing:
        async with changing.transaction():
            await changing.execute(ALONE)
            attempt = asyncio.create_task(purchase.attempt("finalize"))
            await until(lambda: somebody_waits(deployment), "finalize waits for the lock")
            await deployment.kill(ACME)
        assert await attempt is None
        status = await changing.fetchval("SELECT status FROM acme.orders WHERE $1 = ANY (names)", purchase.name)
        assert status in ("pending", "processing")  # PostgreSQL may finish the statement that a dead server sent
    await deployment.revive()
    assert await purchase.until_final() == "valid"
    await check(deployment, purchase)


async def somebody_waits(deployment: Deployment) -> bool:
    """Whether a server waits for a contract's lock."""
    async with deployment.owner() as conn:
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7001 AND NOT granted)"
        return bool(await conn.fetchval(waits))


@pytest.mark.parametrize("kill", [(ACME,), (ACME, OTHER), (POSTGRES,), ALL], ids=" and ".join)
async def test_killed_during_the_look(deployment: Deployment, customer: Persistent, kill: tuple[str, ...]) -> None:
    """The look is made again by whoever lives, and by the worker after that one died in it too."""
    purchase, web = Purchase(customer), deployment.challenges
    await purchase.place()
    web.close()
    customer.at(ACME)
    attempt = asyncio.create_task(purchase.attempt("challenge"))
    await asyncio.wait_for(web.asked.wait(), 20)
    await deployment.kill(*kill)
    web.close()
    await deployment.revive()
    await deployment.let_leases_end(of_all=True)
    await asyncio.wait_for(web.asked.wait(), 20)
    await deployment.kill(WORK)
    web.open.set()
    await attempt
    await deployment.revive()
    assert await purchase.until_final() == "valid"
    await check(deployment, purchase)


async def test_stopped_during_the_look_and_late(deployment: Deployment, customer: Persistent) -> None:
    """A server that sleeps past its lease comes back with a result under an old fence: it changes nothing."""
    purchase, web = Purchase(customer), deployment.challenges
    await purchase.place()
    web.close()
    customer.at(ACME)
    attempt = asyncio.create_task(purchase.attempt("challenge"))
    await asyncio.wait_for(web.asked.wait(), 20)
    deployment.pause(ACME)
    web.open.set()
    late = replace(purchase, customer=customer.elsewhere(OTHER))
    assert await late.until_final() == "valid"
    deployment.go_on(ACME)
    await attempt
    await check(deployment, late)


@pytest.mark.rule("T0-2")
@pytest.mark.parametrize("fate", ["killed", "stopped"])
async def test_signer_that_signed_and_never_stored_in_time(
    deployment: Deployment, customer: Persistent, fate: str
) -> None:
    """The order ends at its deadline with a cause; what was signed is revoked, and cannot be stored any more."""
    purchase = Purchase(customer)
    await purchase.place()
    await purchase.until_ready()
    trip, before = deployment.arm(SIGN + PG, STORE, "before", cut=fate == "killed"), len(deployment.signed)
    attempt = asyncio.create_task(purchase.attempt("finalize"))
    await trip.reached()
    if fate == "killed":
        await deployment.kill(SIGN)
    else:
        deployment.pause(SIGN)
    await deployment.let_deadlines_pass()
    assert await purchase.until_final() == "invalid"
    if fate == "stopped":
        deployment.go_on(SIGN)
    trip.released.set()
    await attempt
    await deployment.revive()
    assert len(deployment.signed) > before
    await check(deployment, purchase)


@pytest.mark.rule("T0-2")
@pytest.mark.parametrize("kill", [(WORK,), (POSTGRES,)], ids=" and ".join)
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param(VOID, "after", id="record void"),
        pytest.param(END, "after", id="order invalid"),
        pytest.param(COMMIT, "before", id="commit never sent"),
        pytest.param(COMMIT, "after", id="commit not answered"),
    ],
)
async def test_killed_while_it_ends_a_late_order(
    deployment: Deployment, customer: Persistent, text: str, moment: str, kill: tuple[str, ...]
) -> None:
    """Record, order, revocation and job end together, however often it is begun."""
    purchase = Purchase(customer)
    await purchase.place()
    await purchase.until_ready()
    await deployment.kill(SIGN)
    customer.at(OTHER)
    answer = await purchase.attempt("finalize")
    assert answer is not None
    assert answer.json["status"] == "processing"
    trip = deployment.arm(WORK + PG, text, moment)
    await deployment.let_deadlines_pass()
    await trip.reached()
    await deployment.kill(*kill)
    trip.released.set()
    await deployment.revive()
    assert await purchase.until_final() == "invalid"
    await check(deployment, purchase)


async def test_worker_killed_with_a_lease_of_an_order(deployment: Deployment, customer: Persistent) -> None:
    """The server dies with the order, then the worker that took it over does."""
    purchase = Purchase(customer)
    await purchase.place()
    await purchase.until_ready()
    customer.at(ACME)
    for name, step in ((ACME, purchase.attempt("finalize")), (WORK, deployment.let_leases_end())):
        trip = deployment.arm(name + ASKING, ASK, "before")
        task = asyncio.create_task(step)
        await trip.reached()
        await deployment.kill(name)
        trip.released.set()
        await task
    await deployment.revive()
    assert await purchase.until_final() == "valid"
    await check(deployment, purchase)


@pytest.mark.parametrize("kill", [(WORK,), (POSTGRES,), (WORK, POSTGRES)], ids=" and ".join)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_in_the_middle_of_a_seal(
    deployment: Deployment, customer: Persistent, moment: str, kill: tuple[str, ...]
) -> None:
    """The checkpoint is in the database, not in the file, or in neither: the next sealer goes on from there."""
    trip = deployment.arm(WORK + PG, CHECKPOINT, moment)
    purchase = Purchase(customer)
    await purchase.place()  # which leaves evidence to seal
    await trip.reached()
    await deployment.kill(*kill)
    trip.released.set()
    await deployment.revive()
    assert await purchase.until_final() == "valid"
    await check(deployment, purchase)


DAMAGES = [
    "UPDATE acme.orders SET status = 'processing', certificate_id = NULL, deadline_at = now() WHERE id = $1",
    "UPDATE acme.orders SET status = 'invalid', certificate_id = NULL, error = NULL WHERE id = $1",
    "UPDATE acme.authorizations SET challenge_status = 'processing', status = 'pending', validated_at = NULL"
    " WHERE id = ANY ((SELECT authorization_ids FROM acme.orders WHERE id = $1)::uuid[])",
    "DELETE FROM acme.issuances WHERE order_id = $1",
    "UPDATE ca.to_be_signed SET state = 'void' WHERE id = (SELECT certificate_id FROM acme.orders WHERE id = $1)",
    "UPDATE ca.to_be_signed SET state = 'admitted' WHERE id = (SELECT certificate_id FROM acme.orders WHERE id = $1)",
    "DELETE FROM ca.certificates WHERE id = (SELECT certificate_id FROM acme.orders WHERE id = $1)",
    "DELETE FROM gate.contract_starts WHERE contract_id = (SELECT contract_id FROM acme.orders WHERE id = $1)",
    "DELETE FROM evidence.records WHERE $1::uuid IS NOT NULL AND kind = 'certificate.signed'",
    "DELETE FROM evidence.records WHERE $1::uuid IS NOT NULL AND kind = 'authorization.validated'",
    "DELETE FROM evidence.records WHERE $1::uuid IS NOT NULL AND kind = 'gate.decided'",
    "INSERT INTO acme.jobs (id, kind, subject, max_attempts, dead) VALUES ($1, 'crl', 'x', 1, true)",
]


async def test_every_invariant_is_seen_broken(deployment: Deployment, customer: Persistent) -> None:
    """The damage is done in a transaction that is undone: none of it goes unnoticed."""
    purchase = Purchase(customer)
    await purchase.place()
    assert await purchase.until_final() == "valid"
    await check(deployment, purchase)
    async with deployment.owner() as conn:
        for damage in DAMAGES:
            undo = conn.transaction()
            await undo.start()
            await conn.execute("SET LOCAL session_replication_role = replica")  # no trigger stands in the way
            await conn.execute(damage, UUID(purchase.url.rpartition("/")[2]))
            assert await violations(conn, deployment.signed), damage
            await undo.rollback()
