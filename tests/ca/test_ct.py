"""Submission to logs over real HTTP: what good logs give, what hostile ones do, and who is asked next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256

import msgspec
import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import rsa

from ca import ct, ct_logs
from ca.certificate import assemble, to_be_signed
from ca.ct import Entry, Given, LogFailed, TooFew, gather
from ca.ct_logs import Log
from ca.precertificate import entry_of
from ca.sct import Sct
from tests.ca.arrange import ISSUER, KEY, NOW, ROOT, WANTED, certificate_of
from tests.simulators.ct_log import SimulatedLog, log_list, running

TBS = to_be_signed(ISSUER, msgspec.structs.replace(WANTED, precertificate=True))
ENTRY = Entry(
    (assemble(TBS, KEY.sign(TBS)), ISSUER.certificate), sha256(ISSUER.spki).digest(), entry_of(TBS), NOW
)  # fmt: skip
ROOTS = [certificate_of(ROOT.issuer.certificate)]
SECONDS, QUICK = 30.0, 0.05


def now() -> datetime:
    return NOW


def simulated(name: str, operator: str, mode: str = "good", *, tiled: bool = False) -> SimulatedLog:
    return SimulatedLog(name, operator, ROOTS, now, tiled, mode)


@asynccontextmanager
async def asking(logs: list[SimulatedLog], seconds: float = SECONDS) -> AsyncIterator[tuple[list[Log], ct.Submit]]:
    """The logs as their list says, and how they are asked."""
    async with running(logs), ClientSession() as session:
        listed = {log.id: log for log in ct_logs.parse(log_list(logs, NOW)).logs}

        async def ask(log: Log) -> Sct:
            return await ct.submit(session, log, ENTRY, seconds, now)

        yield [listed[log.id] for log in logs], ask


@pytest.mark.std("C-127", "C-126")
async def test_a_log_gives_an_sct_for_the_entry_and_the_same_one_again() -> None:
    with_rsa = simulated("RSA", "B")
    with_rsa.key = rsa.generate_private_key(65537, 2048)
    async with asking([simulated("a", "A"), with_rsa, simulated("t", "C", tiled=True)]) as (logs, ask):
        scts = [await ask(log) for log in logs]
        assert [sct.log_id for sct in scts] == [log.id for log in logs]
        assert [await ask(log) for log in logs] == scts


@pytest.mark.std("C-127")
@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("bad_signature", "signature is wrong"),
        ("wrong_log_id", "another log"),
        ("future", "in the future"),
        ("old", "older than"),
        ("version_2", "version 2"),
        ("error", "answered 500: out of order"),
        ("refuse", "answered 400"),
        ("redirect", "answered 307"),
        ("garbage", "no SCT"),
        ("deep", "no SCT"),
        ("huge", "more than an SCT"),
        ("lost", "away"),
        ("hang", "no answer within"),
    ],
)
async def test_what_a_hostile_log_gives_is_refused(mode: str, says: str) -> None:
    seconds = QUICK if mode == "hang" else SECONDS
    async with asking([simulated("a", "A", mode)], seconds) as (logs, ask):
        with pytest.raises(LogFailed, match=says):
            await ask(logs[0])


async def test_a_log_that_is_away_has_failed() -> None:
    async with asking([simulated("a", "A")]) as (logs, _):
        pass
    async with ClientSession() as session:
        with pytest.raises(LogFailed, match="away"):
            await ct.submit(session, logs[0], ENTRY, SECONDS, now)


async def test_the_simulator_takes_precertificates_of_its_root_only() -> None:
    async with asking([simulated("a", "A")]) as (logs, _), ClientSession() as session:
        for chain in ((ENTRY.chain[0],), (ENTRY.chain[1], ENTRY.chain[0]), (ISSUER.certificate, *ENTRY.chain)):
            with pytest.raises(LogFailed, match="answered 400"):
                await ct.submit(session, logs[0], msgspec.structs.replace(ENTRY, chain=chain), SECONDS, now)


def names(given: list[Given]) -> set[str]:
    return {one.log.description for one in given}


@pytest.mark.std("C-128", "C-131")
@pytest.mark.parametrize(
    ("logs", "number", "expected"),
    [
        pytest.param([("a", "A", "good"), ("b", "B", "good")], 2, {"a", "b"}, id="all good"),
        pytest.param([("a", "A", "error"), ("b", "B", "good"), ("c", "C", "good")], 2, {"b", "c"}, id="a spare"),
        pytest.param([("a", "A", "bad_signature"), ("b", "B", "future"), ("c", "C", "good"), ("d", "D", "good")], 2,
                     {"c", "d"}, id="two spares"),
        pytest.param([("a", "A", "good"), ("b", "B", "refuse"), ("c", "A", "good"), ("d", "B", "good")], 2,
                     {"a", "d"}, id="the spare is of another operator"),
        pytest.param([("a", "A", "good"), ("b", "B", "refuse"), ("c", "A", "good"), ("d", "C", "good")], 3,
                     {"a", "c", "d"}, id="three"),
    ],
)  # fmt: skip
async def test_spare_logs_are_asked_until_scts_are_enough(
    logs: list[tuple[str, str, str]], number: int, expected: set[str]
) -> None:
    simulators = [simulated(*log) for log in logs]
    async with asking(simulators) as (listed, ask):
        assert names(await gather(ask, listed, number, SECONDS, SECONDS)) == expected
    assert all(log.asked <= 1 for log in simulators)


async def test_no_more_logs_are_asked_than_are_needed() -> None:
    simulators = [simulated(f"{n}", f"{n}") for n in range(6)]
    async with asking(simulators) as (listed, ask):
        assert len(await gather(ask, listed, 3, SECONDS, SECONDS)) == 3
    assert sum(log.asked for log in simulators) == 3


async def test_who_does_not_answer_is_not_waited_for_and_whoever_answered_counts() -> None:
    simulators = [simulated("a", "A", "hang"), simulated("b", "B"), simulated("c", "C")]
    async with asking(simulators) as (listed, ask):
        assert names(await gather(ask, listed, 2, QUICK, SECONDS)) == {"b", "c"}


@pytest.mark.std("C-132", "C-128")
@pytest.mark.parametrize(
    ("logs", "says"),
    [
        pytest.param([("a", "A", "good"), ("b", "B", "error")], "1 SCTs are not enough: b: answered 500", id="one log"),
        pytest.param([("a", "A", "good"), ("b", "A", "good")], "2 SCTs are not enough", id="one operator"),
        pytest.param([], "no SCT: no log takes", id="no log"),
        pytest.param([("a", "A", "bad_signature"), ("b", "B", "wrong_log_id")], "no SCT: ", id="none that counts"),
    ],
)
async def test_too_few(logs: list[tuple[str, str, str]], says: str) -> None:
    async with asking([simulated(*log) for log in logs]) as (listed, ask):
        with pytest.raises(TooFew, match=says):
            await gather(ask, listed, 2, SECONDS, SECONDS)


async def test_too_few_in_time() -> None:
    simulators = [simulated("a", "A", "hang"), simulated("b", "B")]
    async with asking(simulators) as (listed, ask):
        with pytest.raises(TooFew, match="a: no answer in time"):
            await gather(ask, listed, 2, SECONDS, 0.2)
        assert len(asyncio.all_tasks()) < 10  # nobody is being asked any more
