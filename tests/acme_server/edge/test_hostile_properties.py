"""Anything at all sent to any URL: a 4xx problem with a detail; never a 5xx, a hang or a traceback (RFC 8555 §6.7).

One server stands for all the properties, so that whatever one request broke would be seen by the next.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_server.dev.postgres import EmbeddedPostgres
from ca.der import BIT_STRING, SEQUENCE, elements, tlv
from tests.acme_server.client import LEAVE_OUT, Json, b64, csr, der, jwk, jws, leaf, new_key
from tests.acme_server.edge import odd
from tests.acme_server.edge.hostile import check, check_raw, nothing_unexpected, refused
from tests.acme_server.edge.house import House, house
from tests.acme_server.edge.odd import BOUNDED

DNS = {"type": "dns", "value": "www.demo.test"}
ORDER: Json = {"identifiers": [DNS]}
ACCOUNT_MEMBERS = ("contact", "termsOfServiceAgreed", "onlyReturnExisting", "externalAccountBinding", "orders")
ORDER_MEMBERS = ("identifiers", "notBefore", "notAfter", "profile", "replaces", "status", "certificate")


@pytest.fixture(scope="module")
def at_home(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The server of this module."""
    with house(postgres, tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def home(at_home: House, caplog: pytest.LogCaptureFixture) -> Iterator[House]:
    """The same; it must have foreseen whatever the test sends."""
    with nothing_unexpected(caplog):
        yield at_home
    assert at_home.run(at_home.client.send("GET", "/dir")).status == 200


def test_no_octets_are_a_request(home: House) -> None:
    before = home.stored()

    @BOUNDED
    @given(st.sampled_from(odd.URLS), odd.octets_of_json())
    def any_body(url: str, body: bytes) -> None:
        refused(home.run(home.client.post_body(url, body)), (url, body))

    any_body()
    assert home.stored() == before


def test_a_signed_request_with_small_faults_is_none_or_the_same(home: House) -> None:
    """Whitespace and unknown members aside, no octet may change: the same texts go in again, or it is refused."""

    @BOUNDED
    @given(st.data())
    def any_fault(data: st.DataObject) -> None:
        header = home.run(home.client.protected("/new-order"))
        right = json.dumps(jws(home.client.key, ORDER, header)).encode()
        wrong = data.draw(odd.faulty(right))
        found = home.run(home.client.post_body("/new-order", wrong))
        check(found, wrong)
        if found.status < 400:
            assert all(json.loads(wrong)[name] == text for name, text in json.loads(right).items()), wrong

    any_fault()


def test_a_signed_header_with_an_odd_member_is_refused(home: House) -> None:
    before = home.stored()
    names = st.sampled_from(("alg", "nonce", "url", "kid", "jwk", "crit", "b64"))

    @BOUNDED
    @given(st.dictionaries(names, st.just(LEAVE_OUT) | odd.values, min_size=1, max_size=3))
    def any_header(changes: Json) -> None:
        found = home.post("/new-order", {"identifiers": []}, **changes)  # which no header makes good
        refused(found, changes)

    any_header()
    assert home.stored() == before


def test_any_key_in_a_header_is_refused(home: House) -> None:
    before, good = home.stored(), jwk(home.client.key)

    @BOUNDED
    @given(odd.members(good, "kty", "crv", "x", "y", "n", "e", "d", "k", "alg", "use"))
    def any_key(key: Json) -> None:
        found = home.post("/new-account", {"termsOfServiceAgreed": False}, jwk=key, kid=LEAVE_OUT)
        check(found, key)
        if found.status < 400:  # the client's own account: the members that matter are those of its key
            assert {name: key.get(name) for name in good} == good

    any_key()
    assert home.stored() == before


@pytest.mark.std("A-115", "A-121")
def test_any_payload_of_any_resource_is_answered(home: House) -> None:
    order = home.run(home.client.order("www.demo.test")).json
    authorization = order["authorizations"][0]
    challenge = home.post(authorization, None).json["challenges"][0]["url"]
    stranger, account = new_key(), home.client.kid or ""
    resources: list[tuple[str, Json, tuple[str, ...], Json]] = [
        ("/new-account", {"onlyReturnExisting": True}, ACCOUNT_MEMBERS, {"jwk": jwk(stranger), "kid": LEAVE_OUT}),
        ("/new-order", ORDER, ORDER_MEMBERS, {}),
        ("/new-order", {"identifiers": [{**DNS, "ancestorDomain": "demo.test"}]}, ORDER_MEMBERS, {}),
        ("/new-authz", {"identifier": {**DNS, "subdomainAuthAllowed": True}}, ("identifier", "status"), {}),
        (account, {}, ("contact", "termsOfServiceAgreed", "externalAccountBinding"), {}),
        (f"{account}/orders", {}, ("cursor",), {}),
        (authorization, {"status": "revoked"}, ("identifier", "expires"), {}),
        (challenge, {"type": "x"}, ("type", "token", "keyAuthorization", "status"), {}),
        (order["finalize"], {"csr": "AA"}, ("csr",), {}),
        ("/revoke-cert", {}, ("certificate", "reason"), {}),
        ("/key-change", jws(stranger, {}, {"alg": "ES256"}), ("protected", "payload", "signature", "header"), {}),
    ]

    @settings(BOUNDED, max_examples=250)
    @given(st.sampled_from(resources), st.data())
    def any_payload(resource: tuple[str, Json, tuple[str, ...], Json], data: st.DataObject) -> None:
        url, good, names, header = resource
        payload = data.draw(odd.payloads(good, *names))
        check(home.run(home.client.post(url, payload, stranger if header else None, **header)), (url, payload))

    any_payload()


def test_any_inner_request_of_key_change_is_refused(home: House) -> None:
    before, new, url = home.stored(), new_key(), home.client.url("/key-change")
    header = {"alg": "ES256", "url": url, "jwk": jwk(new)}
    good = {"account": home.client.kid, "oldKey": jwk(home.client.key)}

    @BOUNDED
    @given(st.data())
    def any_inner(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            inner = jws(
                new, data.draw(odd.payloads(good, "account", "oldKey").filter(lambda p: not has_all(p, good))), header
            )
        else:
            changed = data.draw(odd.members(header, "alg", "url", "jwk", "kid", "nonce", "crit", "b64"))
            inner = jws(new, good | {"account": "https://acme.test/account/0"}, changed)
        refused(home.post("/key-change", inner), inner)

    any_inner()
    assert home.stored() == before


def has_all(payload: bytes, good: Json) -> bool:
    """Whether the payload says what the good one says."""
    try:
        return good.items() <= json.loads(payload).items()
    except (ValueError, AttributeError, RecursionError):
        return False


@pytest.mark.std("A-128", "A-130")
def test_any_csr_but_a_right_one_is_refused(home: House) -> None:
    names = ["www.demo.test", "*.demo.test"]
    order = home.run(home.client.ready(*names))[1]
    good = csr(new_key(), names)
    before = home.stored()

    @BOUNDED
    @given(odd.faulty(good) | odd.regrown(good) | st.binary(max_size=300))
    def any_csr(octets: bytes) -> None:
        if octets != good:
            refused(home.post(order["finalize"], {"csr": b64(octets)}), octets)

    any_csr()
    assert home.stored() == before
    assert home.post(order["finalize"], {"csr": b64(good)}).status == 200


def test_a_signed_csr_of_any_content_is_answered(home: House) -> None:
    """The content has faults, the signature verifies: what comes after the look at the signature is asked, too."""
    key, names = new_key(), ["www.demo.test"]
    content, algorithm, _ = elements(csr(key, names, common_name=names[0]))
    ready = [home.run(home.client.ready(*names))[1]]

    @BOUNDED
    @given(odd.regrown(content))
    def any_content(changed: bytes) -> None:
        signature = key.sign(changed, ec.ECDSA(hashes.SHA256()))
        octets = tlv(SEQUENCE, changed, algorithm, tlv(BIT_STRING, b"\0", signature))
        found = home.post(ready[0]["finalize"], {"csr": b64(octets)})
        check(found, octets)
        if found.status < 400:  # attributes that nobody looks at, say: the names are the order's
            issued = leaf(home.post(found.json["certificate"], None).body)
            assert issued.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
            ready[0] = home.run(home.client.ready(*names))[1]

    any_content()


@pytest.mark.std("A-178", "A-188")
def test_any_certificate_but_ours_is_not_revoked(home: House) -> None:
    own = leaf(home.run(home.client.certificate("www.demo.test")))
    octets, before = own.public_bytes(Encoding.DER), home.stored()

    @BOUNDED
    @given(odd.faulty(octets) | odd.regrown(octets), odd.values)
    def any_certificate(wrong: bytes, reason: Any) -> None:
        if wrong != octets:
            refused(home.post("/revoke-cert", {"certificate": b64(wrong)}), wrong)
        if reason not in (0, 1, 3, 4, 5, None):
            refused(home.post("/revoke-cert", {"certificate": der(own), "reason": reason}), reason)

    any_certificate()
    assert home.stored() == before
    assert home.post("/revoke-cert", {"certificate": der(own)}).status == 200


@pytest.mark.std("A-032", "A-033")
def test_any_http_has_an_answer(home: House) -> None:
    before, urls = home.stored(), st.sampled_from(odd.URLS)

    @BOUNDED
    @given(odd.readable(urls))
    def any_readable(octets: bytes) -> None:
        found = home.send(octets)
        assert found, octets
        for raw in found:
            check_raw(raw, octets)

    @settings(BOUNDED, max_examples=40)
    @given(odd.unreadable(urls))
    def any_octets(octets: bytes) -> None:
        for raw in home.send(octets, end=True):
            check_raw(raw, octets)

    any_readable()
    any_octets()
    assert home.stored() == before


def test_a_request_with_faults_in_its_header_and_half_its_body_has_a_bounded_end(home: House) -> None:
    before, header = home.stored(), home.run(home.client.protected("/new-order"))
    body = json.dumps(jws(home.client.key, ORDER, header)).encode()
    fields = [("Content-Type", "application/jose+json"), ("Content-Length", len(body))]
    head = odd.message("POST /new-order HTTP/1.1", fields, b"")

    @settings(BOUNDED, max_examples=40)
    @given(odd.faulty(head[:-4]))
    def any_head(wrong: bytes) -> None:
        sent = wrong + b"\r\n\r\n" + body[:200]
        for raw in home.send(sent, end=True):
            check_raw(raw, sent)

    any_head()
    assert home.stored() == before
