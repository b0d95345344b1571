"""`keiyaku ca ceremony`, run as a shell would: read out, agreed to by two people, broken off and taken up again."""

import asyncio
import subprocess
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner, Result

from acme_server.clock import utc_now
from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Ca, Database, Pkcs11, Status
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.signing_keys import opener
from ca import storage
from ca.ceremony import Step
from ca.pkcs11_keys import Place, TokenKey
from sql import Pool
from tests.simulators.hsm import Hsm

KEIYAKU = click.Group("keiyaku", commands=GROUPS)
NAMES = ("--organization", "Example CA K.K.", "--root", "Example Root 1", "--issuing", "Example Issuing 1")
ALL = "".join(f"{step}\n{step}\n" for step in Step)


class Desk:
    """Two people before the machine with both tokens."""

    def __init__(self, settings: Settings, root: Place, folder: Path) -> None:
        self.settings, self.root, self.transcript = settings, root, folder / "transcript.txt"

    async def keiyaku(self, *words: str, typed: str = "") -> Result:
        def run() -> Result:
            return CliRunner().invoke(KEIYAKU, words, input=typed, obj=self.settings)

        return await asyncio.to_thread(run)

    async def ceremony(self, *more: str, typed: str = "", people: tuple[str, str] = ("ann", "bob")) -> Result:
        token = ("--root-token", self.root.token, "--root-pin-file", str(self.root.pin_file))
        by = ("--by", people[0], "--and", people[1], "--transcript", str(self.transcript))
        return await self.keiyaku("ca", "ceremony", *NAMES, *token, *by, *more, typed=typed)


@pytest.fixture
async def desk(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> Desk:
    hsm = Hsm(tmp_path)
    root, issuing = hsm.token("root"), hsm.token("issuing")
    settings = Settings(
        data=tmp_path,
        database=Database(embedded=False, url=postgres.dsn("{role}", database)),
        ca=Ca(keys="pkcs11", folder=tmp_path / "ca", passphrase_file=tmp_path / "passphrase"),
        pkcs11=Pkcs11(module=issuing.module, token=issuing.token, pin_file=issuing.pin_file),
    )
    made = Desk(settings, root, tmp_path)
    for handle in ("ann", "bob"):
        assert (await made.keiyaku("person", "add", handle, handle.title(), "--organisation", "CA")).exit_code == 0
    return made


async def test_the_script_can_be_read_before(desk: Desk, pool: Pool) -> None:
    done = await desk.ceremony("--dry-run")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[1] == f"Root's key: {desk.root}"
    assert [line.split(": ")[0] for line in lines[3:]] == [f"{n}. {step}" for n, step in enumerate(Step, start=1)]
    assert await pool.fetchval("SELECT count(*) FROM office.ceremonies") == 0
    assert not desk.transcript.exists()


@pytest.mark.std("C-117", "C-168")
async def test_from_broken_off_to_a_key_that_the_signer_opens(desk: Desk, pool: Pool) -> None:
    first = await desk.ceremony(typed="begin\nbegin\nroot-key\nroot-key\nroot-certificate\nno\n")
    assert first.exit_code == 1
    assert first.output.splitlines()[-1] == (
        "Error: bob did not agree to root-certificate: it is not done; run the command again to go on"
    )
    assert "root-key is done" in first.output
    assert await pool.fetchval("SELECT count(*) FROM office.ceremony_steps WHERE done_at IS NOT NULL") == 2
    rest = ALL.removeprefix("begin\nbegin\nroot-key\nroot-key\n")
    second = await desk.ceremony(typed=rest, people=("bob", "ann"))
    assert second.exit_code == 0, second.output
    assert "root-key is done" not in second.output
    assert "3. root-certificate: The root signs its own certificate, Example Root 1: 7300 days." in second.output
    checked = subprocess.run(  # noqa: ASYNC221
        ["sha256sum", "--check", "transcript.txt.sha256"], cwd=desk.transcript.parent, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    text = desk.transcript.read_text()
    assert "by ann and bob" in text
    assert "by bob and ann" in text
    async with pool.acquire() as conn:
        issuer = (await storage.active_issuer(conn, utc_now())).issuer
    key = opener(desk.settings)(1)
    assert isinstance(key, TokenKey)
    assert key.spki == issuer.spki
    key.close()
    desk.transcript.unlink()
    assert (await desk.ceremony()).exit_code == 0  # over: only the transcript is written again
    assert desk.transcript.read_text() == text


async def test_end_of_input_does_nothing(desk: Desk, pool: Pool) -> None:
    done = await desk.ceremony(typed="begin\n")
    assert done.exit_code == 1
    assert await pool.fetchval("SELECT count(*) FROM office.ceremony_steps WHERE done_at IS NOT NULL") == 0


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (("ann", "ann"), "two different people must decide this: 'ann' is named twice"),
        (("ann", "eve"), "there is no person 'eve': add them with `keiyaku person add`"),
    ],
    ids=["one person", "a stranger"],
)
async def test_two_people_of_the_ca(desk: Desk, pool: Pool, people: tuple[str, str], said: str) -> None:
    done = await desk.ceremony(typed=ALL, people=people)
    assert (done.exit_code, done.output.splitlines()[-1]) == (1, f"Error: {said}")
    assert await pool.fetchval("SELECT count(*) FROM office.ceremonies") == 0


async def test_what_must_be_named(desk: Desk, tmp_path: Path) -> None:
    by = ("--by", "ann", "--and", "bob", "--transcript", str(desk.transcript))
    done = await desk.keiyaku("ca", "ceremony", *NAMES, *by)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        2, "Error: keys are in PKCS#11 (ca.keys): name --root-token and --root-pin-file",
    )  # fmt: skip
    desk.settings = msgspec.structs.replace(
        desk.settings, ca=msgspec.structs.replace(desk.settings.ca, keys="file"), status=Status()
    )
    (tmp_path / "passphrase").write_text("a passphrase of the ceremony")
    done = await desk.keiyaku("ca", "ceremony", *NAMES, *by)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        2, "Error: keys are files (ca.keys): name --root-folder",
    )  # fmt: skip
    done = await desk.keiyaku("ca", "ceremony", *NAMES, *by, "--root-folder", str(tmp_path / "root"), typed=ALL)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "root/issuer-0.key.pem").exists()
    assert (tmp_path / "ca/issuer-1.key.pem").exists()


async def test_a_token_that_is_not_there_is_told_in_one_line(desk: Desk) -> None:
    desk.root = Place(desk.root.module, "elsewhere", desk.root.pin_file)
    done = await desk.ceremony(typed=ALL)
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith(f"Error: token 'elsewhere' of {desk.root.module}: NoSuchToken")
