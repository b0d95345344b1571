"""A record on which the linter hangs: others are signed meanwhile, and it is refused for good after the second time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import uvloop

from acme_server.dev.postgres import EmbeddedPostgres
from ca import pkilint_pool
from ca.certificate import Issuer
from ca.pkilint_pool import SILENT, PkilintPool
from ca.signer_client import Signed, SignerAway, SignRefused
from ca.signer_lint import Demands
from sql import Pool
from tests.ca.arrange import record
from tests.ca.test_signer import SECONDS, UNSIGNED, Bench

HANGS, GOOD = b"hang", b"good"
AWAY = SignerAway("the linter is away")


@pytest.fixture(autouse=True)
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes hang on some, and are not asked for long to end."""
    monkeypatch.setattr(pkilint_pool, "END_SECONDS", 0.5)
    monkeypatch.setattr(pkilint_pool, "MODULE", "tests.simulators.hanging_linter")


@pytest.fixture
async def linters() -> AsyncIterator[PkilintPool]:
    """Two processes; what takes them longer than half a second is a hang."""
    made = PkilintPool(2, (), 0.5, patience=0.2)
    yield made
    await made.close()


@pytest.fixture
async def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


@pytest.mark.std("C-064")
async def test_others_of_its_batch_have_their_reports_and_it_has_none_yet(linters: PkilintPool) -> None:
    reports = await linters.lint([GOOD, HANGS, *[GOOD] * 20])
    assert [report is None for report in reports] == [False, True, *[False] * 20]
    hung = next(iter(linters.late.values()))
    assert await linters.lint([HANGS]) == [None]  # it is not waited for again
    assert (await hung.report) is not None
    assert hung.tries == 2
    for _ in range(2):
        (report,) = await linters.lint([HANGS])
        assert report is not None
        assert report.faults() == [f"{SILENT}: no answer within 0.5 s, 2 times"]
    assert all(await linters.lint([GOOD] * 3))


async def test_with_one_process_others_wait_behind_it_and_are_asked_for_again(linters: PkilintPool) -> None:
    linters.workers = linters.workers[:1]
    assert await linters.lint([HANGS, GOOD]) == [None, None]
    good = next(each for each in linters.late.values() if each.tbs == GOOD)
    await good.report
    assert all(await linters.lint([GOOD]))
    assert [each.tbs for each in linters.late.values()] == [HANGS]


async def test_who_waits_for_all_has_a_report_of_each(linters: PkilintPool) -> None:
    """As the self-audit does: else what hangs would stop it every time it is run again."""
    linters.patience = None
    hung, good = await linters.lint([HANGS, GOOD])
    assert hung is not None
    assert hung.faults() == [f"{SILENT}: no answer within 0.5 s, 2 times"]
    assert good is not None
    assert good.faults() == []


def test_processes_that_die_are_replaced_whenever_they_do() -> None:
    """Under the loop that the signer runs in: it knew of an end while the process was about to be killed."""

    async def lint() -> None:
        made = PkilintPool(2, (), 5.0, patience=None)
        crashed = await made.lint([b"crash %d" % number for number in range(12)])
        assert {report and report.faults()[0] for report in crashed} == {f"{SILENT}: no answer within 5 s, 2 times"}
        assert all(await made.lint([GOOD] * 3))
        await made.close()

    uvloop.run(asyncio.wait_for(lint(), 20))


@pytest.mark.std("C-064", "C-065")
async def test_the_signer_signs_the_others_and_refuses_it_with_a_cause(bench: Bench, linters: PkilintPool) -> None:
    row = record(bench.issuer, ["hang.demo.test"])
    await bench.admit(row)
    async with bench.signer(demands=Demands(linter=linters)) as client:
        others = [await bench.admitted() for _ in range(5)]
        answers = await asyncio.gather(*(client.sign(each.id, SECONDS) for each in (row, *others)))
        assert answers == [AWAY, *[Signed()] * 5]
        while (answer := await client.sign(row.id, SECONDS)) == AWAY:
            await next(iter(linters.late.values())).report
        assert answer == SignRefused(f"pkilint: {SILENT}: no answer within 0.5 s, 2 times")
        assert await client.sign(row.id, SECONDS) == answer
        assert await client.sign((await bench.admitted()).id, SECONDS) == Signed()
    assert await bench.state(row) == UNSIGNED
    told = await bench.pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'lint.refused' LIMIT 1")
    assert msgspec.json.decode(told)["certificate_id"] == str(row.id)
