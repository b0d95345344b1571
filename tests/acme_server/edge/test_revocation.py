"""revokeCert, three ways, and what becomes of the key. RFC 8555 §7.6; T11-3, T11-8."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server.clock import utc_now
from tests.acme_server.client import LEAVE_OUT, Answer, Client, Key, b64, der, jwk, leaf, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import csr_for, finalize_with, id_of, ready, run, run_jobs, same_account

NAMES = ("www.demo.test", "b.demo.test")


async def issued(client: Client, *names: str, key: ec.EllipticCurvePrivateKey | None = None) -> x509.Certificate:
    """A new certificate for the names, or for NAMES."""
    return leaf(await client.certificate(*(names or NAMES), key=key))


async def revoke(client: Client, certificate: x509.Certificate | str, reason: Any = None) -> Answer:
    """revokeCert signed by the account."""
    text = certificate if isinstance(certificate, str) else der(certificate)
    return await client.post("/revoke-cert", {"certificate": text} | ({} if reason is None else {"reason": reason}))


async def revoke_with_key(client: Client, certificate: x509.Certificate, key: Key, reason: int | None = None) -> Answer:
    """revokeCert signed by a key, without any account."""
    signer = Client(client.session, client.base, client.reach, key)
    return await revoke(signer, certificate, reason)


async def revoked(served: Served) -> list[tuple[bytes, int | None]]:
    """Serial and code of every revocation."""
    rows = await served.owner.fetch("SELECT serial, reason FROM ca.revocations ORDER BY revoked_at, serial")
    return [(row["serial"], row["reason"]) for row in rows]


def serial_of(certificate: x509.Certificate) -> bytes:
    """Content octets of the serial number."""
    number = certificate.serial_number
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


@pytest.mark.std("A-179", "A-185")
async def test_the_account_that_ordered_it_revokes_once(served: Served) -> None:
    client = await served.registered()
    certificate = await issued(client)
    assert await revoked(served) == []
    done = await revoke(client, certificate)
    assert (done.status, done.body) == (200, b"")
    assert await revoked(served) == [(serial_of(certificate), None)]
    for reason in (None, 4):
        again = await revoke(client, certificate, reason)
        assert (again.status, again.error) == (400, "alreadyRevoked")
    proof = await served.owner.fetchval("SELECT content FROM evidence.records WHERE kind = 'certificate.revoked'")
    assert serial_of(certificate).hex().encode() in proof
    assert await run_jobs(served, "crl") == ["crl"]
    lists = [x509.load_der_x509_crl(row["der"]) for row in await served.owner.fetch("SELECT der FROM ca.crls")]
    [entry] = [
        found for crl in lists if (found := crl.get_revoked_certificate_by_serial_number(certificate.serial_number))
    ]
    assert len(entry.extensions) == 0  # no reason: no reasonCode


@pytest.mark.std("A-180", "A-182")
async def test_the_holder_of_every_name_may_revoke_and_of_all_but_one_not(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    certificate = await issued(client)
    stranger = await revoke(other, certificate)
    assert (stranger.status, stranger.error) == (403, "unauthorized")
    await ready(other, NAMES[0])
    await ready(other, "*.demo.test")
    partly = await revoke(other, certificate)
    assert (partly.status, partly.error) == (403, "unauthorized")
    _, last = await ready(other, NAMES[1])
    await run(
        served,
        "UPDATE acme.authorizations SET expires_at = now() - interval '1 s' WHERE identifier_value = 'b.demo.test'",
    )
    assert (await revoke(other, certificate)).status == 403
    _, last = await ready(other, NAMES[1])
    await other.post(last["authorizations"][0], {"status": "deactivated"})
    assert (await revoke(other, certificate)).status == 403
    assert await revoked(served) == []
    await ready(other, NAMES[1])
    assert (await revoke(other, certificate, 4)).status == 200
    assert await revoked(served) == [(serial_of(certificate), 4)]


@pytest.mark.std("A-181", "A-182", "A-016")
async def test_the_certificates_key_revokes_without_any_account(served: Served) -> None:
    client, key = await served.registered(), new_key()
    certificate = await issued(client, key=key)
    for wrong in (new_key(), client.key):
        refused = await revoke_with_key(client, certificate, wrong)  # type: ignore[arg-type]
        assert (refused.status, refused.error) == (403, "unauthorized")
    forged = await client.post("/revoke-cert", {"certificate": der(certificate)}, jwk=jwk(key), kid=LEAVE_OUT)
    assert forged.status in (400, 403)  # the jwk of one key, the signature of another
    assert await revoked(served) == []
    assert (await revoke_with_key(client, certificate, key)).status == 200
    assert await revoked(served) == [(serial_of(certificate), None)]


@pytest.mark.rule("T11-5")
async def test_each_way_is_recorded_with_its_ground(served: Served) -> None:
    client, other, key = await served.registered(), await served.registered(), new_key()
    await ready(other, *NAMES)
    assert (await revoke(client, await issued(client))).status == 200
    assert (await revoke_with_key(client, await issued(client, key=key), key)).status == 200
    assert (await revoke(other, await issued(client))).status == 200
    rows = await served.owner.fetch("SELECT ground, requested_by FROM ca.revocations ORDER BY revoked_at")
    assert [row["ground"] for row in rows] == [
        "requested by its account (A11.3)",
        "requested with its key (A11.1.2)",
        "requested by the holder of its names (T2-3)",
    ]
    own, holder = (f"account:{id_of(each.kid or '')}" for each in (client, other))
    assert [row["requested_by"] for row in rows[::2]] == [own, holder]
    assert rows[1]["requested_by"].startswith("key:")


@pytest.mark.std("A-181")
@pytest.mark.parametrize("kind", ["P-384", "P-521", "RSA 2048", "RSA 4096"])
async def test_a_certificates_key_of_any_kind_revokes(served: Served, kind: str) -> None:
    client = await served.registered()
    key = (
        rsa.generate_private_key(65537, int(kind[4:]))
        if kind.startswith("RSA")
        else ec.generate_private_key({"P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[kind]())
    )
    _, order = await ready(client, *NAMES)
    document = (await client.finalize(order, key)).json
    certificate = leaf((await client.post(document["certificate"])).body)
    assert (await revoke_with_key(client, certificate, new_key())).status == 403
    assert (await revoke_with_key(client, certificate, key, 1)).status == 200
    assert await revoked(served) == [(serial_of(certificate), 1)]


@pytest.mark.std("A-180")
async def test_an_address_is_held_like_a_name(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    certificate = await issued(client, "127.0.0.1", "*.demo.test")
    await ready(other, "127.0.0.1", "demo.test")
    assert (await revoke(other, certificate)).status == 403
    await ready(other, "*.demo.test")
    assert (await revoke(other, certificate)).status == 200


@pytest.mark.std("A-178", "A-186", "A-188")
async def test_only_the_whole_certificate_names_it(served: Served) -> None:
    client = await served.registered()
    certificate = await issued(client)
    octets, key = certificate.public_bytes(Encoding.DER), new_key()
    forged = (
        x509.CertificateBuilder()
        .serial_number(certificate.serial_number)
        .issuer_name(certificate.issuer)
        .subject_name(certificate.subject)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
        .public_key(certificate.public_key())  # type: ignore[arg-type]
        .sign(key, hashes.SHA256())
    )
    version_4 = octets.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020103"), 1)
    cases = [
        (certificate.public_bytes(Encoding.PEM).decode(), 400),
        (b64(octets) + "=", 400),
        (b64(octets) + "\n", 400),
        ("", 400),
        (b64(b"no certificate"), 400),
        (b64(octets + b"\0"), 400),
        (b64(version_4), 400),
        (der(forged), 404),
        (b64(served.context.issuer.certificate), 404),
    ]
    for text, status in cases:
        answer = await revoke(client, text)
        assert (answer.status, answer.error) == (status, "malformed"), (text[:40], answer.body)
    by_its_key = await revoke_with_key(client, forged, key)
    assert by_its_key.status == 404
    assert (await client.post("/revoke-cert", {})).error == "malformed"
    assert await revoked(served) == []
    assert (await revoke(client, certificate)).status == 200


@pytest.mark.std("A-183", "A-184")
@pytest.mark.rule("T11-8")
async def test_reasons_are_those_a_customer_may_give(served: Served) -> None:
    client = await served.registered()
    certificate = await issued(client)
    for reason in (2, 6, 7, 8, 9, 10, 11, -1, 2**40):
        refused = await revoke(client, certificate, reason)
        assert (refused.status, refused.error) == (400, "badRevocationReason"), reason
        assert "superseded" in refused.json["detail"]
    for reason in ("4", 4.5, True, [4]):
        assert (await revoke(client, certificate, reason)).error == "malformed", reason
    assert await revoked(served) == []
    expected = [None]
    assert (await revoke(client, certificate, 0)).status == 200
    for reason in (3, 4, 5):
        assert (await revoke(client, await issued(client), reason)).status == 200
        expected.append(reason)
    assert [code for _, code in await revoked(served)] == expected


@pytest.mark.std("A-187")
@pytest.mark.rule("T11-3")
async def test_a_compromised_key_is_blocked_and_its_other_certificates_revoked(served: Served) -> None:
    client, other, key = await served.registered(), await served.registered(), new_key()
    first, second = await issued(client, key=key), await issued(other, "c.demo.test", key=key)
    bystander = await issued(client)
    _, order = await ready(client, "d.demo.test")
    await ready(other, *NAMES)
    holder = await revoke(other, first, 1)
    assert (holder.status, holder.error) == (400, "badRevocationReason")
    assert await revoked(served) == []

    assert (await revoke_with_key(client, first, key, 1)).status == 200
    assert sorted(await revoked(served)) == sorted([(serial_of(first), 1), (serial_of(second), 1)])
    refused = await finalize_with(client, order, csr_for(order, key))
    assert (refused.status, refused.error) == (400, "badCSR")
    assert (await client.finalize(order)).json["status"] == "valid"
    again = await revoke(other, second)
    assert (again.status, again.error) == (400, "alreadyRevoked")
    assert (await revoke(client, bystander)).status == 200
    kinds = [row["kind"] for row in await served.owner.fetch("SELECT kind FROM evidence.records ORDER BY id")]
    assert kinds.count("certificate.revoked") == 3


@pytest.mark.std("A-185", "A-187")
async def test_key_compromise_still_changes_the_code_once(served: Served) -> None:
    client, key = await served.registered(), new_key()
    certificate = await issued(client, key=key)
    assert (await revoke(client, certificate, 4)).status == 200
    await run_jobs(served, "crl")
    assert (await revoke_with_key(client, certificate, key, 1)).status == 200
    assert await revoked(served) == [(serial_of(certificate), 1)]
    assert await run_jobs(served, "crl") == ["crl"]
    for again in (await revoke_with_key(client, certificate, key, 1), await revoke(client, certificate, 4)):
        assert (again.status, again.error) == (400, "alreadyRevoked")


@pytest.mark.std("A-185")
async def test_of_two_requests_at_once_one_revokes(served: Served) -> None:
    client = await served.registered()
    certificate = await issued(client)
    answers = await asyncio.gather(*(revoke(same_account(client), certificate) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    assert len(await revoked(served)) == 1
    assert await served.owner.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'crl'") == 1


@pytest.mark.std("A-186", "A-109")
async def test_an_expired_certificate_and_an_ended_account(served: Served) -> None:
    client = await served.registered()
    certificate, other = await issued(client), await issued(client)
    past = utc_now() - timedelta(seconds=1)
    await served.owner.execute(
        "UPDATE ca.to_be_signed SET not_before = $1::timestamptz - interval '9 d', not_after = $1 WHERE serial = $2",
        past,
        serial_of(certificate),
    )
    expired = await revoke(client, certificate)
    assert (expired.status, expired.error) == (403, "unauthorized")
    await client.post(client.kid or "", {"status": "deactivated"})
    ended = await revoke(client, other)
    assert (ended.status, ended.error) == (401, "unauthorized")
    assert await revoked(served) == []
