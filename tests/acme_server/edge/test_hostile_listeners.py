"""Anything at all on the other listeners: pages for people, CRLs and chains, and dev's management. No 5xx, ever."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from aiohttp import web

from acme_server.clock import utc_now
from acme_server.config import load
from acme_server.dev import management
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.status import status_application
from acme_server.protocol.pem import pem
from acme_server.use_cases.ocsp import Answers
from ca import hierarchy
from office.edge.app import make_app as office_app
from tests.acme_server.edge.hostile import converse, listening, mutated, nothing_unexpected, seeded
from tests.acme_server.edge.test_status import UNLIMITED
from tests.ca.arrange import NAMES, NOW, PASSPHRASE

ODD = (
    "", "0", "-1", "00", "+1", "1e1", "\u0661", "9" * 4, "9" * 5, "9" * 5000, "%00", "a%00b", "%ff", "%", "%zz", "..",
    "%2e%2e%2f", "\xe9", "a" * 32, "A" * 33, "'", "0x10", "-10", "f" * 7000, "%F0%9F%98%80", "%ED%A0%80", "1_0", " 1",
)  # fmt: skip
HEADERS = (
    "If-None-Match: \"", "If-None-Match: W/", "If-None-Match: *", "If-None-Match: \"a\", \"" + "b" * 5000,
    "Range: bytes=9-1",
    "If-Modified-Since: Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "If-Modified-Since: \xff", "Expect: x",
    "Host: \xff",
    "If-Modified-Since: Sun, 06 Nov 1994 99:49:37 GMT", "If-Modified-Since: Sun, 06 Nov 0000 08:49:37 GMT",
    "Cookie: \xff=",
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 +9999999999", "Accept-Language: *;q=x", "Content-Encoding: gzip",
)  # fmt: skip
STATUS = (
    "/crl/{0}/0.crl",
    "/crl/1/{0}.crl",
    "/issuer/{0}.cer",
    "/chain/{0}.pem",
    "/crl/{0}",
    "/{0}",
    "/issuer/2.cer?{0}",
)
OFFICE = (
    "/help/{0}",
    "/terms/{0}",
    "/terms?{0}",
    "/supported/{0}",
    "/static/{0}",
    "/static/style.css?{0}",
    "/{0}",
    "/help/{0}/x",
)
MANAGEMENT = (
    "/roots/{0}",
    "/root-keys/{0}",
    "/intermediates/{0}",
    "/intermediate-keys/{0}",
    "/cert-status-by-serial/{0}",
    "/{0}",
)


@pytest.fixture
async def apps(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> AsyncIterator[dict[str, web.Application]]:
    """The applications of the other listeners, each with a pool of its role."""
    folder = tmp_path / "ca"
    await hierarchy.init(folder, postgres.dsn(database=database), PASSPHRASE, NAMES, NOW)
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    settings = load(None, {
        "KEIYAKU_CA__FOLDER": str(folder), "KEIYAKU_CA__PASSPHRASE_FILE": str(tmp_path / "passphrase"),
    })  # fmt: skip
    roles = ("status", "office", "operator")
    pools = [
        await asyncpg.create_pool(postgres.dsn(f"keiyaku_{role}", database), min_size=1, max_size=2) for role in roles
    ]
    yield {
        "status": status_application(pools[0], utc_now, Answers(pools[0], utc_now, None, UNLIMITED)),
        "office": office_app(pools[1], utc_now),
        "management": management.make_app(pools[2], settings),
    }  # fmt: skip
    await asyncio.gather(*(pool.close() for pool in pools))


def get(path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as it stands."""
    lines = "".join(
        f"{line}\r\n" for line in ("Host: x", "Connection: close", *headers, f"Content-Length: {len(body)}")
    )
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8" if "\u0661" in path else "latin-1") + body


@pytest.mark.parametrize(
    ("name", "paths", "whole"),
    [
        ("status", STATUS, "/issuer/2.cer"), ("office", OFFICE, "/static/style.css"),
        ("management", MANAGEMENT, "/roots/0"),
    ],
)  # fmt: skip
async def test_any_request_has_an_answer(
    name: str, paths: tuple[str, ...], whole: str, apps: dict[str, web.Application], caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(apps[name], name) as reach:
        with nothing_unexpected(caplog):
            sent = [get(path.format(odd)) for path in paths for odd in ODD]
            sent += [get(whole, header) for header in HEADERS]
            sent += [
                get(whole, method=method, body=b"x" * 5000)
                for method in ("POST", "PUT", "TRACE", "HEAD", "X", "OPTIONS")
            ]
            sent += [mutated(seeded(f"{name} {n}"), get(whole)) + b"\r\n\r\n" for n in range(60)]
            for octets in sent:
                for raw in await converse(reach, octets, end=octets not in sent[: len(paths) * len(ODD)]):
                    assert raw.status < 500, (octets[:200], raw)
                    assert b"Traceback" not in raw.body
            (good,) = await converse(reach, get(whole))
            assert good.status == 200


async def test_any_renewal_info_set_in_development_is_answered(
    apps: dict[str, web.Application], postgres: EmbeddedPostgres, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    conn = await asyncpg.connect(postgres.dsn(database=database))
    certificate = await conn.fetchval("SELECT certificate FROM ca.issuers WHERE id = 2")
    await conn.close()
    good = pem(certificate).decode()

    def ari(start: str, end: str, **more: object) -> str:
        return json.dumps({"suggestedWindow": {"start": start, "end": end}, **more})

    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    windows = [
        ari(late, early), ari("0001-01-01T00:00:00+23:59", late), ari(early, "9999-12-31T23:59:59-23:59"),
        ari("x", late),
        ari(early, late, explanationURL="a\0b"), ari(early, late, explanationURL="x" * 100_000), ari(early, early),
        "{}", "", "\0",
    ]  # fmt: skip
    bodies = [json.dumps({"certificate": good, "ariResponse": window}).encode() for window in windows]
    bodies += [
        json.dumps({"certificate": text, "ariResponse": ari(early, late)}).encode() for text in ("", "\0", good[:90])
    ]
    bodies += [b"", b"{}", b"[" * 50_000, b"\xff", b'{"certificate":"\\ud800","ariResponse":""}', b"0" * 5_000_000]
    bodies += [
        json.dumps({"certificate": pem(mutated(seeded(f"pem {n}"), certificate)).decode(), "ariResponse": "x"}).encode()
        for n in range(100)
    ]
    async with listening(apps["management"], "management") as reach:
        with nothing_unexpected(caplog):
            for body in bodies:
                for raw in await converse(reach, get("/set-renewal-info/", method="POST", body=body)):
                    assert 400 <= raw.status < 500, (body[:200], raw)
        (done,) = await converse(reach, get("/set-renewal-info/", method="POST", body=json.dumps(
            {"certificate": good, "ariResponse": ari(early, late)}).encode()))  # fmt: skip
        assert (done.status, b"no such certificate" in done.body) == (404, True)
