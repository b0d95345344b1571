"""The page that tells anybody how to report a problem: its commands work as they stand. C-161."""

import asyncio
import html
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from office.use_cases.compromise import proof_of
from tests.ca.test_key_proof import RSA, spki
from tests.office.edge.test_app import client as client


@pytest.mark.std("C-161")
async def test_the_commands_of_the_page_make_proofs(client: TestClient, tmp_path: Path) -> None:
    said = html.unescape(await (await client.get("/report", headers={"Host": "elsewhere.test"})).text())
    (tmp_path / "key.pem").write_bytes(
        RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    commands = re.findall(r"^(?:<pre>)?((?:openssl|echo) .*)$", said, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = await asyncio.create_subprocess_exec("sh", "-c", command, cwd=tmp_path, stderr=asyncio.subprocess.PIPE)
        _, complaint = await done.communicate()
        assert done.returncode == 0, complaint
    read = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert proof_of(read["request.pem"], None).spki == spki(RSA)
    assert proof_of(read["public.pem"], read["statement.sig"]).spki == spki(RSA)
    for door in ("/api/problem-reports", "/api/key-compromises"):
        assert f" https://office.test{door} " in said  # the settings' address, whatever Host the client says
