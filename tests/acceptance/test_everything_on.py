"""One `keiyaku dev` with all of it on: transparency, linting, perspectives, OCSP; real clients, and a crash."""

import asyncio
import json
import os
import signal
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.acceptance.clients import Certbot, Finished, Lego, leaf, names_of, run
from tests.acceptance.crash import children
from tests.acceptance.dev import Dev, running
from tests.acceptance.outside import Outside, beside
from tests.acceptance.test_status import issuer_url, revoked_on

PATIENCE = 60.0
NO_LIST_YET = "Too few logs take certificates just now"
UNDER_WAY = "SELECT locked_by, subject FROM acme.jobs WHERE kind = 'issue' AND locked_by LIKE 'acme@%'"
ITS_LEASE_ENDS = "UPDATE acme.jobs SET locked_until = now() - interval '1 second' WHERE locked_by = $1"
ITS_DEADLINE_COMES = "UPDATE acme.jobs SET deadline_at = now() WHERE subject = $1"
ORDER = "SELECT status FROM acme.orders WHERE id = $1::uuid AND status IN ('valid', 'invalid')"
MADE = """
SELECT p.der AS precertificate, c.der AS certificate, r.serial IS NOT NULL AS is_revoked
FROM acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id
LEFT JOIN ca.precertificates p ON p.id = t.id LEFT JOIN ca.certificates c ON c.id = t.id
LEFT JOIN ca.revocations r ON r.serial = t.serial WHERE i.order_id = $1::uuid
"""


@dataclass(frozen=True)
class World:
    """The server and what it asks."""

    dev: Dev
    outside: Outside
    folder: Path

    def certbot(self, name: str) -> Certbot:
        """One with a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        return Certbot(self.dev, folder, self.dev.key)

    def rows(self, query: str, *given: object) -> list[Any]:
        """What the database's owner finds."""

        async def found() -> list[Any]:
            conn = await asyncpg.connect(self.dev.owner_dsn)
            try:
                return list(await conn.fetch(query, *given))
            finally:
                await conn.close()

        return asyncio.run(found())

    def evidence(self, kind: str, of: str) -> list[dict[str, Any]]:
        """What evidence of the kind says where `of` stands in it, as operators list it; newest first."""
        rows = self.dev.keiyaku_json("evidence list --last 10000")
        return [json.loads(row["content"]) for row in rows if row["kind"] == kind and of in row["content"]]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Everything is on; the logs know the demo's root."""
    with tempfile.TemporaryDirectory(prefix="keverything-") as name:
        folder = Path(name)
        with beside(folder) as outside, running(folder / "data", **outside.settings) as dev:
            outside.trust(dev)
            yield World(dev, outside, folder)


def until(found: Callable[[], Any], what: str) -> Any:
    """What `found` finds, once it finds something. Fails the test when that takes too long."""
    end = time.monotonic() + PATIENCE
    while not (one := found()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.1)
    return one


OCSP = "--preferred-profile", "tlsserver-ocsp"


@pytest.fixture(scope="module")
def issued(world: World) -> tuple[Certbot, x509.Certificate]:
    """A certificate with OCSP, and the certbot that got it: as soon as the server has heard of the logs."""
    client, name = world.certbot("certbot"), "everything.demo.test"

    def got() -> Finished | None:
        done = client.issue(name, *OCSP)
        return None if NO_LIST_YET in done.stdout else done

    done: Finished = until(got, "the server knows the logs")
    assert done.returncode == 0, done.stdout + client.log()[-4000:]
    return client, leaf(client.live(name) / "cert.pem")


@pytest.mark.std("C-126", "C-128", "C-131")
def test_the_scts_of_the_certificate_are_the_logs_own(world: World, issued: tuple[Certbot, x509.Certificate]) -> None:
    certificate = issued[1]
    scts = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    by_id = {log.id: log for log in world.outside.logs}
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc > timedelta(days=180)  # three are needed
    assert {sct.log_id for sct in scts} == set(by_id)
    assert len(scts) == 3
    issuer = x509.load_der_x509_certificate(world.dev.fetch(issuer_url(certificate)))
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs = certificate.tbs_precertificate_bytes
    entry = sha256(spki).digest() + len(tbs).to_bytes(3, "big") + tbs
    for sct in scts:
        log, at = by_id[sct.log_id], sct.timestamp.replace(tzinfo=UTC)
        milliseconds = (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
        signed = struct.pack(">BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        log.key.public_key().verify(sct.signature, signed, ec.ECDSA(hashes.SHA256()))
        assert sha256(entry).digest() in log.taken


@pytest.mark.std("C-063", "C-064")
def test_evidence_holds_quorum_lint_and_scts(world: World, issued: tuple[Certbot, x509.Certificate]) -> None:
    certificate = issued[1]
    [name], serial = names_of(certificate), f"{certificate.serial_number:032x}"
    [validated] = world.evidence("authorization.validated", name)
    assert quorums(validated) == ["6/6", "6/6"]  # of the challenge and of CAA
    assert {one["check_type"] for one in world.outside.coordinator.asked} == {"dcv", "caa"}
    [linted] = world.evidence("precertificate.signed", serial)
    assert linted["lint"]["tool"].startswith("pkilint ")
    assert "ERROR cabf.internal_domain_name" in linted["lint"]["findings"]
    [recorded] = world.evidence("scts.recorded", serial)
    assert {one["log_id"] for one in recorded["scts"]} == {log.id.hex() for log in world.outside.logs}
    world.dev.keiyaku(f"evidence bundle --certificate {serial} --out {world.folder / 'bundle'}")
    world.dev.keiyaku(f"evidence verify-bundle {world.folder / 'bundle'}")


def quorums(found: object) -> list[str]:
    """Every quorum anywhere in it."""
    match found:
        case list():
            return [each for one in found for each in quorums(one)]
        case dict():
            mine = [found["quorum"]] if "quorum" in found else []
            return mine + [each for one in found.values() for each in quorums(one)]
    return []


def test_lego_by_http_gets_one_too(world: World, issued: tuple[Certbot, x509.Certificate]) -> None:
    client, name = Lego(world.dev, world.folder / "lego", world.dev.key), "lego.demo.test"
    assert "use http-01 solver" in client.succeeds(name, "run")
    certificate = leaf(client.file(name))
    assert names_of(certificate) == {name}
    scts = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    assert {sct.log_id for sct in scts} == {log.id for log in world.outside.logs}
    assert issued[1].serial_number != certificate.serial_number


def ocsp(world: World, certificate: x509.Certificate) -> str:
    """What openssl hears of the certificate, with a nonce, checked under the demo's root."""
    folder = Path(tempfile.mkdtemp(dir=world.folder))
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    [url] = [one.access_location.value for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]
    issuer = x509.load_der_x509_certificate(world.dev.fetch(issuer_url(certificate)))
    for name, one in (("cert.pem", certificate), ("issuer.pem", issuer)):
        (folder / name).write_bytes(one.public_bytes(Encoding.PEM))
    (folder / "root.pem").write_bytes(world.dev.fetch(world.dev.url("management", "/roots/0")))
    words = ["-issuer", "issuer.pem", "-cert", "cert.pem", "-CAfile", "root.pem", "-url", url]
    done = run(["openssl", "ocsp", *words], folder)
    assert done.returncode == 0, done.stdout
    assert "Response verify OK" in done.stdout
    [said] = [line for line in done.stdout.splitlines() if line.startswith("cert.pem: ")]
    return said.partition(": ")[2]


@pytest.fixture(scope="module")
def revoked(world: World, issued: tuple[Certbot, x509.Certificate]) -> x509.Certificate:
    """The same certificate, once certbot has revoked it; it was good until then."""
    client, certificate = issued
    assert ocsp(world, certificate) == "good"
    [name] = names_of(certificate)
    path = str(client.live(name) / "cert.pem")
    client.succeeds("revoke", "--cert-path", path, "--reason", "superseded", "--no-delete-after-revoke")
    return certificate


@pytest.mark.std("C-147")
def test_ocsp_says_good_and_after_certbot_revokes_revoked(world: World, revoked: x509.Certificate) -> None:
    assert ocsp(world, revoked) == "revoked"


@pytest.mark.rule("T0-2")
@pytest.mark.std("C-125", "C-132")
@pytest.mark.parametrize("ends", ["valid", "invalid"])
def test_a_server_is_killed_while_an_order_waits_for_slow_logs(
    world: World, issued: tuple[Certbot, x509.Certificate], ends: str
) -> None:
    """It is valid when the logs come back in time, and invalid with its precertificate revoked when they do not.

    Whether certbot outlives the cut connection is its own affair; a certificate that it gets is the one that is stored.
    """
    outside, name, asked = world.outside, f"{ends}.demo.test", world.outside.asked
    outside.behave("hang")
    client = world.certbot(ends)
    thread = threading.Thread(target=client.issue, args=(name, *OCSP))
    thread.start()
    try:
        until(lambda: outside.asked > asked, "logs are asked")
        until(lambda: '"status":"processing"' in client.log(), "certbot polls the order")
        [job] = world.rows(UNDER_WAY)
        server = int(job["locked_by"].rpartition("/")[2])
        assert server in children(world.dev.process.pid)
        os.kill(server, signal.SIGKILL)
        if ends == "invalid":
            world.rows(ITS_DEADLINE_COMES, job["subject"])
        else:
            outside.behave("good")
            world.rows(ITS_LEASE_ENDS, job["locked_by"])
        [order] = until(lambda: world.rows(ORDER, job["subject"]), "the order has ended")
        [made] = world.rows(MADE, job["subject"])
    finally:
        outside.behave("good")
        thread.join()
    assert order["status"] == ends
    assert made["is_revoked"] is (ends == "invalid")
    assert (made["certificate"] is None) is (ends == "invalid")
    got = [leaf(file).public_bytes(Encoding.DER) for file in client.folder.glob("config/live/*/cert.pem")]
    assert got in ([], [made["certificate"]])
    status = ocsp(world, x509.load_der_x509_certificate(made["precertificate"]))
    assert status == ("revoked" if ends == "invalid" else "good")


@pytest.mark.std("C-134")
def test_the_crl_of_its_shard_holds_what_certbot_revoked(world: World, revoked: x509.Certificate) -> None:
    """Asked for last: the status process keeps a CRL for some seconds."""
    revoked_on(world.dev, revoked)
