"""What hypothesis sends to a server: anything that JSON, JWS, DER and HTTP can say, and right things with faults."""

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ca.der import DerError, header
from tests.acme_server.client import LEAVE_OUT, Json

BOUNDED = settings(
    derandomize=True, max_examples=80, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip

URLS = (
    "/dir", "/directory", "/new-nonce", "/new-account", "/new-order", "/new-authz", "/revoke-cert", "/key-change",
    "/nothing",
    "/account/0193e3a0-0000-7000-8000-000000000000", "/order/0193e3a0-0000-7000-8000-000000000000",
    "/order/0193e3a0-0000-7000-8000-000000000000/finalize", "/certificate/x/1", "/certificate/x/0", "/renewal-info/x.y",
    "/authorization/0193e3a0-0000-7000-8000-000000000000", "/challenge/0193e3a0-0000-7000-8000-000000000000/dns-01",
)  # fmt: skip
TEXTS = (
    "", "\0", "a\0b", "é", "e\u0301", "\ufb01", "\u212b", "\u202e", "\ufeff", "😀" * 50, "%00", "../../etc/passwd",
    "a" * 299, "a" * 301, "a" * 5000, "-1", "1e400", "null", "'; DROP TABLE acme.orders; --", "{}", "urn:uuid:0",
    "\r\nX-Evil: 1", "xn--", "xn--a", "1.2.3.4", "::1", "*", "*.*.demo.test", ".", "\u0661.2.3.4", "mailto:",
    "valid", "deactivated", "dns", "0193e3a0-0000-7000-8000-000000000000", "9999-12-31T23:59:59-23:59", "http-01",
)  # fmt: skip
TOKENS = st.text("!#$%&'*+-.^_`|~abcABC019", min_size=1, max_size=20)
FIELD = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
METHODS = ("GET", "GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE")
FIELDS = (
    "Content-Type", "Accept", "Accept-Language", "Cookie", "Range", "Forwarded", "X-Forwarded-For", "If-None-Match",
    "If-Modified-Since", "Origin", "Content-Encoding", "Expect",
)  # fmt: skip
FRAMING = ("Host", "Connection", "Transfer-Encoding", "Content-Length")
SAID = st.sampled_from((
    "", "application/jose+json", "application/json", "*/*", "*;q=x", "gzip", "identity", "chunked", "100-continue", "x",
    "close", "keep-alive", "bytes=0-1", "bytes=9-1", '"', "W/", "*", '"a", "' + "b" * 5000, "\xff", "\xff=", "a, b",
    "Sun, 06 Nov 1994 99:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +9999999999",
    "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
))  # fmt: skip

texts = st.sampled_from(TEXTS) | st.text(max_size=30) | st.text("abcABC019-_.=/+*:@% \0", max_size=60)
numbers = st.integers() | st.sampled_from((2**31, 2**63, 2**64, -(2**63) - 1, 10**40)) | st.floats()
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=12,
)


@st.composite
def faulty(draw: st.DrawFn, octets: bytes) -> bytes:
    """The octets with one to four small faults: overwritten, dropped, doubled, inserted or moved."""
    made = bytearray(octets)
    for _ in range(draw(st.integers(1, 4))):
        at, size = draw(st.integers(0, len(made))), draw(st.sampled_from((1, 1, 2, 4, 16)))
        match draw(st.sampled_from(("over", "drop", "double", "insert", "move"))):
            case "over":
                made[at : at + size] = draw(st.binary(min_size=size, max_size=size))
            case "drop":
                del made[at : at + size]
            case "double":
                made[at:at] = made[at : at + size]
            case "insert":
                made[at:at] = draw(st.binary(min_size=1, max_size=size))
            case _:
                other = draw(st.integers(0, len(made)))
                made[at : at + size], made[other : other + size] = made[other : other + size], made[at : at + size]
    return bytes(made)


def octets_of_json() -> st.SearchStrategy[bytes]:
    """JSON of any shape, JSON with faults, deep and long JSON, and octets that are none."""
    whole = values.map(lambda value: json.dumps(value).encode())
    deep = st.builds(
        lambda text, times: text * times, st.sampled_from((b"[", b'{"a":', b"[{}", b'"')), st.integers(1, 9000)
    )
    return whole | whole.flatmap(faulty) | deep | st.binary(max_size=200)


def members(good: Json, *names: str) -> st.SearchStrategy[Json]:
    """`good` with some of the members left out, or some other JSON as them; and sometimes one that nobody knows."""
    odd = st.just(LEAVE_OUT) | values
    some = st.dictionaries(st.sampled_from(names) | texts, odd, min_size=1, max_size=3)
    return some.map(lambda changes: {k: v for k, v in {**good, **changes}.items() if v is not LEAVE_OUT})


def payloads(good: Json, *names: str) -> st.SearchStrategy[bytes]:
    """A payload of the resource: `good` with odd members, that with faults, or any JSON."""
    near = members(good, *names).map(lambda payload: json.dumps(payload).encode())
    return near | near | near.flatmap(faulty) | octets_of_json()


def nodes(der: bytes) -> list[tuple[int, int, int]]:
    """Offset, start and stop of the content of every element, the outermost first."""
    found = []

    def walk(at: int, end: int) -> None:
        while at < end:
            try:
                tag, start, stop = header(der, at, end)
            except DerError:
                return
            found.append((at, start, stop))
            if tag & 0x20 or (tag == 0x04 and stop - start > 2):  # an OCTET STRING may hold DER
                walk(start, stop)
            at = stop

    walk(0, len(der))
    return found


def length(size: int) -> bytes:
    """The shortest length octets."""
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((size,)) if size < 128 else bytes((0x80 | len(octets),)) + octets


def replaced(der: bytes, at: int, stop: int, element: bytes) -> bytes:
    """The DER with another element there, the lengths of all around it put right."""
    made = element
    inner, last = at, stop
    for start, first, end in reversed([n for n in nodes(der) if n[0] < at and n[2] >= stop and n[1] <= at]):
        content = der[first:inner] + made + der[last:end]
        made, inner, last = der[start : start + 1] + length(len(content)) + content, start, end
    return made


@st.composite
def regrown(draw: st.DrawFn, der: bytes) -> bytes:
    """The DER with one to three elements of it changed, so that everything around still parses."""
    made = der
    for _ in range(draw(st.integers(1, 3))):
        at, start, stop = draw(st.sampled_from(nodes(made) or [(0, 0, 0)]))
        tag = draw(st.just(made[at : at + 1]) | st.binary(min_size=1, max_size=1))
        other_at, _, other_stop = draw(st.sampled_from(nodes(made) or [(0, 0, 0)]))
        content = draw(
            st.binary(max_size=40) | st.just(made[start:stop]) | st.just(b"") | st.just(made[other_at:other_stop])
            | faulty(made[start:stop])
        )  # fmt: skip
        element = draw(st.just(tag + length(len(content)) + content) | st.just(b"") | st.just(2 * made[at:stop]))
        made = replaced(made, at, stop, element)
    return made


def target_of(urls: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One of the URLs, three times of four as it is."""
    return urls | urls | urls | st.builds("{}{}".format, urls, TOKENS)


@st.composite
def readable(draw: st.DrawFn, urls: st.SearchStrategy[str]) -> bytes:
    """A request that HTTP/1.1 allows, whatever its method, its body and the values of its fields."""
    method, body = draw(st.sampled_from(METHODS)), draw(st.just(b"") | st.binary(max_size=40))
    names = st.sampled_from(FIELDS)
    fields = draw(st.dictionaries(names | names | names | TOKENS, SAID | VISIBLE, max_size=4))
    return message(f"{method} {draw(target_of(urls))} HTTP/1.1", [*fields.items(), ("Content-Length", len(body))], body)


@st.composite
def unreadable(draw: st.DrawFn, urls: st.SearchStrategy[str]) -> bytes:
    """A request of any method, target, fields and length; or a readable one with faults."""
    target = draw(target_of(urls) | FIELD)
    fields = draw(st.lists(st.tuples(st.sampled_from((*FIELDS, *FRAMING)) | TOKENS, SAID | FIELD), max_size=6))
    body = draw(st.binary(max_size=40) | st.just(b"{" * 9000))
    whole = message(f"{draw(st.sampled_from(METHODS) | TOKENS)} {target} HTTP/1.1", fields, body)
    return whole if draw(st.booleans()) else draw(readable(urls).flatmap(faulty))


def message(first: str, fields: Iterable[tuple[str, object]], body: bytes) -> bytes:
    """A message, after whose answer the connection ends."""
    lines = (first, "Host: acme.test", "Connection: close", *(f"{name}: {value}" for name, value in fields))
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body
