"""One issuing CA after another, with the server running: made by the command, issuing from its instant, the first one's
certificates served on, and openssl's word for both.
"""

import asyncio
import json
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server import status_work
from acme_server.clock import utc_now
from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Ca, Database, Status
from acme_server.config_source import Url
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.protocol import certid
from acme_server.use_cases import ca_now, check
from ca import hierarchy, keys, signer_ocsp, storage
from ca.ceremony import SUCCESSION
from ca.keyring import Keyring
from ca.ocsp_client import OcspClient
from ca.signer_client import SignerClient
from office.use_cases import authority_revocation, bundle, register
from office.use_cases.asked import two_persons
from tests.acme_server.client import Client, der
from tests.acme_server.conftest import PASSPHRASE, Served
from tests.acme_server.edge.arrange import ready, run_jobs

KEIYAKU = click.Group("keiyaku", commands=GROUPS)
FIRST, SECOND = "Test Issuing CA", "Test Issuing CA 2"
PROFILE = "tlsserver-ocsp"


@dataclass
class House:
    """A server, and the machine at which two people make its next issuing CA, with the root's key apart."""

    served: Served
    folder: Path
    settings: Settings

    async def keiyaku(self, *words: str, typed: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, KEIYAKU, words, input=typed, obj=self.settings)

    async def succeed(self, *more: str, issuing: str = SECOND) -> Result:
        """The ceremony, all the way."""
        typed = "".join(f"{step}\n{step}\n" for step in SUCCESSION)
        return await self.keiyaku(
            "ca", "ceremony", "--kind", "issuing", "--issuing", issuing, "--root-folder", str(self.folder / "root"),
            "--transcript", str(self.folder / "transcript.txt"), "--by", "ann", "--and", "bob", *more, typed=typed,
        )  # fmt: skip

    async def revoke(self, name: str) -> None:
        """Two people revoke an issuing CA."""
        now = utc_now()
        async with self.served.owner.acquire() as conn:
            people = await two_persons(conn, "ann", "bob")
            intent = await authority_revocation.intend(conn, name, "noncompliance", None, now, "audit", people, now)
            await authority_revocation.decide(conn, intent, now)

    async def states(self) -> dict[str, str]:
        listed = await self.keiyaku("ca", "list", "--json")
        assert listed.exit_code == 0, listed.output
        return {row["name"]: row["state"] for row in json.loads(listed.output)}

    async def said_by_check(self, *, later: timedelta = timedelta(0)) -> list[str]:
        async with self.served.owner.acquire() as conn:
            now = utc_now() + later
            found = [
                await each(self.settings, conn, now) for each in (check.issuers, check.revoked_issuers, check.crls)
            ]
        return [f"{fault.what}; {fault.do}" for faults in found for fault in faults]


@pytest.fixture
async def house(served: Served, postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> House:
    (tmp_path / "root").mkdir()
    hierarchy.key_file(tmp_path / "ca", 0).rename(hierarchy.key_file(tmp_path / "root", 0))
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    async with served.owner.acquire() as conn:
        for handle in ("ann", "bob"):
            await register.add_person(conn, handle, handle.title(), "CA", utc_now())
    settings = Settings(
        data=tmp_path, database=Database(embedded=False, url=postgres.dsn("{role}", database)), status=Status(base_url=Url("http://status.test")),
        ca=Ca(keys="file", folder=tmp_path / "ca", passphrase_file=tmp_path / "passphrase"),
    )  # fmt: skip
    return House(served, tmp_path, settings)


async def issued(client: Client, *names: str) -> tuple[str, x509.Certificate]:
    """A new certificate, and its address."""
    _, order = await ready(client, *names, profile=PROFILE)
    done = await client.finalize(order)
    assert done.status == 200, done.body
    url = done.json["certificate"]
    return url, x509.load_pem_x509_certificate((await client.post(url)).body)


def openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


async def verdict(house: House, leaf: x509.Certificate, issuer_id: int) -> str:
    """What openssl says, which looks on the CRL of the certificate's shard, made by its own issuer."""
    point = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name
    assert point is not None
    number, shard = map(int, point[0].value.removesuffix(".crl").split("/")[-2:])
    assert number == issuer_id
    async with house.served.owner.acquire() as conn:
        crl = await storage.newest_crl(conn, issuer_id, shard)
        issuer, root = map(x509.load_der_x509_certificate, await storage.issuer_chain(conn, issuer_id))
    assert crl is not None
    made = x509.load_der_x509_crl(crl.der)
    for name, one in {"leaf": leaf, "issuer": issuer, "root": root, "crl": made}.items():
        (house.folder / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))  # type: ignore[attr-defined]
    return openssl(
        house.folder, "verify", "-x509_strict", "-crl_check", "-CAfile", "root.pem", "-untrusted", "issuer.pem",
        "-CRLfile", "crl.pem", "leaf.pem",
    )  # fmt: skip


def octets_of(leaf: x509.Certificate) -> bytes:
    """Content octets of its serial number."""
    return leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big")


async def ocsp_verdict(house: House, leaf: x509.Certificate) -> str:
    """The same of the OCSP answer; after `verdict`, whose files it uses."""
    octets = octets_of(leaf)
    found = await house.served.owner.fetchval("SELECT by_sha256 FROM ca.ocsp_responses WHERE serial = $1", octets)
    (house.folder / "answer.der").write_bytes(found)
    return openssl(
        house.folder, "ocsp", "-sha256", "-issuer", "issuer.pem", "-serial", f"0x{octets.hex()}", "-respin",
        "answer.der", "-CAfile", "root.pem", "-verify_other", "issuer.pem", "-no_nonce",
    )  # fmt: skip


async def answer_ocsp(house: House, postgres: EmbeddedPostgres, database: str) -> None:
    """Every OCSP answer that is due is signed, as the signer's process does it."""
    held = Keyring(lambda number: keys.load(hierarchy.key_file(house.folder / "ca", number), PASSPHRASE))
    path, stop = house.folder / "ocsp.sock", asyncio.Event()
    dsn = postgres.dsn("keiyaku_sign", database)
    answering = asyncio.create_task(signer_ocsp.serve(path, dsn, held, "host/1", stop, utc_now))
    while not path.exists():
        await asyncio.sleep(0.005)
    client = OcspClient(path)
    await status_work.refresh_ocsp(house.served.owner, client, utc_now(), asyncio.Event())
    await client.close()
    stop.set()
    await answering


@pytest.mark.std("C-145", "C-137", "C-150")
async def test_from_one_issuing_ca_to_the_next(house: House, postgres: EmbeddedPostgres, database: str) -> None:
    served = house.served
    client = await served.registered()
    first_url, first = await issued(client, "www.demo.test")
    first_page = await client.post(first_url)
    waiting_url, waiting = await ready(client, "b.demo.test", profile=PROFILE)
    there, served.context.signer = served.context.signer, SignerClient(house.folder / "away")
    assert (await client.finalize(waiting)).json["status"] == "processing"  # its record is the first one's

    done = await house.succeed()
    assert done.exit_code == 0, done.output
    assert await house.states() == {FIRST: "before", SECOND: "issues"}
    await ca_now.refresh(served.context, utc_now())
    served.context.signer = there  # a process that has run since before the second was made
    assert await run_jobs(served, "issue") == ["issue"]
    finished = x509.load_pem_x509_certificate(
        (await client.post((await client.post(waiting_url)).json["certificate"])).body
    )
    second_url, second = await issued(client, "www.demo.test")
    names = [
        each.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for each in (first, finished, second)
    ]
    assert names == [FIRST, FIRST, SECOND]
    again, page = await client.post(first_url), await client.post(second_url)
    assert (again.body, again.links("alternate")) == (first_page.body, first_page.links("alternate"))
    assert page.links("alternate") == []
    for leaf, number in ((first, 1), (second, 4)):
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        above = {f"http://status.test/ocsp/{number}", f"http://status.test/issuer/{number}.cer"}
        assert {each.access_location.value for each in access} == above
        async with served.owner.acquire() as conn:
            issuer = await storage.issuer(conn, number)
            made = await bundle.draft(conn, octets_of(leaf).hex(), "system:test", utc_now())
        assert issuer is not None
        assert made.parts["issuer-1.der"] == issuer.certificate
        name = certid.format(issuer.key_id, octets_of(leaf))
        assert (await client.send("GET", f"/renewal-info/{name}")).status == 200

    for leaf in (first, second):
        assert (await client.post("/revoke-cert", {"certificate": der(leaf)})).status == 200
    _, kept = await issued(client, "b.demo.test")
    await run_jobs(served, "crl")
    await answer_ocsp(house, postgres, database)
    for leaf, number, revoked in ((first, 1, True), (second, 4, True), (finished, 1, False), (kept, 4, False)):
        said = await verdict(house, leaf, number)
        assert ("certificate revoked" if revoked else "leaf.pem: OK") in said, said
        said = await ocsp_verdict(house, leaf)
        assert "Response verify OK" in said, said
        assert (": revoked" if revoked else ": good") in said, said

    await house.revoke(FIRST)
    _, order = await ready(client, "c.demo.test")
    assert (await client.finalize(order)).status == 200
    assert await house.states() == {FIRST: "revoked", SECOND: "issues"}
    assert await served.owner.fetchval("SELECT count(*) FROM ca.certificates WHERE issuer_id = 4") == 3


@pytest.mark.std("C-160")
async def test_when_the_issuing_ca_is_revoked_another_that_may_issues_at_once(house: House) -> None:
    served = house.served
    client = await served.registered()
    assert (await house.succeed()).exit_code == 0
    _, order = await ready(client, "www.demo.test")
    _, late = await ready(client, "b.demo.test")
    await house.revoke(FIRST)  # this process does not know yet of either
    assert served.context.issuer.id == 1
    assert (await client.finalize(order)).status == 200
    assert (served.context.issuer.id, served.context.issuer_revoked) == (4, False)
    assert await served.owner.fetchval("SELECT issuer_id FROM ca.certificates") == 4
    await house.revoke(SECOND)
    refused = await client.finalize(late)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "3600")
    assert (await client.order("b.demo.test")).status == 503
    assert (await house.succeed(issuing="Test Issuing CA 3")).exit_code == 0
    assert (await client.finalize(late)).status == 200
    assert await served.owner.fetchval("SELECT max(issuer_id) FROM ca.certificates") == 5


async def test_one_that_is_published_waits_for_its_time(house: House) -> None:
    served, now = house.served, utc_now().replace(microsecond=0)
    starts = now + timedelta(days=30)
    done = await house.succeed("--issues-from", starts.isoformat())
    assert done.exit_code == 0, done.output
    assert f"{SECOND} issues from {starts:%Y-%m-%dT%H:%M:%SZ} on" in done.output
    assert await house.states() == {FIRST: "issues", SECOND: "waits"}
    for at, number in ((now, 1), (starts - timedelta(seconds=1), 1), (starts, 4)):
        await ca_now.refresh(served.context, at)
        assert served.context.issuer.id == number
    listed = await house.keiyaku("ca", "list")
    assert "waits" in listed.output
    await run_jobs(served, "crl")
    assert (
        await served.owner.fetchval("SELECT count(*) FROM ca.crls WHERE issuer_id = 4") == 4
    )  # public before it issues
    again = await house.succeed("--issues-from", starts.isoformat())
    assert (again.exit_code, "transcript in" in again.output) == (0, True), again.output
    assert await served.owner.fetchval("SELECT count(*) FROM ca.issuers") == 5


@pytest.mark.std("C-160", "C-145")
async def test_what_check_says_of_several(house: House) -> None:
    assert await house.said_by_check() == []
    near = timedelta(days=3650 - 390)
    (said,) = [each for each in await house.said_by_check(later=near) if "ends on" in each]
    assert said.startswith(f"{FIRST} ends on ")
    assert said.endswith("hold `keiyaku ca ceremony --kind issuing`")
    assert any(f"{FIRST} has ended on" in each for each in await house.said_by_check(later=timedelta(days=3651)))
    await house.revoke(FIRST)
    assert any("a CRL of Test Root must say so by" in each for each in await house.said_by_check())
    await house.served.owner.execute("UPDATE ca.authority_revocations SET published_at = now() WHERE issuer_id = 1")
    (said,) = await house.said_by_check()
    assert "nothing is issued; revoke what it signed" in said
    assert (await house.succeed()).exit_code == 0
    assert await house.said_by_check() == []
    stale = await house.said_by_check(later=timedelta(days=5))
    assert any("4/0" in each and "1/0" in each for each in stale)
    stale = await house.said_by_check(later=timedelta(days=300))  # the revoked one's last certificate has ended
    assert any("4/0" in each and "1/0" not in each for each in stale)


async def test_what_a_first_ceremony_and_a_later_one_need(house: House) -> None:
    by = (
        "--issuing",
        "X",
        "--root-folder",
        str(house.folder / "root"),
        "--transcript",
        "t",
        "--by",
        "ann",
        "--and",
        "bob",
    )
    done = await house.keiyaku("ca", "ceremony", *by)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        2, "Error: a first ceremony needs --organization and --root",
    )  # fmt: skip
    done = await house.keiyaku("ca", "ceremony", *by, "--issues-from", "2027-01-01T00:00:00Z")
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        2, "Error: the first issuing CA issues at once: leave out --issues-from",
    )  # fmt: skip
    done = await house.succeed("--dry-run")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[3:] == [
        "1. begin: Find issuer-0 in the root's place and no issuer-4 in the other, and write down who is here and what "
        "will be made.",
        "2. issuing-key: Make the issuing CA's key issuer-4 in its place.",
        "3. issuing-certificate: Test Root signs the certificate of Test Issuing CA 2: 3650 days, or until its own end."
        " Its key signs nothing more; take it off line after this step.",
        "4. issuing-crls: The issuing CA signs the first CRL of each of its 4 shards.",
        "5. publish: Put certificate and CRLs into the database: Test Issuing CA 2 issues from then on.",
    ]
    assert await house.served.owner.fetchval("SELECT count(*) FROM office.ceremonies") == 0
