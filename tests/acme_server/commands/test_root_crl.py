"""`keiyaku ca root-crl`: the root's next CRL, by two people, from a token that is off line otherwise."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest
from cryptography import x509

from acme_server.clock import utc_now
from acme_server.config_sections import Ca
from acme_server.dev.postgres import EmbeddedPostgres
from ca.authority_linting import lint_crl
from ca.crl import ROOT_NEXT_UPDATE
from ca.linting import LintError
from office.use_cases import root_crl
from office.use_cases.asked import Unfit, two_persons
from sql import Pool
from tests.acme_server.commands.test_ceremony import ALL, Desk
from tests.acme_server.commands.test_ceremony import desk as desk
from tests.simulators.hsm import TokenVault

BOTH = "root-crl\nroot-crl\n"


async def next_crl(desk: Desk, *, typed: str = BOTH, token: str = "root", people: tuple[str, str] = ("ann", "bob"),
                   issuer: str = "0", transcript: Path | None = None) -> tuple[int, str]:  # fmt: skip
    """Exit status and the whole output."""
    done = await desk.keiyaku(
        "ca", "root-crl", "--issuer", issuer, "--root-token", token, "--root-pin-file", str(desk.root.pin_file),
        "--transcript", str(transcript or desk.transcript), "--by", people[0], "--and", people[1], typed=typed,
    )  # fmt: skip
    return done.exit_code, done.output


async def numbers(pool: Pool) -> list[int]:
    return [r["number"] for r in await pool.fetch("SELECT number FROM ca.crls WHERE issuer_id = 0 ORDER BY number")]


@pytest.mark.std("C-117", "C-135", "C-136")
async def test_two_people_make_the_next_crl_and_numbers_only_rise(desk: Desk, pool: Pool) -> None:
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    for typed in ("no\n", "root-crl\nno\n", "root-crl\n\n"):
        status, said = await next_crl(desk, typed=typed)
        assert (status, "did not agree: nothing was signed" in said) == (1, True), said
    status, said = await next_crl(desk, token="issuing")
    assert (status, "nothing was signed: key 'issuer-0'" in said) == (1, True), said
    assert await numbers(pool) == [1]
    status, said = await next_crl(desk)
    assert status == 0, said
    assert "Example Root 1 signs its CRL number 6, empty, valid until " in said
    assert await numbers(pool) == [1, 6]
    row = await pool.fetchrow("SELECT * FROM ca.crls WHERE issuer_id = 0 AND number = 6")
    made = x509.load_der_x509_crl(row["der"])
    root = x509.load_der_x509_certificate(await pool.fetchval("SELECT certificate FROM ca.issuers WHERE id = 0"))
    assert made.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert row["next_update"] - row["this_update"] == ROOT_NEXT_UPDATE <= timedelta(days=365)
    assert [type(each.value) for each in made.extensions] == [x509.AuthorityKeyIdentifier, x509.CRLNumber]
    written = desk.transcript.read_text()
    assert "by ann and bob" in written
    assert written == await pool.fetchval("SELECT transcript FROM office.root_crls WHERE number = 6")
    kinds = "SELECT count(*) FROM evidence.records WHERE kind = $1"
    assert await pool.fetchval(kinds, "root_crl.prepared") == 5
    assert await pool.fetchval(kinds, "root_crl.signed") == 1


@pytest.mark.std("C-117")
async def test_a_crl_whose_transcript_cannot_be_written_is_public_and_said_to_be(desk: Desk, pool: Pool) -> None:
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    status, said = await next_crl(desk, transcript=desk.transcript.parent / "missing" / "root-crl.txt")
    kept = await pool.fetchval("SELECT transcript FROM office.root_crls WHERE number = 2")
    assert (status, await numbers(pool)) == (1, [1, 2])
    assert "CRL number 2 is public, but" in said
    assert kept in said
    assert "no CRL was published" not in said


@pytest.mark.std("C-117")
async def test_one_person_an_issuing_ca_or_no_ca_is_refused(desk: Desk, pool: Pool) -> None:
    assert "there is no root 0" in (await next_crl(desk))[1]
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    assert "'ann' is named twice" in (await next_crl(desk, people=("ann", "ann")))[1]
    assert "there is no root 1" in (await next_crl(desk, issuer="1"))[1]
    assert await pool.fetchval("SELECT count(*) FROM office.root_crls") == 0
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "INSERT INTO office.root_crls (id, issuer_id, number, tbs, first_person, second_person, prepared_at) "
            "SELECT gen_random_uuid(), 0, 2, '', id, id, now() FROM gate.persons LIMIT 1"
        )


@pytest.mark.std("C-135", "C-136")
async def test_what_was_prepared_a_day_ago_or_signed_before_is_not_signed(
    desk: Desk, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    assert (await desk.ceremony(typed=ALL)).exit_code == 0
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    vault, now = TokenVault(desk.root), utc_now()
    try:
        people = await two_persons(conn, "ann", "bob")
        prepared = await root_crl.prepare(conn, 0, people, now)
        with pytest.raises(LintError, match="C-136"):
            lint_crl(prepared.issuer, 0, prepared.tbs, now, of_root=True, wanted=3)
        with pytest.raises(Unfit, match="C-135: not made within the day"):
            await root_crl.sign(conn, prepared, vault, now + timedelta(days=1, seconds=1))
        await root_crl.sign(conn, prepared, vault, now)
        with pytest.raises(Unfit, match="signed before"):
            await root_crl.sign(conn, prepared, vault, now)
    finally:
        await conn.close()
    assert await numbers(pool) == [1, 2]


async def test_a_folder_without_the_roots_key_is_refused_before_anybody_is_asked(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("a long passphrase")
    files = Desk(
        msgspec.structs.replace(desk.settings, ca=Ca(passphrase_file=tmp_path / "passphrase")), desk.root, tmp_path
    )
    by = ("--root-folder", str(tmp_path), "--transcript", str(tmp_path / "t"), "--by", "ann", "--and", "bob")
    there, elsewhere = tmp_path / "issuer-0.key.pem", "name the folder of the root's key with --root-folder"
    refused = await files.keiyaku("ca", "root-crl", *by, typed=BOTH)
    assert (refused.exit_code, refused.output) == (1, f"Error: there is no {there}: {elsewhere}\n")
    there.touch()
    assert "there is no root 0" in (await files.keiyaku("ca", "root-crl", *by)).output
