"""Requests as proxies and old HTTP libraries hand them on: the words differ, the meaning and the answer do not."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.acme_server.client import Client, jws
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.hostile import Raw, acme_listening, converse

JOSE = b"Content-Type: application/jose+json\r\n"


@pytest.fixture
async def reach(served: Served) -> AsyncIterator[str]:
    """Where the real listener is."""
    async with acme_listening(served) as found:
        yield found


async def reading(client: Client) -> tuple[bytes, bytes]:
    """A POST-as-GET of the account: its path, and its body."""
    assert client.kid is not None
    path = client.kid.removeprefix(BASE).encode()
    return path, json.dumps(jws(client.key, None, await client.protected(client.kid))).encode()


async def sent_as(reach: str, client: Client, version: bytes, *lines: bytes) -> list[Raw]:
    """The answers to the account's POST-as-GET in that HTTP version, with these lines more in its header."""
    path, body = await reading(client)
    length = b"Content-Length: %d\r\n" % len(body)
    return await converse(reach, b"POST %s %s\r\n" % (path, version) + JOSE + length + b"".join(lines) + b"\r\n" + body)


@pytest.mark.std("A-007", "A-044")
@pytest.mark.parametrize(
    ("version", "lines"),
    [
        pytest.param(b"HTTP/1.0", (), id="HTTP/1.0 without Host"),
        pytest.param(b"HTTP/1.0", (b"Host: acme.test\r\n", b"Via: 1.0 old\r\n"), id="HTTP/1.0 by a proxy"),
        pytest.param(b"HTTP/1.1", (b"Host: acme.test\r\n", b"Connection: close\r\n"), id="a connection each"),
        pytest.param(
            b"HTTP/1.1", (b"Host: acme.test\r\n", b"Content-Encoding: Identity\r\n", b"Connection: close\r\n"),
            id="a coding that is none, in other case",
        ),
        pytest.param(
            b"HTTP/1.1", (b"Host: a\r\n", b"User-Agent: \r\n", b"Accept-Language: ja\r\n", b"Connection: close\r\n"),
            id="an empty User-Agent",
        ),
    ],
)  # fmt: skip
async def test_the_same_request_has_the_same_answer(
    served: Served, reach: str, version: bytes, lines: tuple[bytes, ...]
) -> None:
    client = await served.registered()
    (found,) = await sent_as(reach, client, version, *lines)
    assert (found.status, json.loads(found.body)["status"]) == (200, "valid")
    assert found.header("Replay-Nonce")


async def test_who_asks_first_hears_that_it_may_go_on(served: Served, reach: str) -> None:
    """curl sends a body of more than a mebibyte so, older ones any body of more than a kibibyte."""
    path, body = await reading(await served.registered())
    host, _, port = reach.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%sExpect: 100-continue\r\nConnection: close\r\n\r\n"
    writer.write(head % (path, len(body), JOSE))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.std("A-046", "A-048", "A-049")
async def test_a_post_that_a_proxy_sends_twice_is_done_once(served: Served, reach: str) -> None:
    client = await served.registered()
    assert client.kid is not None
    payload = {"identifiers": [{"type": "dns", "value": "www.demo.test"}]}
    body = json.dumps(jws(client.key, payload, await client.protected("/new-order"))).encode()
    head = b"POST /new-order HTTP/1.1\r\nHost: a\r\n" + JOSE + b"Content-Length: %d\r\nConnection: close\r\n\r\n"
    first, second = [(await converse(reach, head % len(body) + body))[0] for _ in range(2)]
    assert (first.status, second.status) == (201, 400)
    assert json.loads(second.body)["type"] == "urn:ietf:params:acme:error:badNonce"
    assert await served.owner.fetchval("SELECT count(*) FROM acme.orders") == 1
    client.nonce = second.header("Replay-Nonce")  # with which the client signs anew
    assert (await client.order("www.demo.test")).status == 201
