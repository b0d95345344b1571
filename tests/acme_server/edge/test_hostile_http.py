"""HTTP that nobody sends by accident, over a raw socket: paths, methods, headers, two in one. RFC 9112 §11.2."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.acme_server.client import Client, jws
from tests.acme_server.conftest import Served
from tests.acme_server.edge.hostile import (
    Raw,
    acme_listening,
    check_raw,
    converse,
    nothing_unexpected,
    stored,
)

METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "M-SEARCH",
    "OPTIONS",
    "QUERY",
)
PATHS = (
    "/", "//", "/dir/", "/dir?", "/dir?a=%00&b=%ff", "/DIR", "/%64ir", "/dir%00", "/dir%2f..%2f", "/dir;x=1", "/dir#x",
    "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/.%2e/dir", "/./dir", "//evil.test/dir", "/%", "/%zz", "/%ff%fe",
    "/%C0%AE%C0%AE/", "/%F0%9F%98%80", "/\xe9", "/order/%00", "/order/..", "/order/%2e%2e/dir", "/account/%0d%0aX:1",
    "/renewal-info/", "/renewal-info/.", "/renewal-info/AA.AA", "/renewal-info/%00.%00", "/renewal-info/" + "A" * 4000,
    "/renewal-info/a.b?c", "/certificate/x/00", "/certificate/x/100", "/certificate/x/\u0661", "/new-nonce?x", "*",
    "/challenge/x", "/challenge/x/y/z", "/" + "a" * 7000, "/?" + "&".join("a=b" for _ in range(1500)), "dir", "",
    "http://evil.test/dir", "https://acme.test/dir", "http://", "http://[", "http://a:b:c/", "http://a:99999/dir",
    "evil.test:443", "ftp://x/", "javascript:0", "/dir HTTP/1.1", "/dir\t", "/dir\x01", "/dir\x7f",
)  # fmt: skip
HEADERS = (
    "Host: a, b", "Host: evil.test/..", "Host: \xff", "Host:", "Accept: " + "a" * 6000, "X: \xe9\xff", "X: ", ": x",
    "X",
    " X: y", "X : y", "X\0: y", "X: a\0b", "X: a\rb", "Cookie: " + "a=b; " * 1000, "Forwarded: for=\"",
    "Range: bytes=0-",
    "Accept-Language: \u00e9", "X-Forwarded-Host: evil.test", "Connection: upgrade\r\nUpgrade: websocket", "Expect: x",
    "Connection: upgrade\r\nUpgrade: h2c", "Expect: 100-continue", "If-Match: \"", "If-None-Match: W/", "Origin: null",
    "If-Modified-Since: Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "If-Modified-Since: \0", "Authorization: x",
    "Access-Control-Request-Method: \xff", "Keep-Alive: timeout=-1", "Trailer: X", "TE: trailers", "Date: never",
)  # fmt: skip
TYPES = (
    "", ";", "/", "application/jose+json;", "application/jose+json; charset=utf-16", "application/jose+json;charset",
    "application/jose+json; charset*0*=\"", "application/jose+json; a*=utf-7''%ff; a*1=x", "text/plain", "application",
    "application/json", "application/jose+json, text/plain", "multipart/form-data; boundary=\"", "\xff/\xff",
    "a" * 5000,
    "application/jose+json; charset=\"\\", "application/x-www-form-urlencoded", "(comment) application/jose+json", "=?",
    "application/jose+json; name*0*=utf-8''%e9; name*1=%; x*2", "application/jose+json\x0b",
    "message/rfc822; x=\"=?x?=",
)  # fmt: skip
BAD_FRAMES = (
    "Content-Length: -1", "Content-Length: +1", "Content-Length: 1e1", "Content-Length: 0x1", "Content-Length: 1, 2",
    "Content-Length: 1\r\nContent-Length: 2", "Content-Length: " + "9" * 400, "Content-Length: \u0661",
    "Content-Length: ",
    "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: identity, chunked, gzip",
    "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding : chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding:\x0bchunked", "Host: a\r\nHost: b",
)  # fmt: skip
CHUNKS = (b"-1\r\n", b"g\r\n", b"0x1\r\na\r\n0\r\n\r\n", b"1;a=" + b"b" * 9000 + b"\r\na\r\n0\r\n\r\n", b"1\na\n0\n\n",
          b"f" * 40 + b"\r\n", b"1\r\nab\r\n0\r\n\r\n", b"\r\n", b"1 \r\na\r\n0\r\n\r\n",
          b"0\r\nX\r\n\r\n")  # fmt: skip


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request; its length is told unless a header tells something else."""
    own = "".join(f"{line}\r\n" for line in headers)
    names = own.lower()
    if "\nhost" not in "\n" + names:
        own = "Host: acme.test\r\n" + own
    if body and "content-length" not in names and "transfer-encoding" not in names:
        own += f"Content-Length: {len(body)}\r\n"
    return (
        f"{method} {path} HTTP/1.1\r\n{own}Connection: close\r\n\r\n".encode(
            "utf-8" if "\u0661" in path + own else "latin-1"
        )
        + body
    )


@pytest.fixture
async def reach(served: Served) -> AsyncIterator[str]:
    """Where the real listener is."""
    async with acme_listening(served) as found:
        yield found


async def ask(reach: str, sent: bytes) -> list[Raw]:
    """Every answer to the octets, each of the rules. What the HTTP parser refuses has no nonce: no code of ours ran."""
    found = await converse(reach, sent)
    for raw in found:
        check_raw(raw, sent[:200])
        if raw.status >= 400 and sent.startswith(b"POST ") and raw.header("Access-Control-Allow-Origin"):
            assert raw.header("Replay-Nonce"), sent[:200]
    return found


@pytest.mark.std("A-032", "A-033")
async def test_any_path_and_method_has_an_answer(served: Served, reach: str, caplog: pytest.LogCaptureFixture) -> None:
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for path in PATHS:
            for method in METHODS if path in ("/", "*", "evil.test:443", "") else ("GET", "POST"):
                assert len(await ask(reach, request(method, path))) == 1, (method, path)
        for method in (*METHODS, "get", "GE\0T", "G" * 9000, "\xff", ""):
            for path in ("/dir", "/new-order", "/renewal-info/AA.AA", "/order/x"):
                assert len(await ask(reach, request(method, path))) == 1, (method, path)
    assert await stored(served.owner) == before


async def test_any_header_has_an_answer(served: Served, reach: str, caplog: pytest.LogCaptureFixture) -> None:
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for header in (*HEADERS, "\r\n".join(f"X-{n}: y" for n in range(2000)), "X: " + "y" * 70_000):
            for method, path in (("GET", "/dir"), ("POST", "/new-order"), ("OPTIONS", "/new-order")):
                assert await ask(reach, request(method, path, header, body=b"{}" if method == "POST" else b""))
    assert await stored(served.owner) == before


async def order_body(client: Client) -> bytes:
    """A right newOrder: whoever takes it makes an order."""
    payload = {"identifiers": [{"type": "dns", "value": "www.demo.test"}]}
    return json.dumps(jws(client.key, payload, await client.protected("/new-order"))).encode()


@pytest.mark.std("A-030", "A-031")
async def test_a_body_of_any_other_type_is_refused(
    served: Served, reach: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await served.registered()
    before = await stored(served.owner)
    with nothing_unexpected(caplog):
        for content_type in TYPES:
            (found,) = await ask(
                reach, request("POST", "/new-order", f"Content-Type: {content_type}", body=await order_body(client))
            )
            if not content_type.startswith("application/jose+json;"):
                assert found.status >= 400, content_type
                assert await stored(served.owner) == before, content_type
            before = await stored(served.owner)
        double = ("Content-Type: application/jose+json", "Content-Type: text/plain")
        for headers in (double, double[::-1]):
            (found,) = await ask(reach, request("POST", "/new-order", *headers, body=await order_body(client)))
            assert found.status >= 400
    assert await stored(served.owner) == before


async def test_no_content_encoding_makes_a_body_grow(
    served: Served, reach: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await served.registered()
    before = await stored(served.owner)
    bomb = gzip.compress(bytes(50_000_000))
    bodies = [
        ("gzip", bomb), ("gzip", b"\x1f\x8b" + bytes(100)), ("gzip", b"{}"), ("deflate", b"{}"), ("br", b"{}"),
        ("x", b"{}"),
        ("gzip", gzip.compress(b"{}")[:-4]), ("deflate", zlib.compress(bytes(10_000_000))), ("gzip, gzip", bomb),
        ("zstd", b"{}"),
        ("gzip", b""), ("\xff", b"{}"), ("gzip", gzip.compress(await order_body(client))),
    ]  # fmt: skip
    with nothing_unexpected(caplog):
        for coding, body in bodies:
            headers = ("Content-Type: application/jose+json", f"Content-Encoding: {coding}")
            (found,) = await ask(reach, request("POST", "/new-order", *headers, body=body))
            assert found.status == 415, (coding, body[:40], found)
            assert found.header("Accept-Encoding") == "identity", coding
    assert await stored(served.owner) == before


async def test_a_body_of_ambiguous_length_is_refused(
    served: Served, reach: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One request, one meaning: else a proxy and this server may see different requests (request smuggling)."""
    client = await served.registered()
    before = await stored(served.owner)
    inner = request("POST", "/new-order", "Content-Type: application/jose+json", body=await order_body(client))
    with nothing_unexpected(caplog):
        for frame in BAD_FRAMES:
            found = await ask(
                reach,
                request("POST", "/new-order", "Content-Type: application/jose+json", frame, body=b"0\r\n\r\n" + inner),
            )
            assert [raw.status >= 400 for raw in found] == [True], (frame, found)
        for chunk in CHUNKS:
            found = await ask(reach, request("POST", "/new-order", "Transfer-Encoding: chunked", body=chunk))
            assert all(raw.status >= 400 for raw in found), (chunk, found)
    assert await stored(served.owner) == before


async def test_any_octets_on_the_socket_have_a_bounded_end(
    served: Served, reach: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await served.registered()
    good = request("POST", "/new-order", "Content-Type: application/jose+json", body=await order_body(client))
    before = await stored(served.owner)
    odd = [b"", b"\r\n" * 500, b"\0" * 100, b"\x16\x03\x01\x02\x00\x01", b"GET", b"GET /dir\r\n\r\n",
           b"GET /dir HTTP/9.9\r\n\r\n",
           b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /dir HTTP/1.1\n\n", b"A" * 100_000]  # fmt: skip
    with nothing_unexpected(caplog):
        for sent in (*odd, good[:-10]):
            for raw in await converse(reach, sent, end=True):
                check_raw(raw, sent[:300])
    assert await stored(served.owner) == before
    assert (await served.session.get(f"{reach}/dir")).status == 200
