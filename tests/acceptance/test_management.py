"""The management paths that test suites of ACME clients know from Pebble."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.acceptance.clients import Lego, leaf, run
from tests.acceptance.dev import Dev
from tests.acceptance.library import certificate, registered

INDEXES = (0, 1, 2)


def pem(dev: Dev, path: str) -> bytes:
    """What the management listener answers."""
    return dev.fetch(dev.url("management", path))


def test_each_chain_is_one_that_openssl_verifies(dev: Dev, tmp_path: Path) -> None:
    client = Lego(dev, tmp_path / "lego", dev.key)
    client.succeeds("chain.demo.test", "run")
    chain = client.file("chain.demo.test")
    roots = []
    for index in INDEXES:
        root, intermediate = pem(dev, f"/roots/{index}"), pem(dev, f"/intermediates/{index}")
        (tmp_path / "root.pem").write_bytes(root)
        (tmp_path / "intermediate.pem").write_bytes(intermediate)
        words = ["-CAfile", "root.pem", "-untrusted", "intermediate.pem", chain]
        verified = run(["openssl", "verify", "-x509_strict", *words], tmp_path)
        assert verified.returncode == 0, verified.stdout
        roots.append(root)
    assert len(set(roots)) == len(INDEXES)


def test_keys_belong_to_their_certificates(dev: Dev) -> None:
    for index in INDEXES:
        for kind in ("root", "intermediate"):
            key = load_pem_private_key(pem(dev, f"/{kind}-keys/{index}"), None)
            certified = x509.load_pem_x509_certificate(pem(dev, f"/{kind}s/{index}"))
            assert key.public_key() == certified.public_key(), (kind, index)


@pytest.mark.parametrize("path", ["/roots/3", "/intermediates/3", "/root-keys/3", "/cert-status-by-serial/1"])
def test_what_is_not_there_is_not_found(dev: Dev, path: str) -> None:
    with pytest.raises(HTTPError) as refused:
        pem(dev, path)
    assert refused.value.code == 404


def test_the_status_of_a_certificate(dev: Dev, tmp_path: Path) -> None:
    client = Lego(dev, tmp_path / "lego", dev.key)
    client.succeeds("status.demo.test", "run")
    certificate = leaf(client.file("status.demo.test"))
    found = dev.status_of(certificate)
    assert found.keys() == {"Certificate", "Serial", "Status"}
    assert x509.load_pem_x509_certificate(found["Certificate"].encode()) == certificate
    client.succeeds("status.demo.test", "revoke", "--reason", "1")
    found = dev.status_of(certificate)
    assert (found["Status"], found["Reason"]) == ("Revoked", 1)
    assert datetime.fromisoformat(found["RevokedAt"]) <= datetime.now(UTC)


def test_renewal_information_is_what_was_set(dev: Dev) -> None:
    client = registered(dev)
    made = certificate(client, dev, "ari.demo.test")
    text = made.public_bytes(Encoding.PEM)
    renew_at, ask_again_at = client.renewal_time(text)
    assert renew_at is not None
    assert datetime.now(UTC) < renew_at < made.not_valid_after_utc
    assert ask_again_at > datetime.now()  # noqa: DTZ005  the library's instants are naive

    past = datetime.now(UTC) - timedelta(days=1)
    window = {"start": past.isoformat(), "end": (past + timedelta(hours=1)).isoformat()}
    wanted = {"certificate": text.decode(), "ariResponse": json.dumps({"suggestedWindow": window})}
    dev.fetch(dev.url("management", "/set-renewal-info/"), json.dumps(wanted).encode())
    renew_at, _ = client.renewal_time(text)
    assert renew_at is not None
    assert past <= renew_at <= past + timedelta(hours=1)

    day = past.replace(microsecond=0).isoformat()
    wanted["ariResponse"] = json.dumps({"suggestedWindow": {"start": day, "end": day}})  # certbot's suite does so
    dev.fetch(dev.url("management", "/set-renewal-info/"), json.dumps(wanted).encode())
    renew_at, _ = client.renewal_time(text)
    assert renew_at is not None
    assert past.replace(microsecond=0) <= renew_at <= past + timedelta(seconds=1)
