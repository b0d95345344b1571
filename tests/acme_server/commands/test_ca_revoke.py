"""`keiyaku ca revoke` and what follows: the root's next CRL from its token, `keiyaku check`, and openssl."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from acme_server.clock import utc_now
from acme_server.signing_keys import opener
from acme_server.use_cases import check_ca
from ca import issuance, storage
from ca.certificate import assemble
from ca.profiles import TLSSERVER, lifetime
from sql import Conn, Pool
from sql.ids import uuid7
from tests.acme_server.commands.test_ceremony import ALL, Desk
from tests.acme_server.commands.test_ceremony import desk as desk
from tests.acme_server.commands.test_root_crl import next_crl, numbers
from tests.ca.arrange import LEAF, SUBJECT, spki_of, write_pem

BOTH = "revoke\nrevoke\n"
ISSUING = "Example Issuing 1"


async def revoke(desk: Desk, *more: str, typed: str = BOTH, people: tuple[str, str] = ("ann", "bob"),
                 known: str | None = None) -> tuple[int, str]:  # fmt: skip
    """Exit status and the whole output."""
    done = await desk.keiyaku(
        "ca", "revoke", ISSUING, "--ground", "compromise", "--known", known or utc_now().isoformat(), "--note", "found",
        "--by", people[0], "--and", people[1], *more, typed=typed,
    )  # fmt: skip
    return done.exit_code, done.output


async def leaf_of(conn: Conn, desk: Desk) -> tuple[bytes, int]:
    """A certificate signed with the issuing CA's own key in its token, and its shard."""
    now = utc_now()
    issuer = (await storage.active_issuer(conn, now)).issuer
    record = issuance.prepare(
        issuer, TLSSERVER, SUBJECT, ["www.demo.test"], spki_of(LEAF), now, now + lifetime(TLSSERVER, now), uuid7(now),
        uuid7(now), now, now, precertificate=False,
    )  # fmt: skip
    key = opener(desk.settings)(1)
    try:
        return assemble(record.tbs, key.sign(record.tbs)), record.shard
    finally:
        key.close()  # type: ignore[union-attr]


async def verdict(pool: Pool, folder: Path, leaf: bytes, shard: int) -> str:
    """What openssl says, which looks for every certificate of the chain on a CRL."""
    async with pool.acquire() as conn:
        chain = await storage.issuer_chain(conn, 1)
        crls = [await storage.newest_crl(conn, 0, 0), await storage.newest_crl(conn, 1, shard)]
    root = write_pem(folder / "root.pem", chain[1])
    above = write_pem(folder / "above.pem", chain[0])
    command = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", str(root), "-untrusted", str(above)]
    for number, crl in enumerate(crls):
        assert crl is not None
        command += ["-CRLfile", str(write_pem(folder / f"crl-{number}.pem", crl.der, label="X509 CRL"))]
    command.append(str(write_pem(folder / "leaf.pem", leaf)))
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    return done.stdout + done.stderr


async def said_by_check(pool: Pool, desk: Desk, *, days: int = 0) -> list[tuple[str, str]]:
    async with pool.acquire() as conn:
        found = await check_ca.revoked_issuers(desk.settings, conn, utc_now() + timedelta(days=days))
    return [(each.what, each.do) for each in found]


@pytest.mark.std("C-160", "C-117", "C-140")
async def test_from_the_decision_to_the_crl_that_openssl_reads(desk: Desk, pool: Pool, tmp_path: Path) -> None:
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    async with pool.acquire() as conn:
        leaf, shard = await leaf_of(conn, desk)
    assert "leaf.pem: OK" in await verdict(pool, tmp_path, leaf, shard)
    assert await said_by_check(pool, desk) == []
    for typed in ("no\n", "revoke\nno\n"):
        status, said = await revoke(desk, typed=typed)
        assert (status, "did not agree: nothing was revoked" in said) == (1, True), said
    assert "'ann' is named twice" in (await revoke(desk, people=("ann", "ann")))[1]
    assert await pool.fetchval("SELECT count(*) FROM ca.authority_revocations") == 0

    known = (utc_now() - timedelta(days=1)).replace(microsecond=0)
    status, said = await revoke(desk, known=known.isoformat())
    assert status == 0, said
    assert f"From the decision on {ISSUING} issues nothing, for ever." in said
    assert f"must be public by {known + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}" in said
    assert "hold `keiyaku ca root-crl --issuer 0`" in said
    ((what, do),) = await said_by_check(pool, desk)
    assert f"a CRL of Example Root 1 must say so by {known + timedelta(days=7):%Y-%m-%d %H:%M}Z" in what
    assert do == "hold `keiyaku ca root-crl --issuer 0`"
    assert "should have said so" in (await said_by_check(pool, desk, days=7))[0][0]

    status, said = await next_crl(desk, typed="root-crl\nno\n")  # broken off, and gone on with
    assert status == 1
    status, said = await next_crl(desk)
    assert status == 0, said
    serial = x509.load_der_x509_certificate(
        await pool.fetchval("SELECT certificate FROM ca.issuers WHERE id = 1")
    ).serial_number
    assert "signs its CRL number 3, with 1 revoked, valid until" in said
    assert f"revoked {serial.to_bytes(serial.bit_length() // 8 + 1).hex()}, reason 1, " in said
    assert f"{serial.to_bytes(serial.bit_length() // 8 + 1).hex()}, reason 1, " in desk.transcript.read_text()
    assert await numbers(pool) == [1, 3]
    assert "certificate revoked" in await verdict(pool, tmp_path, leaf, shard)
    ((what, do),) = await said_by_check(pool, desk)
    assert what.endswith("nothing is issued")
    assert "keiyaku certificate revoke --issuer" in do

    listed = await desk.keiyaku("ca", "revocations", "--json")
    (row,) = json.loads(listed.output)
    assert (row["name"], row["root"], row["reason"], row["ground"]) == (ISSUING, "Example Root 1", 1, "compromise")
    assert row["published_at"] is not None
    kinds = await pool.fetch("SELECT kind FROM evidence.records WHERE kind ~ '^(issuer.revoked|root_crl)' ORDER BY id")
    assert [each["kind"] for each in kinds] == [
        "issuer.revoked", "root_crl.prepared", "root_crl.prepared", "root_crl.signed"
    ]  # fmt: skip


async def test_what_the_command_refuses(desk: Desk) -> None:
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    later = (utc_now() + timedelta(hours=1)).isoformat()
    assert "--known is in the future" in (await revoke(desk, known=later))[1]
    assert "the reason is one of 1: name it" in (await revoke(desk, "--reason", "9"))[1]
    assert (await revoke(desk))[0] == 0
    assert "is revoked already" in (await revoke(desk))[1]
