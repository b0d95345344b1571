import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import requests
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.requests import (
    AccountUpdate,
    AuthorizationUpdate,
    ChallengeResponse,
    Finalize,
    NewAccount,
    NewOrder,
    Revoke,
    contacts,
    parse,
)
from tests.acme_server.protocol.clients import attempt, refused

TYPES = [NewAccount, AccountUpdate, NewOrder, Finalize, Revoke, ChallengeResponse, AuthorizationUpdate]
GOOD: dict[Any, dict[str, Any]] = {
    NewAccount: {},
    AccountUpdate: {},
    NewOrder: {"identifiers": [{"type": "dns", "value": "a.test"}]},
    Finalize: {"csr": "AA"},
    Revoke: {"certificate": "AA"},
    ChallengeResponse: {},
    AuthorizationUpdate: {"status": "deactivated"},
}


def sent(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_new_account() -> None:
    eab = '{"protected" :"AA","payload":"", "signature":"AA"}'
    text = f'{{"contact": ["mailto:a@a.test"], "termsOfServiceAgreed": true, "externalAccountBinding":{eab}}}'
    found = parse(text.encode(), NewAccount)
    assert found.contact == ["mailto:a@a.test"]
    assert (found.terms_of_service_agreed, found.only_return_existing) == (True, False)
    assert found.external_account_binding == eab.encode()
    assert parse(b'{"onlyReturnExisting": true}', NewAccount) == NewAccount(only_return_existing=True)
    assert parse(b"{}", NewAccount).external_account_binding is None


def test_members_that_are_not_the_clients_to_send_are_ignored() -> None:
    extra = {"orders": "https://x", "status": "revoked", "foo": [{"bar": 1}]}
    assert parse(sent(extra), NewAccount) == NewAccount()


@pytest.mark.parametrize("type_", TYPES)
def test_unknown_members_are_ignored_but_not_twice(type_: Any) -> None:
    text = sent(GOOD[type_] | {"foo": 1})
    assert parse(text, type_) == parse(sent(GOOD[type_]), type_)
    with refused(ErrorType.MALFORMED, "'foo' occurs twice"):
        parse(text[:-1] + b', "foo": 1}', type_)


def test_new_order_in_utc() -> None:
    found = parse(sent(GOOD[NewOrder] | {"notBefore": "2026-12-01T09:00:00+09:00", "profile": "ov"}), NewOrder)
    assert found.not_before == datetime(2026, 12, 1, tzinfo=UTC)
    assert found.not_before.tzinfo is UTC
    assert (found.not_after, found.profile, found.replaces) == (None, "ov", None)
    assert found.names() == ["a.test"]


A_NAME = {"type": "dns", "value": "a.test"}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        pytest.param(NewOrder, {}, id="A-117 identifiers absent"),
        pytest.param(NewOrder, {"identifiers": []}, id="A-117 identifiers empty"),
        pytest.param(NewOrder, {"identifiers": None}, id="A-117 identifiers null"),
        pytest.param(NewOrder, {"identifiers": A_NAME}, id="A-117 identifiers an object"),
        pytest.param(NewOrder, {"identifiers": ["a.test"]}, id="A-117 identifiers strings"),
        pytest.param(NewOrder, {"identifiers": [{"type": "dns"}]}, id="A-117 value missing"),
        pytest.param(NewOrder, {"identifiers": [{"value": "a.test"}]}, id="A-117 type missing"),
        pytest.param(NewOrder, {"identifiers": [A_NAME | {"value": None}]}, id="A-117 value null"),
        pytest.param(NewOrder, {"identifiers": [A_NAME | {"value": 1}]}, id="A-117 value a number"),
        pytest.param(NewOrder, {"identifiers": [A_NAME | {"type": ["dns"]}]}, id="A-117 type an array"),
        pytest.param(NewOrder, {"identifiers": [A_NAME | {"value": "a" * 301}]}, id="value too long"),
        pytest.param(NewOrder, {"identifiers": [A_NAME] * 101}, id="too many identifiers"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"notAfter": "tomorrow"}, id="notAfter not a time"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"notAfter": 1}, id="notAfter a number"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"notAfter": "2026-12-01T00:00:00"}, id="notAfter without offset"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"notAfter": "0001-01-01T00:00:00+01:00"}, id="before all time"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"notBefore": "9999-12-31T23:59:59-01:00"}, id="after all time"),
        pytest.param(NewOrder, GOOD[NewOrder] | {"profile": 1}, id="profile a number"),
        pytest.param(NewAccount, {"termsOfServiceAgreed": "true"}, id="A-078 agreed in words"),
        pytest.param(NewAccount, {"termsOfServiceAgreed": 1}, id="A-078 agreed by number"),
        pytest.param(NewAccount, {"contact": "mailto:a@a.test"}, id="contact a string"),
        pytest.param(NewAccount, {"contact": [1]}, id="contact a number"),
        pytest.param(NewAccount, {"contact": ["mailto:a@a.test"] * 101}, id="too many contacts"),
        pytest.param(Finalize, {}, id="A-126 no csr"),
        pytest.param(Finalize, {"csr": None}, id="A-126 csr null"),
        pytest.param(Finalize, {"csr": {"der": "AA"}}, id="A-126 csr an object"),
        pytest.param(Revoke, {}, id="no certificate"),
        pytest.param(Revoke, {"certificate": "AA", "reason": "1"}, id="reason a string"),
        pytest.param(Revoke, {"certificate": "AA", "reason": 1.5}, id="reason a fraction"),
        pytest.param(Revoke, {"certificate": "AA", "reason": True}, id="reason a boolean"),
        pytest.param(ChallengeResponse, [], id="A-146 an array"),
        pytest.param(ChallengeResponse, None, id="A-146 null"),
        pytest.param(ChallengeResponse, "", id="A-146 a string"),
        pytest.param(AuthorizationUpdate, {}, id="no status"),
        pytest.param(AuthorizationUpdate, {"status": "valid"}, id="a status no client sets"),
    ],
)
def test_a_payload_of_the_wrong_shape_is_malformed(type_: Any, value: Any) -> None:
    parse(sent(GOOD[type_]), type_)
    with refused(ErrorType.MALFORMED, "The payload"):
        parse(sent(value), type_)


def test_the_member_at_fault_is_named() -> None:
    with refused(ErrorType.MALFORMED, "identifiers[1].value"):
        parse(sent({"identifiers": [A_NAME, {"type": "dns", "value": 1}]}), NewOrder)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"a":' * 100_000, b'{"identifiers":' + b"[" * 100_000, b'{"reason":' + b"9" * 9999]
)
def test_what_is_not_json_is_malformed(type_: Any, text: bytes) -> None:
    with refused(ErrorType.MALFORMED):
        parse(text, type_)


def test_any_object_is_a_challenge_response() -> None:
    assert parse(b"{}", ChallengeResponse) == parse(b'{"keyAuthorization": "x"}', ChallengeResponse)


MEMBERS = ["identifiers", "notAfter", "contact", "status", "reason", "csr", "certificate", "externalAccountBinding"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("deactivated"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "x"]), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("type_", TYPES)
@given(st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_any_payload_is_a_value_or_malformed(type_: Any, members: dict[str, Any]) -> None:
    found = attempt(lambda: parse(sent(members), type_))
    assert isinstance(found, type_) or (isinstance(found, AcmeError) and found.type is ErrorType.MALFORMED)


@given(st.binary(max_size=60), st.sampled_from(TYPES))
def test_any_octets_are_a_value_or_malformed(octets: bytes, type_: Any) -> None:
    found = attempt(lambda: parse(octets, type_))
    assert isinstance(found, type_) or (isinstance(found, AcmeError) and found.type is ErrorType.MALFORMED)


@pytest.mark.std("A-079")
@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["mailto:Admin+tls@Demo.test"], ["mailto:Admin+tls@Demo.test"], id="one, as written"),
        pytest.param(["MAILTO:a@a.test", "mailto:a@a.test"], ["mailto:a@a.test"], id="each once"),
        pytest.param([f"mailto:{n}@a.test" for n in range(10)], [f"mailto:{n}@a.test" for n in range(10)], id="ten"),
    ],
)
def test_contacts(urls: list[str], expected: list[str]) -> None:
    assert contacts(urls) == expected


@pytest.mark.parametrize(
    ("url", "type_"),
    [
        pytest.param("tel:+81312345678", ErrorType.UNSUPPORTED_CONTACT, id="A-080 tel"),
        pytest.param("https://a.test/contact", ErrorType.UNSUPPORTED_CONTACT, id="A-080 https"),
        pytest.param("a@a.test", ErrorType.INVALID_CONTACT, id="A-080 no scheme"),
        pytest.param("", ErrorType.INVALID_CONTACT, id="A-080 nothing"),
        pytest.param("mailto:", ErrorType.INVALID_CONTACT, id="A-080 no address"),
        pytest.param("mailto:a", ErrorType.INVALID_CONTACT, id="A-080 no domain"),
        pytest.param("mailto:@a.test", ErrorType.INVALID_CONTACT, id="A-080 no local part"),
        pytest.param("mailto:a@localhost", ErrorType.INVALID_CONTACT, id="A-080 a single label"),
        pytest.param("mailto:a@*.a.test", ErrorType.INVALID_CONTACT, id="A-080 a wildcard"),
        pytest.param("mailto:a@192.0.2.1", ErrorType.INVALID_CONTACT, id="A-080 an address for a domain"),
        pytest.param("mailto:a b@a.test", ErrorType.INVALID_CONTACT, id="A-080 a space"),
        pytest.param("mailto:a\r\nBcc: b@a.test", ErrorType.INVALID_CONTACT, id="A-080 a line break"),
        pytest.param("mailto:契約@a.test", ErrorType.INVALID_CONTACT, id="A-080 not ASCII"),
        pytest.param("mailto:a@契約.test", ErrorType.INVALID_CONTACT, id="A-080 a U-label"),
        pytest.param("mailto:a%40b@a.test", ErrorType.INVALID_CONTACT, id="A-080 percent encoding"),
        pytest.param("mailto:" + "a" * 65 + "@a.test", ErrorType.INVALID_CONTACT, id="A-080 a long local part"),
        pytest.param("mailto:a@a.test?subject=x", ErrorType.INVALID_CONTACT, id="A-081 header fields"),
        pytest.param("mailto:a@a.test,b@a.test", ErrorType.INVALID_CONTACT, id="A-081 two addresses"),
        pytest.param("mailto:?to=a@a.test", ErrorType.INVALID_CONTACT, id="A-081 the address in a field"),
    ],
)
def test_contacts_that_are_refused(url: str, type_: ErrorType) -> None:
    with refused(type_, "mailto"):
        contacts(["mailto:a@a.test", url])


def test_eleven_contacts_are_refused() -> None:
    with refused(ErrorType.INVALID_CONTACT, "10"):
        contacts(f"mailto:{n}@a.test" for n in range(11))


@given(st.text(max_size=30) | st.text("a@.,?%:", max_size=20).map("mailto:{}".format))
def test_any_contact_is_one_address_or_refused(url: str) -> None:
    match attempt(lambda: requests.contacts([url])):
        case AcmeError(type=type_):
            assert type_ in (ErrorType.INVALID_CONTACT, ErrorType.UNSUPPORTED_CONTACT)
        case [found]:
            assert found.isascii()
            assert found.count("@") == 1
