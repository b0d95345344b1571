"""What is bounded is taken at the limit and refused one beyond it, by its size and not for another fault."""

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server.protocol.csr import MAX_DER
from acme_server.protocol.identifiers import MAX_IDENTIFIERS, MAX_LABEL, MAX_NAME
from acme_server.protocol.jws import MAX_BODY
from acme_server.protocol.requests import MAX_ADDRESS, MAX_CONTACTS, MAX_LOCAL_PART
from acme_server.protocol.strict_json import MAX_BRACKETS
from tests.acme_server.client import Client, b64, jws, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready
from tests.acme_server.edge.hostile import acme_listening, converse, refused

ADDRESS = "admin@demo.test"
ADMINS = [f"admin{n}@demo.test" for n in range(MAX_CONTACTS + 1)]


async def padded(client: Client, size: int) -> bytes:
    """A POST-as-GET of the client's account, padded with spaces to that many octets."""
    body = json.dumps(jws(client.key, None, await client.protected(client.kid or ""))).encode()
    return body + b" " * (size - len(body))


async def test_a_body_at_its_limit(served: Served) -> None:
    client = await served.registered()
    found = await client.post_body(client.kid or "", await padded(client, MAX_BODY))
    assert found.status == 200
    found = await client.post_body(client.kid or "", await padded(client, MAX_BODY + 1))
    assert found.status == 413
    refused(found, "a body too large")


async def test_brackets_of_a_payload_at_their_limit(served: Served) -> None:
    client = await served.registered()
    for brackets, status in ((MAX_BRACKETS, 200), (MAX_BRACKETS + 1, 400)):
        nested = b'{"contact":[],"x":' + b"[" * (brackets - 2) + b"]" * (brackets - 2) + b"}"
        assert (await client.post(client.kid or "", nested)).status == status


async def test_identifiers_at_their_limit(served: Served) -> None:
    client = await served.registered()
    for count, status in ((MAX_IDENTIFIERS, 201), (MAX_IDENTIFIERS + 1, 400)):
        assert (await client.order(*(f"n{n}.demo.test" for n in range(count)))).status == status


def name_of(size: int, label: int = 50) -> str:
    """A name of that many characters in labels of the given size, under demo.test."""
    room = size - len(".demo.test")
    labels = ["a" * label] * (room // (label + 1))
    rest = room - sum(len(each) + 1 for each in labels)
    return ".".join([*(["b" * rest] if rest else []), *labels]).removeprefix(".") + ".demo.test"


def test_names_made_here_are_as_long_as_they_say() -> None:
    assert [len(name_of(size)) for size in (MAX_NAME, MAX_NAME + 1)] == [MAX_NAME, MAX_NAME + 1]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(name_of(MAX_NAME), name_of(MAX_NAME + 1), id="name"),
        pytest.param("a" * MAX_LABEL + ".demo.test", "a" * (MAX_LABEL + 1) + ".demo.test", id="label"),
    ],
)
async def test_a_name_at_its_limit(served: Served, good: str, bad: str) -> None:
    client = await served.registered()
    assert (await client.order(good)).status == 201
    assert (await client.order(bad)).error == "malformed"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(ADMINS[:-1], ADMINS, id="contacts"),
        pytest.param(["a" * MAX_LOCAL_PART + "@demo.test"], ["a" * (MAX_LOCAL_PART + 1) + "@demo.test"], id="local"),
        pytest.param(["a@" + name_of(MAX_ADDRESS - 2)], ["ab@" + name_of(MAX_ADDRESS - 2)], id="address"),
        pytest.param([ADDRESS] * 100, [ADDRESS] * 101, id="list"),
    ],
)  # fmt: skip
async def test_contacts_at_their_limit(served: Served, good: list[str], bad: list[str]) -> None:
    client = await served.registered()
    for contact, status in ((good, 200), (bad, 400)):
        found = await client.post(client.kid or "", {"contact": [f"mailto:{address}" for address in contact]})
        assert found.status == status, found.body


def csr_of_size(size: int) -> bytes:
    """A right CSR for www.demo.test with an extension that nobody reads, of exactly that many octets."""
    key, padding = new_key(), size - 400
    while True:
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.demo.test")]), critical=False)
        filler: Any = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(padding))
        made = builder.add_extension(filler, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        if len(made) == size:
            return made
        padding += (size > len(made)) - (size < len(made)) if abs(size - len(made)) < 4 else size - len(made)


async def test_a_csr_at_its_limit(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, "www.demo.test")
    found = await client.post(order["finalize"], {"csr": b64(csr_of_size(MAX_DER + 1))})
    assert (found.error, str(MAX_DER) in found.json["detail"]) == ("badCSR", True)
    assert (await client.post(order["finalize"], {"csr": b64(csr_of_size(MAX_DER))})).status == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("GET /dir?{} HTTP/1.1\r\n", id="address"),
        pytest.param("GET /dir HTTP/1.1\r\nX: {}\r\n", id="header field"),
    ],
)
async def test_a_line_of_the_header_at_its_limit(served: Served, head: str) -> None:
    """aiohttp's own limit, 8190 octets: far below it there is an answer, beyond it 400 and the end."""
    async with acme_listening(served) as reach:
        for size, status in ((8000, 200), (8191, 400)):
            sent = head.format("a" * size) + "Host: acme.test\r\nConnection: close\r\n\r\n"
            assert [raw.status for raw in await converse(reach, sent.encode())] == [status]
