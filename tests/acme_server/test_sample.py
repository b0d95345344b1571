"""Certificates that the running server issued, examined anew: as they are, and after each thing was changed."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from acme_server.clock import utc_now
from acme_server.commands.sample import linter_of
from acme_server.config import Settings
from acme_server.config_sections import Lint
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.sealer import take_over
from ca.lint_report import Report
from office.storage import samples
from office.use_cases import sample
from office.use_cases.asked import Unfit
from office.use_cases.sample import Period, Shown
from office.use_cases.sample_look import OWN
from sql import Conn
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run_jobs

OFFICER, PRIVATE_NAME = "demo-officer-1", "cabf.internal_domain_name"


class Away:
    """A linter that answers nothing."""

    async def lint(self, tbs: Sequence[bytes]) -> Sequence[Report | None]:
        return [None for _ in tbs]

    async def close(self) -> None:
        return


async def examined(operator: Conn, period: Period, seed: bytes | None) -> Shown:
    now = utc_now()
    made = await sample.draw(operator, period, 100, seed, OFFICER, now)
    await sample.examine(operator, made, None, now)
    return await sample.shown(operator, made)


LATER = "UPDATE ca.certificates SET signed_at = signed_at + interval '%s'"  # as if it had been signed then
ASKED_ANEW = "UPDATE acme.authorizations SET caa_checked_at = caa_checked_at - interval '9 hours'"


@pytest.mark.std("C-175", "C-015", "C-046")
async def test_how_its_names_were_proven_is_looked_at_anew(
    served: Served, postgres: EmbeddedPostgres, database: str
) -> None:
    client = await served.registered()
    await client.certificate("www.demo.test")
    await served.owner.execute(ASKED_ANEW)
    url, order = await ready(client, "www.demo.test")  # the same proof; CAA is asked anew
    assert (await client.finalize(order)).json["status"] == "processing"
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await client.post(url)).json["status"] == "valid"
    await served.owner.execute("UPDATE acme.authorizations SET caa_checked_at = NULL")  # evidence alone counts
    operator = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    first, second = await served.owner.fetch("SELECT id, serial FROM ca.certificates ORDER BY signed_at")
    moved = [(first, "7 hours", []), (first, "2 hours", ["CAA of www.demo.test was asked too long ago"]),
             (second, "7 hours", []), (second, "2 hours", ["CAA of www.demo.test was asked too long ago"])]  # fmt: skip
    for row, more, faults in moved:
        await served.owner.execute(f"{LATER % more} WHERE id = $1", row["id"])
        one = await samples.issuance(operator, row["serial"])
        assert [each.partition(":")[0] for each in await sample.proofs_looked_at(operator, one)] == faults
    await served.owner.execute("DELETE FROM evidence.records WHERE kind = 'authorization.validated'")
    found = await sample.proofs_looked_at(operator, await samples.issuance(operator, first["serial"]))
    assert ["no evidence that authorization" in each for each in found] == [True, False, False]
    await operator.close()


@pytest.mark.std("C-175", "C-174")
async def test_what_was_issued_is_linted_and_decided_anew(
    served: Served, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    client, since = await served.registered(), utc_now() - timedelta(hours=1)
    await client.certificate("www.demo.test")
    operator = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    sealing = await asyncpg.connect(postgres.dsn("keiyaku_seal", database))
    key = Ed25519PrivateKey.generate()
    if sealer := await take_over(sealing, key, tmp_path / "checkpoints.jsonl"):
        await sealer.run_once(utc_now() + timedelta(minutes=2))  # a checkpoint a minute after the period
    period, now = Period(since, utc_now()), utc_now() + timedelta(minutes=3)
    made = await sample.draw(operator, period, 3, None, OFFICER, now)
    with pytest.raises(Unfit, match="did not answer"):
        await sample.examine(operator, made, Away(), now)
    async with linter_of(Settings(data=tmp_path, lint=Lint(ignored=(PRIVATE_NAME,)))) as linter:
        await sample.examine(operator, made, linter, now)
    found = await sample.shown(operator, "last")
    assert [(one.faults, one.linted_by and one.linted_by[0]) for one in found.certificates] == [([], OWN)]
    assert (found.sample.seed_source, found.sample.drawn, found.sample.faulty) == ("checkpoint 1", 1, 0)
    assert [one.linted_by and one.linted_by[1].startswith("pkilint") for one in found.certificates] == [True]
    seed = bytes(16)
    for change, fault in (
        ("UPDATE gate.decisions SET facts = regexp_replace(convert_from(facts, 'UTF8'), '\"held\" ?: ?false',"
         " '\"held\":true')::bytea", "answers otherwise"),
        ("UPDATE gate.decisions SET outcome = 'refused', gate = 'G7', \"case\" = 'hold', not_after_limit = NULL",
         "the gate refused it"),
        ("UPDATE ca.certificates SET der = overlay(der PLACING '\\x00' FROM octet_length(der) - 4)",
         "not signed by its issuer"),
        ("UPDATE ca.to_be_signed SET names = '{else.demo.test}'", "C-096"),
    ):  # fmt: skip
        await served.owner.execute(change)
        await served.owner.execute("UPDATE office.audit_samples SET percent = 99 WHERE percent = 100")
        looked = await examined(operator, period, seed)
        assert any(fault in said for one in looked.certificates for said in one.faults or []), fault
    await operator.close()
    await sealing.close()
