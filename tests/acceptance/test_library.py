"""The reference client library: account keys, bindings, profiles, addresses, key change, the list of orders."""

import socket
from datetime import timedelta

import pytest
from acme import errors, messages

from ca.profiles import PROFILES
from tests.acceptance.clients import names_of
from tests.acceptance.dev import Dev
from tests.acceptance.library import certificate, change_key, connected, new_key, post, registered, registration


def has_ipv6_loopback() -> bool:
    """Whether this machine can listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("alg", "bound", "name", "profile"),
    [
        pytest.param("RS256", True, "rsa.demo.test", None, id="RSA, binding key"),
        pytest.param("ES256", False, "demo.test", "shortlived", id="P-256, no binding, the shortlived profile"),
        pytest.param("ES384", True, "127.0.0.1", "tlsserver", id="P-384, IPv4 loopback"),
        pytest.param("ES512", False, "::1", None, id="P-521, no binding, IPv6 loopback",
                     marks=pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no ::1")),
    ],
)  # fmt: skip
def test_every_kind_of_account_gets_a_certificate(
    dev: Dev, alg: str, bound: bool, name: str, profile: str | None
) -> None:
    client = registered(dev, alg, dev.key if bound else None)
    assert not client.external_account_required()
    made = certificate(client, dev, name, profile=profile)
    assert names_of(made) == {name}
    lasts = made.not_valid_after_utc - made.not_valid_before_utc
    assert lasts <= PROFILES[profile or "tlsserver"].lifetime + timedelta(hours=1)


def test_a_known_key_finds_its_account_and_spends_no_binding(dev: Dev) -> None:
    key = new_key("ES256")
    first = connected(dev, key, "ES256")
    account = first.new_account(registration(first, dev.key))
    again = connected(dev, key, "ES256")
    with pytest.raises(errors.ConflictError) as found:
        again.new_account(registration(again, None))
    assert found.value.location == account.uri


def test_a_changed_key_is_the_only_one(dev: Dev) -> None:
    client, new = registered(dev, "ES256", dev.key), new_key("ES256")
    account, old = client.net.account, client.net.key
    change_key(client, new, "ES256")
    assert post(client, account.uri).json()["status"] == "valid"

    stale = connected(dev, old, "ES256")
    stale.net.account = account
    with pytest.raises(messages.Error) as refused:
        post(stale, account.uri)
    assert refused.value.code == "malformed"


def test_a_deactivated_account_gets_nothing(dev: Dev) -> None:
    client = registered(dev)
    account = client.net.account
    assert client.deactivate_registration(account).body.status == "deactivated"
    with pytest.raises(messages.Error) as refused:
        post(client, account.uri)
    assert refused.value.code == "unauthorized"


def test_the_list_of_orders_page_by_page(dev: Dev) -> None:
    client = registered(dev)
    wanted = messages.NewOrder(identifiers=[messages.Identifier(typ=messages.IDENTIFIER_FQDN, value="demo.test")])
    made = {post(client, client.directory["newOrder"], wanted).headers["Location"] for _ in range(103)}

    url: str | None = post(client, client.net.account.uri).json()["orders"]
    listed: list[str] = []
    pages = 0
    while url:
        page = post(client, url)
        listed += page.json()["orders"]
        url = page.links.get("next", {}).get("url")
        pages += 1
    assert pages == 2
    assert sorted(listed) == sorted(made)
