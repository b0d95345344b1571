"""Anything at all on the other listeners: pages for people, CRLs and chains, and dev's management. No 5xx, ever.

One server of each stands for all that is sent, so that whatever one request broke would be seen by the next.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_server.clock import utc_now
from acme_server.config import load
from acme_server.dev import management
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.status import status_application
from acme_server.protocol.pem import pem
from acme_server.use_cases.ocsp import Answers
from ca import hierarchy
from office.edge.app import make_app as office_app
from sql import Pool
from tests.acme_server.edge import odd
from tests.acme_server.edge.hostile import TRACES, Raw, converse, listening, nothing_unexpected
from tests.acme_server.edge.house import InItsLoop, lived_in
from tests.acme_server.edge.odd import BOUNDED
from tests.acme_server.edge.test_status import UNLIMITED
from tests.ca.arrange import NAMES, NOW, PASSPHRASE
from tests.conftest import fresh_database

PARTS = st.sampled_from((
    "", "0", "-1", "00", "+1", "1e1", "\xd9\xa1", "9" * 4, "9" * 5, "9" * 5000, "%00", "a%00b", "%ff", "%", "%zz", "..",
    "%2e%2e%2f", "\xe9", "a" * 32, "A" * 33, "'", "0x10", "-10", "f" * 7000, "%F0%9F%98%80", "%ED%A0%80", "1_0", "%201",
)) | odd.TOKENS  # fmt: skip
# of each listener its paths, and one that is there
PATHS: Mapping[str, tuple[str, ...]] = {
    "status": (
        "/issuer/2.cer", "/crl/{0}/0.crl", "/crl/1/{0}.crl", "/issuer/{0}.cer", "/chain/{0}.pem", "/crl/{0}", "/{0}",
        "/issuer/2.cer?{0}", "/ocsp/{0}",
    ),
    "office": (
        "/static/style.css", "/help/{0}", "/terms/{0}", "/terms?{0}", "/supported/{0}", "/static/{0}", "/seal/{0}",
        "/static/style.css?{0}", "/{0}", "/help/{0}/x", "/resume/{0}", "/notices/{0}", "/supported?{0}",
    ),
    "management": (
        "/roots/0", "/roots/{0}", "/root-keys/{0}", "/intermediates/{0}", "/intermediate-keys/{0}", "/{0}",
        "/cert-status-by-serial/{0}",
    ),
}  # fmt: skip
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@dataclass
class Listeners(InItsLoop):
    """Where each listener is reached, and the certificate of the demo CA."""

    reach: Mapping[str, str]
    certificate: bytes

    def send(self, name: str, octets: bytes, *, end: bool = False) -> list[Raw]:
        """Every answer to octets on a socket of their own."""
        found = self.run(converse(self.reach[name], octets, end=end))
        for raw in found:
            assert raw.status < 500, (octets[:200], raw)
            assert not any(trace in raw.body for trace in TRACES), (octets[:200], raw)
        return found


@asynccontextmanager
async def opened(postgres: EmbeddedPostgres, folder: Path) -> AsyncIterator[Listeners]:
    """The listeners on a database of their own."""
    async with fresh_database(postgres) as database, AsyncExitStack() as stack:
        await hierarchy.init(folder / "ca", postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)
        (folder / "passphrase").write_bytes(PASSPHRASE)
        pools = {
            role: await stack.enter_async_context(asyncpg.create_pool(postgres.dsn(role, database), min_size=1))
            for role in ("keiyaku_status", "keiyaku_office", "keiyaku_operator")
        }
        apps = applications(pools, folder)
        reach = {name: await stack.enter_async_context(listening(app, name)) for name, app in apps.items()}
        certificate = await pools["keiyaku_operator"].fetchval("SELECT certificate FROM ca.issuers WHERE id = 2")
        yield Listeners(asyncio.get_running_loop(), reach, certificate)


def applications(pools: Mapping[str, Pool], folder: Path) -> dict[str, web.Application]:
    """The application of each listener, with the pool of its role."""
    known = load(None, {
        "KEIYAKU_CA__FOLDER": str(folder / "ca"), "KEIYAKU_CA__PASSPHRASE_FILE": str(folder / "passphrase"),
    })  # fmt: skip
    status = pools["keiyaku_status"]
    return {
        "status": status_application(status, utc_now, Answers(status, utc_now, None, UNLIMITED)),
        "office": office_app(pools["keiyaku_office"], utc_now, "https://office.test"),
        "management": management.make_app(pools["keiyaku_operator"], known),
    }


@pytest.fixture(scope="module")
def at_home(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listeners]:
    """The listeners of this module."""
    with lived_in(opened(postgres, tmp_path_factory.mktemp("listeners"))) as made:
        yield made


@pytest.fixture
def listeners(at_home: Listeners, caplog: pytest.LogCaptureFixture) -> Iterator[Listeners]:
    """The same; they must have foreseen whatever the test sends, and still do what they are for."""
    with nothing_unexpected(caplog):
        yield at_home
    for name, (path, *_) in PATHS.items():
        assert [raw.status for raw in at_home.send(name, odd.message(f"GET {path} HTTP/1.1", (), b""))] == [200]


@pytest.mark.parametrize("name", PATHS)
def test_any_request_has_an_answer(name: str, listeners: Listeners) -> None:
    urls = st.builds(str.format, st.sampled_from(PATHS[name]), PARTS)

    @settings(BOUNDED, max_examples=60)
    @given(odd.readable(urls))
    def any_readable(octets: bytes) -> None:
        assert listeners.send(name, octets), octets

    @settings(BOUNDED, max_examples=30)
    @given(odd.unreadable(urls))
    def any_octets(octets: bytes) -> None:
        listeners.send(name, octets, end=True)

    any_readable()
    any_octets()


def test_any_renewal_info_set_in_development_is_answered(listeners: Listeners) -> None:
    """The certificate is none of those that have renewal information, so that nothing at all is accepted."""
    window = {"suggestedWindow": {"start": EARLY, "end": LATE}}
    good = {"certificate": pem(listeners.certificate).decode(), "ariResponse": json.dumps(window)}
    instants = st.sampled_from((
        EARLY, LATE, "x", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", EARLY[:-1],
    )) | odd.values  # fmt: skip
    windows = st.builds(lambda start, end: {"start": start, "end": end}, instants, instants) | odd.values
    answers = odd.members(window, "suggestedWindow", "explanationURL") | windows.map(lambda w: {"suggestedWindow": w})
    certificates = (odd.faulty(listeners.certificate) | odd.regrown(listeners.certificate)).map(pem)
    bodies = (
        odd.payloads(good, *good)
        | answers.map(lambda answer: json.dumps({**good, "ariResponse": json.dumps(answer)}).encode())
        | certificates.map(lambda text: json.dumps({**good, "certificate": text.decode()}).encode())
    )

    def status_of(body: bytes) -> list[int]:
        return [raw.status for raw in listeners.send("management", setting(body))]

    @BOUNDED
    @given(bodies)
    def any_body(body: bytes) -> None:
        (status,) = status_of(body)
        assert 400 <= status < 500, body

    any_body()
    assert status_of(json.dumps(good).encode()) == [404]
    assert status_of(b"0" * 5_000_000) == [413]


def setting(body: bytes) -> bytes:
    """The request that sets renewal information."""
    return odd.message("POST /set-renewal-info/ HTTP/1.1", [("Content-Length", len(body))], body)
