"""The self-audit's arithmetic: how many, which, of which period; all of it on certificates without a signer."""

from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest

from office.storage import samples
from office.use_cases import sample
from office.use_cases.asked import Unfit
from office.use_cases.sample import Period
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue

DAY, SEED = timedelta(days=1), bytes(range(32))
BEFORE = Period(NOW - 2 * DAY, NOW - DAY)
PERIOD = Period(NOW - DAY, NOW - timedelta(hours=1))
ISSUED_AT = NOW - timedelta(hours=2)


@pytest.mark.std("C-175")
@pytest.mark.parametrize(("number", "drawn"), [(0, 0), (1, 1), (33, 1), (34, 2), (67, 3)])
async def test_of_every_hundred_three_at_least_one(accepted: Conn, pool: Pool, number: int, drawn: int) -> None:
    serials = [await issue(pool, "acme", each, ISSUED_AT) for each in range(number)]
    made = await sample.draw(accepted, PERIOD, 3, SEED, "ann", NOW)
    found = await sample.shown(accepted, made)
    assert (found.sample.population, found.sample.drawn, found.sample.audited) == (number, drawn, 0)
    assert found.sample.population_sha256 == sha256(b"".join(sorted(serials))).digest()
    by_hand = sorted(serials, key=lambda one: sha256(SEED + one).digest())[:drawn]  # as an auditor repeats it
    assert sorted(each.serial for each in found.certificates) == sorted(one.hex() for one in by_hand)
    proof = await pool.fetchval("SELECT content FROM evidence.records WHERE kind = 'audit.sample_drawn'")
    said = msgspec.json.decode(proof)
    assert (said["seed"], said["seed_source"], said["drawn"]) == (SEED.hex(), "given", drawn)
    assert said["drawn_sha256"] == sha256(b"".join(by_hand)).hexdigest()


@pytest.mark.std("C-175")
async def test_no_certificate_falls_between_two_samples(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, ISSUED_AT)
    after = Period(NOW - timedelta(minutes=90), NOW)
    with pytest.raises(Unfit, match="in no sample: begin the period"):
        await sample.draw(accepted, after, 3, SEED, "ann", NOW)
    made = await sample.draw(accepted, PERIOD, 3, SEED, "ann", NOW)
    assert await sample.draw(accepted, PERIOD, 3, SEED, "ann", NOW) == made  # unfinished: it goes on
    await sample.draw(accepted, Period(PERIOD.until, NOW), 3, SEED, "ann", NOW)
    assert sorted(each.population for each in await samples.samples(accepted, None, None, 10)) == [0, 1]


@pytest.mark.std("C-175")
async def test_what_cannot_be_a_sample(accepted: Conn) -> None:
    for period, percent, seed, person, why in (
        (PERIOD, 2, SEED, "ann", "too few"),
        (Period(NOW, NOW + DAY), 3, SEED, "ann", "must be over"),
        (Period(PERIOD.until, PERIOD.since), 3, SEED, "ann", "must be over"),
        (PERIOD, 3, None, "ann", "one was asked for"),
        (Period(PERIOD.since, NOW), 3, None, "ann", "a minute must be over"),
        (PERIOD, 3, SEED, "zoe", "zoe"),
    ):
        with pytest.raises(Unfit, match=why):
            await sample.draw(accepted, period, percent, seed, person, NOW)
    assert await accepted.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'audit.sample_asked'") == 1
    with pytest.raises(Unfit, match="no such sample"):
        await sample.shown(accepted, "last")
