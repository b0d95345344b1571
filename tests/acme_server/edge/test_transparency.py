"""Certificate Transparency over HTTP: logs are real servers, the signer is the real one; each step fails in turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from structlog.testing import capture_logs

from acme_server import worker
from acme_server.clock import utc_now
from acme_server.storage import jobs
from acme_server.use_cases import issue, log_list, readiness
from acme_server.use_cases.log_list import Source, Transparency
from ca.ct_publisher import publisher
from ca.log_lists import LogLists
from ca.signer_client import CrlMade, SignAnswer, SignerClient
from tests.acme_server.client import Client, leaf
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready
from tests.simulators.ct_log import ListPublisher, SimulatedLog, list_logs, running, three
from tests.simulators.ct_log import log_list as list_of

NAME = "www.demo.test"
ISSUE = ["issue"]
COUNTS = """SELECT (SELECT count(*) FROM ca.to_be_signed), (SELECT count(*) FROM ca.precertificates),
    (SELECT count(*) FROM ca.final_records), (SELECT count(*) FROM ca.certificates),
    (SELECT count(*) FROM ca.revocations)"""
ONE_OF_EACH, NO_CERTIFICATE = (1, 1, 1, 1, 0), (1, 1, 0, 0, 1)


@dataclass
class Logged:
    """A server whose certificates need SCTs, and its logs."""

    served: Served
    logs: Sequence[SimulatedLog]

    @property
    def transparency(self) -> Transparency:
        found = self.served.context.transparency
        assert found is not None
        return found

    async def counts(self) -> tuple[int, ...]:
        """Records, precertificates, final records, certificates, revocations."""
        found = await self.served.owner.fetchrow(COUNTS)
        assert found is not None
        return tuple(found)

    async def list_them(self, later: timedelta = timedelta(0)) -> None:
        """The list of the logs, as they are now, counts."""
        now = utc_now()
        content = list_of(self.logs, now + later)
        assert await list_logs(self.served.owner, content, now)
        await self.transparency.refresh(self.served.context.pool)

    def modes(self, *modes: str) -> None:
        """How the logs behave from now on."""
        for log, mode in zip(self.logs, modes, strict=True):
            log.mode = mode


@asynccontextmanager
async def logging(served: Served, logs: Sequence[SimulatedLog], source: Path) -> AsyncIterator[Logged]:
    """The server needs SCTs, and asks these logs."""
    root = await served.owner.fetchval("SELECT certificate FROM ca.issuers WHERE kind = 'root'")
    roots = [x509.load_der_x509_certificate(root)]
    for log in logs:
        log.roots = roots
    async with running(logs), ClientSession() as session:
        served.context.transparency = Transparency(
            session, Source(source), LogLists(None), log_seconds=20.0, patience=20.0
        )
        made = Logged(served, logs)
        await made.list_them()
        yield made


@pytest.fixture
async def logged(served: Served, tmp_path: Path) -> AsyncIterator[Logged]:
    async with logging(served, three([], utc_now), tmp_path / "logs.json") as made:
        yield made


def scts(pem: bytes) -> Sequence[x509.certificate_transparency.SignedCertificateTimestamp]:
    """Those in a certificate."""
    found = leaf(pem).extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    return list(found.value)


@pytest.mark.std("C-128", "C-131", "C-126")
@pytest.mark.parametrize(("profile", "number"), [("tlsserver", 3), ("shortlived", 2)])
async def test_certificates_have_as_many_scts_as_their_lifetime_needs(
    logged: Logged, profile: str, number: int
) -> None:
    client = await logged.served.registered()
    pem = await client.certificate(NAME, profile=profile)
    found = [sct.log_id for sct in scts(pem)]
    assert len(set(found)) == len(found) == number
    by_id = {log.id: log for log in logged.logs}
    assert {by_id[one].operator for one in found} == {"Ume", "Take"}
    assert not all(by_id[one].tiled for one in found)
    assert await logged.counts() == ONE_OF_EACH


@pytest.mark.std("C-122", "C-125")
async def test_what_logs_saw_is_what_was_stored_and_leads_to_the_certificate(logged: Logged) -> None:
    client = await logged.served.registered()
    made = leaf(await client.certificate(NAME))
    stored = x509.load_der_x509_certificate(await logged.served.owner.fetchval("SELECT der FROM ca.precertificates"))
    assert stored.serial_number == made.serial_number
    kinds = [row["kind"] for row in await logged.served.owner.fetch(
        "SELECT kind FROM evidence.records WHERE kind ~ '(signed|scts)' ORDER BY id")]  # fmt: skip
    assert [kind for kind in kinds if not kind.startswith("crl")] == [
        "precertificate.signed", "scts.recorded", "certificate.signed"
    ]  # fmt: skip
    assert [len(log.taken) for log in logged.logs] == [1, 1, 1]


async def test_logs_that_are_slow_are_waited_for_after_the_answer(logged: Logged) -> None:
    client = await logged.served.registered()
    url, order = await ready(client, NAME)
    logged.modes("hang", "good", "good")
    context = logged.served.context
    context.limits = replace(context.limits, inline_wait=timedelta(milliseconds=50))
    begun = await client.finalize(order)
    assert (begun.status, begun.json["status"], begun.headers["Retry-After"]) == (200, "processing", "1")
    logged.logs[0].mode = "good"
    logged.logs[0].gate.set()
    await asyncio.wait(context.tasks)
    assert (await client.post(url)).json["status"] == "valid"


HOSTILE = ("bad_signature", "wrong_log_id", "future", "old", "version_2", "error", "garbage", "huge", "lost")


@pytest.mark.std("C-127", "C-128")
async def test_hostile_logs_are_replaced_by_spare_ones(served: Served, tmp_path: Path) -> None:
    hostile = [SimulatedLog(mode, mode, [], utc_now, mode=mode) for mode in HOSTILE]
    async with logging(served, [*three([], utc_now), *hostile], tmp_path / "x") as logged:
        client = await served.registered()
        for _ in range(3):
            found = {sct.log_id for sct in scts(await client.certificate(NAME))}
            assert found == {log.id for log in logged.logs[:3]}


# what fails, and is tried again ---------------------------------------------------------------------------------------
async def begun(logged: Logged) -> tuple[Client, str]:
    """An order in processing whose record no signer has seen; its job waits."""
    client = await logged.served.registered()
    url, order = await ready(client, NAME)
    context = logged.served.context
    signer, context.signer = context.signer, SignerClient(Path("/nonexistent"))
    assert (await client.finalize(order)).json["status"] == "processing"
    context.signer = signer
    return client, url


async def work(logged: Logged) -> None:
    """A worker takes the job, whoever held it before is dead, and does what it can."""
    context = logged.served.context
    await logged.served.owner.execute("UPDATE acme.jobs SET run_at = now(), locked_until = NULL WHERE kind = 'issue'")
    for job in await jobs.claim(context.pool, 1, "another", 60.0, ISSUE):
        await worker.work(context, job)


class Killed(BaseException):
    """The process died."""


class MortalSigner(SignerClient):
    """The real signer's client, in a process that dies before or after its n-th question took effect."""

    def __init__(self, signer: SignerClient, call: int, *, after: bool) -> None:
        super().__init__(signer.socket_path)
        self.call, self.after = call, after

    async def sign(self, record_id: UUID, timeout: float) -> SignAnswer:
        self.call -= 1
        if self.call == 0 and not self.after:
            raise Killed
        answer = await super().sign(record_id, timeout)
        if self.call == 0:
            raise Killed
        return answer


class MortalPool:
    """The real pool, in a process that dies before or after a statement that names `what` took effect."""

    def __init__(self, pool: Any, what: str, *, after: bool) -> None:
        self.pool, self.what, self.after = pool, what, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pool, name)

    async def execute(self, statement: str, *values: object) -> str:
        if self.what in statement and not self.after:
            raise Killed
        done: str = await self.pool.execute(statement, *values)
        if self.what in statement:
            raise Killed
        return done


async def killed(logged: Logged) -> None:
    """The worker dies at what was planted."""
    with pytest.raises(Killed):
        await work(logged)


async def killed_asking(logged: Logged, mode: str) -> None:
    """The worker dies while a log does not answer: it has seen the precertificate in mode `stuck`, in `hang` not."""
    logged.modes("good", mode, "good")
    task = asyncio.create_task(work(logged))
    while not logged.logs[1].asked:
        await asyncio.sleep(0)
    while mode == "stuck" and not logged.logs[1].taken:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    logged.modes("good", "good", "good")
    logged.logs[1].gate.set()


def signer_dies(call: int, *, after: bool) -> Callable[[Logged], Awaitable[None]]:
    async def plant(logged: Logged) -> None:
        context = logged.served.context
        signer, context.signer = context.signer, MortalSigner(context.signer, call, after=after)
        await killed(logged)
        await context.signer.close()
        context.signer = signer

    return plant


def store_dies(*, after: bool) -> Callable[[Logged], Awaitable[None]]:
    async def plant(logged: Logged) -> None:
        context: Any = logged.served.context
        pool, context.pool = context.pool, MortalPool(context.pool, "ca.final_records", after=after)
        await killed(logged)
        context.pool = pool

    return plant


STEPS: list[tuple[str, Callable[[Logged], Awaitable[None]], tuple[int, ...]]] = [
    ("before the precertificate is signed", signer_dies(1, after=False), (1, 0, 0, 0, 0)),
    ("after the precertificate is signed", signer_dies(1, after=True), (1, 1, 0, 0, 0)),
    ("before a log has seen it", lambda logged: killed_asking(logged, "hang"), (1, 1, 0, 0, 0)),
    ("after a log has seen it", lambda logged: killed_asking(logged, "stuck"), (1, 1, 0, 0, 0)),
    ("before the SCTs are recorded", store_dies(after=False), (1, 1, 0, 0, 0)),
    ("after the SCTs are recorded", store_dies(after=True), (1, 1, 1, 0, 0)),
    ("before the certificate is signed", signer_dies(2, after=False), (1, 1, 1, 0, 0)),
    ("after the certificate is signed", signer_dies(2, after=True), (1, 1, 1, 1, 0)),
]


@pytest.mark.std("C-124", "C-125", "C-132")
@pytest.mark.parametrize(("die", "left"), [pytest.param(die, left, id=name) for name, die, left in STEPS])
async def test_each_step_fails_and_is_done_once(
    logged: Logged, die: Callable[[Logged], Awaitable[None]], left: tuple[int, ...]
) -> None:
    client, url = await begun(logged)
    await die(logged)
    assert await logged.counts() == left
    stored = await logged.served.owner.fetchval("SELECT der FROM ca.precertificates")
    await work(logged)
    document = (await client.post(url)).json
    assert document["status"] == "valid"
    assert await logged.counts() == ONE_OF_EACH
    assert stored in (None, await logged.served.owner.fetchval("SELECT der FROM ca.precertificates"))
    assert len(scts((await client.post(document["certificate"])).body)) == 3
    assert all(len(log.taken) == 1 for log in logged.logs)  # no log has seen two entries of one order
    assert await logged.served.owner.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'issue'") == 0


@pytest.mark.std("C-132", "C-125")
@pytest.mark.parametrize(("die", "left"), [pytest.param(die, left, id=name) for name, die, left in STEPS[1:7]])
async def test_each_step_fails_until_the_deadline_and_its_serial_is_revoked(
    logged: Logged, die: Callable[[Logged], Awaitable[None]], left: tuple[int, ...]
) -> None:
    client, url = await begun(logged)
    await die(logged)
    await ended(logged, client, url)
    assert await logged.counts() == (*left[:4], 1)


async def ended(logged: Logged, client: Client, url: str) -> None:
    """The order ends at its deadline, with a cause; nothing that comes later makes a certificate of it."""
    context = logged.served.context
    assert await issue.end_overdue(context, utc_now() + timedelta(minutes=2)) == 1
    document = (await client.post(url)).json
    assert (document["status"], document["error"]["type"].rpartition(":")[2]) == ("invalid", "serverInternal")
    await work(logged)
    record = await logged.served.owner.fetchrow("SELECT id, shard, issuer_id, state FROM ca.to_be_signed")
    assert record is not None
    assert record["state"] == "void"
    assert "is void" in str(await context.signer.sign(record["id"], 20.0))
    made = await context.signer.crl(record["issuer_id"], record["shard"], 20.0)
    assert isinstance(made, CrlMade)
    crl = x509.load_der_x509_crl(
        await logged.served.owner.fetchval("SELECT der FROM ca.crls WHERE shard = $1 AND number = $2",
                                           record["shard"], made.number)
    )  # fmt: skip
    serial = int.from_bytes(await logged.served.owner.fetchval("SELECT serial FROM ca.serials"), "big")
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None


@pytest.mark.std("C-132", "C-125", "C-128")
@pytest.mark.parametrize(
    "modes",
    [
        pytest.param(("error", "good", "good"), id="one operator"),
        pytest.param(("good", "good", "refuse"), id="two of three"),
        pytest.param(("bad_signature", "future", "lost"), id="none"),
    ],
)
async def test_too_few_scts_release_no_certificate_but_the_precertificate_counts(
    logged: Logged, modes: tuple[str, ...]
) -> None:
    logged.modes(*modes)
    client, url = await begun(logged)
    for _ in range(2):
        await work(logged)
    assert (await client.post(url)).json["status"] == "processing"
    assert "SCT" in await logged.served.owner.fetchval("SELECT last_error FROM acme.jobs WHERE kind = 'issue'")
    assert await logged.counts() == (1, 1, 0, 0, 0)
    await ended(logged, client, url)
    assert await logged.counts() == NO_CERTIFICATE


@pytest.mark.std("C-132")
async def test_too_few_scts_now_are_enough_when_a_log_comes_back(logged: Logged) -> None:
    logged.modes("error", "good", "good")
    client, url = await begun(logged)
    await work(logged)
    assert (await client.post(url)).json["status"] == "processing"
    logged.modes("good", "good", "good")
    await work(logged)
    assert (await client.post(url)).json["status"] == "valid"
    assert await logged.counts() == ONE_OF_EACH


# the list of logs -----------------------------------------------------------------------------------------------------
@pytest.mark.std("C-124", "C-130")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda log, now: setattr(log, "state", "readonly"), id="read-only"),
        pytest.param(lambda log, now: setattr(log, "state", "retired"), id="retired"),
        pytest.param(lambda log, now: (setattr(log, "ends_from", now), setattr(log, "ends_before", now + DAY)),
                     id="another shard"),
    ],
)  # fmt: skip
async def test_nothing_is_precertified_that_too_few_logs_would_take(
    logged: Logged, spoil: Callable[[SimulatedLog, datetime], object]
) -> None:
    client = await logged.served.registered()
    _, order = await ready(client, NAME)
    spoil(logged.logs[0], utc_now())
    await logged.list_them(timedelta(seconds=2))
    refused = await client.finalize(order)
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "60")
    assert await logged.counts() == (0, 0, 0, 0, 0)
    logged.logs[0].state, logged.logs[0].ends_from, logged.logs[0].ends_before = "usable", None, None
    await logged.list_them(timedelta(seconds=4))
    done = await client.finalize(order)
    assert (done.status, done.json["status"]) == (200, "valid")


DAY = timedelta(days=1)


@pytest.mark.std("C-124", "C-132")
async def test_an_order_that_was_put_off_waits_for_logs_too(logged: Logged) -> None:
    client = await logged.served.registered()
    url, order = await ready(client, NAME)
    await logged.served.owner.execute("UPDATE acme.authorizations SET caa_checked_at = now() - interval '9 hours'")
    logged.logs[0].state = "retired"
    await logged.list_them(timedelta(seconds=2))
    assert (await client.finalize(order)).json["status"] == "processing"
    await work(logged)
    assert (await client.post(url)).json["status"] == "processing"
    assert await logged.counts() == (0, 0, 0, 0, 0)
    logged.logs[0].state = "usable"
    await logged.list_them(timedelta(seconds=4))
    await work(logged)
    assert (await client.post(url)).json["status"] == "valid"
    assert await logged.counts() == ONE_OF_EACH


@pytest.mark.std("C-130")
async def test_the_list_is_read_where_it_is_published(logged: Logged) -> None:
    served, source = logged.served, logged.transparency.source.content
    assert isinstance(source, Path)
    read = lambda: log_list.read_list(logged.transparency, served.owner, "process:work", utc_now())  # noqa: E731
    before = logged.transparency.logs
    await read()  # there is no such file
    source.write_bytes(b"<html>")
    await read()
    assert logged.transparency.logs is before
    source.write_bytes(list_of(logged.logs[:1], utc_now() + DAY))
    await read()
    assert logged.transparency.logs is not None
    assert [log.description for log in logged.transparency.logs.logs] == ["Ume 2027"]
    assert await served.owner.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'ct.list_read'") == 2


@pytest.mark.std("C-130")
async def test_a_signed_list_is_read_from_an_address_and_every_process_follows(logged: Logged) -> None:
    ours, later = ListPublisher(), utc_now() + DAY
    good = list_of(logged.logs[:2], later)
    old = list_of(logged.logs, later - 2 * DAY)
    published = [  # what stands at both addresses at a time
        (good, ListPublisher().sign(good)), (b" " * (log_list.LIST_MAX + 1), ours.sign(good)),
        (good, b"x" * (log_list.SIGNATURE_MAX + 1)), (good, ours.sign(good)), (good, None), (old, ours.sign(old)),
    ]  # fmt: skip

    async def publish(request: web.Request) -> web.Response:
        body = published[0][request.path == "/log_list.sig"]
        return web.Response(status=500) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/log_list.{kind}", publish)
    who = publisher(ours.pem)
    async with TestServer(app) as server:
        logged.transparency.source = Source(*(str(server.make_url(f"/log_list.{kind}")) for kind in ("json", "sig")))
        logged.transparency.lists = LogLists(who)
        with capture_logs() as lines:
            while published:
                await log_list.read_list(logged.transparency, logged.served.owner, "process:work", utc_now())
                published.pop(0)
    reasons = [line["reason"] for line in lines if line["event"] == "log_list_not_read"]
    said = ("not its publisher's", "longer than", "longer than", "500", "no newer than the one that counts")
    assert [text in reason for text, reason in zip(said, reasons, strict=True)] == [True] * 5
    async with ClientSession() as session:
        other = Transparency(session, Source(Path("unused")), LogLists(who), 1.0, 1.0)
        stop = asyncio.Event()
        following = asyncio.create_task(log_list.follow(other, logged.served.context.pool, stop))
        while other.logs is None:
            await asyncio.sleep(0)
        stop.set()
        await following
    assert len(other.logs.logs) == 2
    assert other.logs == logged.transparency.logs


class Waited(asyncio.Event):
    """An event that tells when somebody begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.begun.set()
        return await super().wait()


@pytest.mark.std("C-130", "C-124")
async def test_the_first_order_waits_for_the_first_list(served: Served, tmp_path: Path, monkeypatch: Any) -> None:
    logs, source = three([], utc_now), tmp_path / "logs.json"
    async with logging(served, logs, source) as logged:
        await served.owner.execute("DELETE FROM ca.log_lists")
        made = served.context.transparency = replace(
            logged.transparency, lists=LogLists(None), known=(waited := Waited())
        )
        assert "log_list_not_read" in str(await readiness.logs(made))
        client = await served.registered()
        _, order = await ready(client, NAME)
        monkeypatch.setattr(log_list, "FIRST_SECONDS", 0.01)
        refused = await client.finalize(order)
        assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "60")
        monkeypatch.setattr(log_list, "FIRST_SECONDS", 60.0)
        waited.begun.clear()
        asked = asyncio.create_task(client.finalize(order))
        await waited.begun.wait()
        source.write_bytes(list_of(logs, utc_now()))
        await log_list.read_list(made, served.owner, "process:work", utc_now())
        assert (await asked).json["status"] == "valid"
        assert await readiness.logs(made) is None


async def test_without_transparency_nothing_is_asked_of_anybody(served: Served) -> None:
    client = await served.registered()
    made = leaf(await client.certificate(NAME))
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    assert await served.owner.fetchval("SELECT count(*) FROM ca.precertificates") == 0
