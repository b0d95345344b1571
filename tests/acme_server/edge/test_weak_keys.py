"""RSA keys that anybody can factor, in a CSR and as account keys, each beside a good one of the same size. C-078."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from acme_server.clock import utc_now
from acme_server.use_cases import ca_now
from ca import hierarchy, keys
from ca.blocklist import Blocklist
from sql.ids import uuid7
from tests.acme_server.client import Answer
from tests.acme_server.conftest import PASSPHRASE, Served
from tests.acme_server.edge.arrange import ready
from tests.acme_server.edge.hostile import stored
from tests.acme_server.edge.test_key_change import change
from tests.ca.test_blocklist import block, written
from tests.ca.test_weak_keys import prime_from

NAME = "www.demo.test"
GOOD = rsa.generate_private_key(65537, 2048)


def with_near_primes() -> rsa.RSAPrivateKey:
    """A key that works, and whose primes are next to each other. C-075."""
    e, p = 65537, GOOD.private_numbers().p
    q = prime_from(p + 2)
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), public)
    return numbers.private_key()


WEAK = with_near_primes()


@pytest.mark.std("C-075", "C-078")
async def test_a_csr_with_a_weak_key_is_refused_before_anything_is_recorded(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    before = [await stored(served.owner), await served.owner.fetchval("SELECT count(*) FROM gate.decisions")]
    refused = await client.finalize(order, WEAK)
    assert (refused.status, refused.error) == (400, "badCSR")
    assert "primes are too close" in refused.json["detail"]
    after = [await stored(served.owner), await served.owner.fetchval("SELECT count(*) FROM gate.decisions")]
    assert after == before
    assert (await client.finalize(order, GOOD)).json["status"] == "valid"


@pytest.mark.std("C-073", "C-078")
async def test_a_csr_with_a_listed_key_is_refused_before_anything_is_recorded(served: Served, tmp_path: Path) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    path = written(tmp_path / "blocklist.dat", block(GOOD.public_key().public_numbers().n))
    served.context.blocklist = Blocklist(path)
    before = await stored(served.owner)
    refused = await client.finalize(order, GOOD)
    assert (refused.status, refused.error) == (400, "badCSR")
    assert "no secret" in refused.json["detail"]
    assert await stored(served.owner) == before
    written(path, block(2))
    assert (await client.finalize(order, GOOD)).json["status"] == "valid"


@pytest.mark.std("C-077", "C-078")
@pytest.mark.parametrize("issuer", [hierarchy.ROOT, hierarchy.ISSUING, *hierarchy.ALTERNATE_ROOTS])
async def test_a_key_of_the_ca_is_no_certificates(served: Served, tmp_path: Path, issuer: int) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    own = keys.load(hierarchy.key_file(tmp_path / "ca", issuer), PASSPHRASE).private_key
    refused = await client.finalize(order, own)
    assert (refused.status, refused.error) == (400, "badCSR")
    assert "one of this CA's own" in refused.json["detail"]
    assert (await client.finalize(order, GOOD)).json["status"] == "valid"


@pytest.mark.std("C-077")
async def test_a_responders_key_made_later_is_no_certificates(served: Served) -> None:
    """Nobody waits for the signer to refuse it: the processes that listen look for new ones."""
    client = await served.registered()
    _, order = await ready(client, NAME)
    _, another = await ready(client, NAME)
    later, now = rsa.generate_private_key(65537, 2048), utc_now()
    own = sha256(later.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    await served.owner.execute("INSERT INTO ca.serials VALUES ($1, $2, $3)", b"\x07", uuid7(now), hierarchy.ISSUING)
    await served.owner.execute(
        "INSERT INTO ca.responders VALUES ($1, $2, $3, 'host/o', '', $4, $5, $4, $6)",
        uuid7(now), hierarchy.ISSUING, b"\x07", now, now + timedelta(days=1), own,
    )  # fmt: skip
    known, stop = served.context.own_keys, asyncio.Event()
    following = asyncio.create_task(ca_now.follow(served.context, utc_now, stop))
    async with asyncio.timeout(10):
        while served.context.own_keys == known:
            await asyncio.sleep(0.005)
    stop.set()
    await following
    assert served.context.own_keys == known | {own}
    refused = await client.finalize(order, later)
    assert (refused.status, refused.error) == (400, "badCSR")
    assert "one of this CA's own" in refused.json["detail"]
    assert (await client.finalize(another, GOOD)).json["status"] == "valid"


async def registering(served: Served, key: rsa.RSAPrivateKey) -> Answer:
    client = served.client()
    client.key = key
    return await client.register((served.demo.admitted.kid, served.demo.admitted.hmac_key))


async def changing(served: Served, key: rsa.RSAPrivateKey) -> Answer:
    return await change(await served.registered(), key)


@pytest.mark.parametrize("ask", [registering, changing])
async def test_a_listed_key_is_no_accounts(
    served: Served, tmp_path: Path, ask: Callable[[Served, rsa.RSAPrivateKey], Awaitable[Answer]]
) -> None:
    listed = rsa.generate_private_key(65537, 2048)
    path = written(tmp_path / "blocklist.dat", block(listed.public_key().public_numbers().n))
    served.context.blocklist = Blocklist(path)
    refused = await ask(served, listed)
    assert (refused.status, refused.error) == (400, "badPublicKey")
    assert "no secret" in refused.json["detail"]
    assert (await ask(served, GOOD)).status in (200, 201)


@pytest.mark.parametrize("ask", [registering, changing])
async def test_a_weak_key_is_no_accounts(
    served: Served, ask: Callable[[Served, rsa.RSAPrivateKey], Awaitable[Answer]]
) -> None:
    refused = await ask(served, WEAK)
    assert (refused.status, refused.error) == (400, "badPublicKey")
    assert "primes are too close" in refused.json["detail"]
    assert await served.owner.fetchval("SELECT count(*) FROM acme.account_keys") == (ask is changing)
    assert (await ask(served, GOOD)).status in (200, 201)
