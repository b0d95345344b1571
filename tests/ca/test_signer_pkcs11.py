"""The signer with its key in a PKCS#11 module: slow, away, killed; nothing is ever signed twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pkcs11
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, storage
from ca.certificate import Issuer
from ca.pkcs11_keys import Place, TokenKey
from ca.signer_client import CrlMade, Signed, SignerAway, SignerClient, SignRefused
from sql import Pool
from tests.ca.arrange import NAMES, NOW, certificate_of
from tests.ca.test_signer import SECONDS, SIGNED, UNSIGNED, Bench, der_of, ended
from tests.simulators.hsm import Hsm, Module

LABEL = hierarchy.key_label(hierarchy.ISSUING)
DOUBTFUL = SignRefused("may have been signed before: what came of it is unknown")


@pytest.fixture
def place(folder: Path) -> Place:
    """A token with the issuing CA's key."""
    vault = Hsm(folder).vault("issuing")
    vault.make(LABEL)
    return vault.place


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
async def issuer(pool: Pool, place: Place) -> Issuer:
    """An issuing CA whose key is in the token."""
    return await made_in(pool, place)


async def made_in(pool: Pool, place: Place) -> Issuer:
    """The issuing CA in the database."""
    root, key = hierarchy.make_root(hierarchy.ROOT, NAMES, NAMES.root, NOW), TokenKey(place, LABEL)
    subject = hierarchy.distinguished_name(NAMES, NAMES.issuing)
    tbs = hierarchy.subordinate_tbs(subject, key.spki, root.issuer, NOW)
    key.close()
    certificate = hierarchy.certificate_of(tbs, root.key)
    issuer = hierarchy.issuer_from(hierarchy.ISSUING, NAMES, NAMES.issuing, certificate, 4)
    async with pool.acquire() as conn:
        await storage.insert_issuer(conn, root.issuer, None, NOW)
        await storage.insert_issuer(conn, issuer, hierarchy.ROOT, NOW)
    return issuer


@pytest.fixture
async def bench(
    pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer, place: Place, module: Module
) -> AsyncIterator[Bench]:
    made = Bench.__new__(Bench)
    made.pool, made.folder, made.issuer, made.server, made.database = pool, folder, issuer, postgres, database
    made.dsn, made.now = postgres.dsn(user="keiyaku_sign", database=database), NOW
    key = TokenKey(place, LABEL, module.load)
    made.keys = {hierarchy.ISSUING: key}
    yield made
    key.close()


async def test_sign_and_crl(bench: Bench, module: Module) -> None:
    rows = [await bench.admitted() for _ in range(20)]
    async with bench.signer() as client:
        answers = await asyncio.gather(*(client.sign(row.id, SECONDS) for row in rows))
        assert set(answers) == {Signed()}
        assert await client.crl(1, 2, SECONDS) == CrlMade(1)
        assert await client.sign(rows[0].id, SECONDS) == Signed()
    assert module.asked == 21
    assert {await bench.state(row) for row in rows} == {SIGNED}
    for row in rows:
        certificate_of(await der_of(bench, row)).verify_directly_issued_by(certificate_of(bench.issuer.certificate))


@pytest.mark.parametrize("delay", [0.005, 0.5])
async def test_a_slow_module_is_waited_for_and_the_loop_goes_on(bench: Bench, module: Module, delay: float) -> None:
    module.delay = delay
    rows = [await bench.admitted() for _ in range(3)]
    async with bench.signer() as client:
        asked = [asyncio.create_task(client.sign(row.id, SECONDS)) for row in rows]
        while not module.asked:
            await asyncio.sleep(0)
        turns = 0
        while module.asked == 1:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 5 or delay < 0.1  # a blocked loop would have seen no second signature begin
        assert await asyncio.gather(*asked) == [Signed()] * 3
    assert module.asked == 3


async def test_who_gave_up_waiting_asks_again_and_nothing_is_signed_twice(bench: Bench, module: Module) -> None:
    module.delay = 0.5
    row = await bench.admitted()
    async with bench.signer() as client:
        assert await client.sign(row.id, 0.2) == SignerAway("no answer within 0.2 s")
        other = SignerClient(client.socket_path)
        assert await other.sign(row.id, SECONDS) == Signed()
        await other.close()
    assert module.asked == 1
    assert await bench.state(row) == SIGNED


async def test_a_slow_module_gets_small_batches(bench: Bench, module: Module) -> None:
    rows = [await bench.admitted() for _ in range(30)]
    async with bench.signer() as client:
        module.delay = 0.02
        asked = [asyncio.create_task(client.sign(row.id, SECONDS)) for row in rows]
        while sum(task.done() for task in asked) == 0:
            await asyncio.sleep(0)
        assert module.asked <= 16  # eight, or a few before them and eight
        assert set(await asyncio.gather(*asked)) == {Signed()}


async def test_a_token_that_is_away_leaves_records_open(bench: Bench, module: Module) -> None:
    rows = [await bench.admitted() for _ in range(3)]
    module.away = True
    async with bench.signer() as client:
        for row in rows:
            answer = await client.sign(row.id, SECONDS)
            assert isinstance(answer, SignerAway)
            assert "NoSuchToken" in answer.reason
        crl = await client.crl(1, 0, SECONDS)
        assert isinstance(crl, SignerAway)
        assert "NoSuchToken" in crl.reason
        assert {await bench.state(row) for row in rows} == {UNSIGNED}
        module.away = False
        assert [await client.sign(row.id, SECONDS) for row in rows] == [Signed()] * 3
        assert await client.crl(1, 0, SECONDS) == CrlMade(1)


async def test_a_lost_session_costs_nobody_anything(bench: Bench, module: Module) -> None:
    rows = [await bench.admitted() for _ in range(2)]
    module.faults = [pkcs11.SessionHandleInvalid()]
    async with bench.signer() as client:
        assert [await client.sign(row.id, SECONDS) for row in rows] == [Signed()] * 2
    assert module.asked == 3


async def test_what_may_have_been_signed_is_never_signed_again(bench: Bench, module: Module) -> None:
    row = await bench.admitted()
    async with bench.signer() as client:
        async with bench.pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE ca.certificates IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(client.sign(row.id, SECONDS))
            await ended(bench, "Lock")
        assert isinstance(await asked, SignerAway)
        assert module.asked == 1
        assert await client.sign(row.id, SECONDS) == DOUBTFUL
    assert module.asked == 1
    assert await bench.state(row) == UNSIGNED


async def test_what_was_begun_but_never_asked_of_the_module_is_doubtful_too(bench: Bench, module: Module) -> None:
    row = await bench.admitted()
    await bench.pool.execute("UPDATE ca.to_be_signed SET signing_at = $2 WHERE id = $1", row.id, NOW)
    async with bench.signer() as client:
        assert await client.sign(row.id, SECONDS) == DOUBTFUL
    assert module.asked == 0
