"""A whole issuance with `keiyaku sign` as a process whose key is in SoftHSM2, and what is left when it is killed."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, keys
from ca.pkcs11_keys import Place
from tests.acme_server.client import leaf
from tests.acme_server.conftest import PASSPHRASE, Served
from tests.acme_server.edge.arrange import ready, run_jobs
from tests.ca.arrange import certificate_of
from tests.simulators.hsm import Hsm

NAME = "www.demo.test"
WAITS = """
SELECT pid FROM pg_stat_activity WHERE usename = 'keiyaku_sign' AND datname = current_database()
    AND wait_event_type = 'Lock'
"""


class Signer:
    """`keiyaku sign`, its settings, and the token with the key of the served CA."""

    def __init__(self, folder: Path, place: Place, dsn: str) -> None:
        self.socket = folder / "hsm.sock"
        self.environ = os.environ | {
            "KEIYAKU_DATA": str(folder), "KEIYAKU_DATABASE__EMBEDDED": "false", "KEIYAKU_DATABASE__URL": dsn,
            "KEIYAKU_CA__KEYS": "pkcs11", "KEIYAKU_PKCS11__MODULE": str(place.module),
            "KEIYAKU_PKCS11__TOKEN": place.token, "KEIYAKU_PKCS11__PIN_FILE": str(place.pin_file),
            "KEIYAKU_SIGNER__SOCKET": str(self.socket), "KEIYAKU_METRICS__LISTEN": "",
        }  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        """The process, which takes requests; killed at the end."""
        command = [sys.executable, "-m", "acme_server", "sign"]
        process = await asyncio.create_subprocess_exec(*command, env=self.environ, stdout=DEVNULL)
        try:
            async with asyncio.timeout(30):
                while not await self.answers():
                    assert process.returncode is None
                    await asyncio.sleep(0.02)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def answers(self) -> bool:
        """Whether somebody takes connections."""
        try:
            _, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        writer.close()
        return True


@pytest.fixture
async def signer(served: Served, postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> AsyncIterator[Signer]:
    """The served CA's key is in a token, and its signer is the process that this starts."""
    hsm = Hsm(tmp_path)
    place = hsm.token("issuing")
    key = keys.load(hierarchy.key_file(tmp_path / "ca", hierarchy.ISSUING), PASSPHRASE)
    hsm.put(place, hierarchy.key_label(hierarchy.ISSUING), key)
    with TemporaryDirectory(prefix="k-") as short:  # of a path short enough for sockets
        made = Signer(Path(short), place, postgres.dsn(user="{role}", database=database))
        served.context.signer.socket_path = made.socket
        yield made


@pytest.mark.std("C-119")
async def test_a_certificate_signed_in_the_module(served: Served, signer: Signer) -> None:
    client = await served.registered()
    async with signer.running():
        made = leaf(await client.certificate(NAME))
    made.verify_directly_issued_by(certificate_of(served.context.issuer.certificate))


async def test_killed_between_signature_and_store_the_serial_is_revoked_and_the_order_ends(
    served: Served, signer: Signer
) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    async with signer.running() as process, served.owner.acquire() as conn:
        async with conn.transaction():
            await conn.execute("LOCK TABLE ca.certificates IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(client.finalize(order))
            async with asyncio.timeout(30):
                while (backend := await served.owner.fetchval(WAITS)) is None:
                    await asyncio.sleep(0.01)
            process.kill()
            await process.wait()
            await served.owner.execute("SELECT pg_terminate_backend($1, 10000)", backend)
        assert (await asked).json["status"] == "processing"
    async with signer.running():
        assert await run_jobs(served, "issue") == ["issue"]
        document = (await client.post(url)).json
        assert (document["status"], document["error"]["type"]) == (
            "invalid",
            "urn:ietf:params:acme:error:serverInternal",
        )
        record = await served.owner.fetchrow(
            """SELECT t.state, t.signing_at IS NOT NULL, r.serial IS NOT NULL,
                   (SELECT count(*) FROM ca.certificates) FROM ca.to_be_signed t
               LEFT JOIN ca.revocations r ON r.serial = t.serial"""
        )
        assert tuple(record) == ("void", True, True, 0)
        assert await run_jobs(served, "crl") == ["crl"]
        assert leaf(await client.certificate(NAME))
