"""revokeCert with a precertificate: it counts as issued, whether its certificate followed or not. C-125."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from acme_server.clock import utc_now
from ca import storage as ca
from tests.acme_server.client import Client, leaf, new_key
from tests.acme_server.edge.arrange import ready
from tests.acme_server.edge.test_key_change import change
from tests.acme_server.edge.test_revocation import revoke, revoke_with_key, revoked, serial_of
from tests.acme_server.edge.test_transparency import NAME, Logged, work
from tests.acme_server.edge.test_transparency import logged as logged


async def waiting(logged: Logged, client: Client, key: ec.EllipticCurvePrivateKey) -> tuple[str, x509.Certificate]:
    """An order that waits for SCTs, and its precertificate."""
    logged.modes("error", "good", "good")
    url, order = await ready(client, NAME)
    assert (await client.finalize(order, key)).json["status"] == "processing"
    der = await logged.served.owner.fetchval("SELECT der FROM ca.precertificates ORDER BY id DESC LIMIT 1")
    return url, x509.load_der_x509_certificate(der)


def forged(precertificate: x509.Certificate) -> x509.Certificate:
    """What anybody makes: the same serial, names and poison, signed by another key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder(
        precertificate.issuer, precertificate.subject, precertificate.public_key(), precertificate.serial_number,
        precertificate.not_valid_before_utc, precertificate.not_valid_after_utc, list(precertificate.extensions),
    )  # fmt: skip
    return made.sign(key, hashes.SHA256())


@pytest.mark.std("A-179", "A-188", "C-125")
async def test_its_account_revokes_it_and_no_certificate_follows(logged: Logged) -> None:
    served, client, other = logged.served, await logged.served.registered(), await logged.served.registered()
    url, precertificate = await waiting(logged, client, new_key())
    assert ((await revoke(client, forged(precertificate))).status, await revoked(served)) == (404, [])
    assert ((await revoke(other, precertificate)).status, await revoked(served)) == (403, [])
    assert (await revoke(client, precertificate, 4)).status == 200
    assert await revoked(served) == [(serial_of(precertificate), 4)]
    again = await revoke(client, precertificate, 4)
    assert (again.status, again.error) == (400, "alreadyRevoked")
    logged.modes("good", "good", "good")
    await work(logged)
    assert (await client.post(url)).json["status"] == "invalid"
    assert await logged.counts() == (1, 1, 1, 0, 1)


@pytest.mark.std("A-181", "A-187", "C-163")
async def test_its_key_proves_the_compromise_and_every_precertificate_with_it_is_revoked(logged: Logged) -> None:
    served, client, key = logged.served, await logged.served.registered(), new_key()
    _, first = await waiting(logged, client, key)
    _, second = await waiting(logged, client, key)
    refused = await revoke_with_key(client, first, new_key(), 1)
    assert ((refused.status, refused.error), await revoked(served)) == ((403, "unauthorized"), [])
    assert (await revoke_with_key(client, first, key, 1)).status == 200
    assert sorted(await revoked(served)) == sorted([(serial_of(first), 1), (serial_of(second), 1)])
    assert await served.owner.fetchval("SELECT count(*) FROM ca.blocked_keys") == 1


@pytest.mark.std("A-187", "C-143", "C-163")
async def test_a_key_proves_it_after_the_order_has_ended_too(logged: Logged) -> None:
    served, client, key = logged.served, await logged.served.registered(), new_key()
    _, precertificate = await waiting(logged, client, key)
    async with served.owner.acquire() as conn:
        record = await conn.fetchval("SELECT id FROM ca.to_be_signed")
        assert await ca.void(conn, record, ground="deadline", actor="process:test", now=utc_now())
    assert await revoked(served) == [(serial_of(precertificate), None)]
    assert (await revoke_with_key(client, precertificate, key)).error == "alreadyRevoked"
    assert (await revoke_with_key(client, precertificate, key, 1)).status == 200
    assert await revoked(served) == [(serial_of(precertificate), 1)]


@pytest.mark.std("C-125")
async def test_precertificate_and_certificate_are_revoked_as_one(logged: Logged) -> None:
    client = await logged.served.registered()
    made = leaf(await client.certificate(NAME))
    precertificate = x509.load_der_x509_certificate(
        await logged.served.owner.fetchval("SELECT der FROM ca.precertificates")
    )
    assert (await revoke(client, precertificate)).status == 200
    assert (await revoke(client, made)).error == "alreadyRevoked"
    assert await revoked(logged.served) == [(serial_of(made), None)]


@pytest.mark.std("C-078")
async def test_a_key_that_was_precertified_becomes_no_accounts(logged: Logged) -> None:
    client, key = await logged.served.registered(), new_key()
    await waiting(logged, client, key)
    demo = logged.served.demo.admitted
    for wanted, status in ((key, 400), (new_key(), 201)):
        asked = Client(client.session, client.base, client.reach, wanted)
        assert (await asked.register((demo.kid, demo.hmac_key))).status == status
    for wanted, status in ((key, 400), (new_key(), 200)):
        assert (await change(client, wanted)).status == status
