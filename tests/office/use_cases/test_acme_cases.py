"""One request through ACME is one case, however much it did, and each compromise told has a case of its own."""

from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import storage as ca
from office.use_cases import acme_cases, cases, seal
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, publish
from tests.office.use_cases.test_announcing import OTHER
from tests.office.use_cases.test_races import at_once
from tests.office.use_cases.test_results import told
from tests.office.use_cases.test_revocations import DAY, HOUR, acme_revokes, swept

BY_ACCOUNT = "requested by its account (A11.3)", "account:1"
WITH_KEY = "requested with its key (A11.1.2)", "key:1"
SECOND = timedelta(seconds=1)


async def upgraded(pool: Pool, serial: bytes, by: str, at: timedelta) -> None:
    """As acme_server/use_cases/revoke.py does."""
    async with pool.acquire() as conn:
        await ca.upgrade_reason_to_key_compromise(conn, serial, requested_by=by, now=NOW + at)


@pytest.mark.rule("T11-5", "T11-3")
@pytest.mark.std("C-163")
async def test_a_request_of_more_than_a_sweep_takes_is_one_case(
    accepted: Conn, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme_cases, "AT_ONCE", 2)
    await pool.execute(OTHER, "beta")
    serials = [await issue(pool, "acme" if number % 2 else "beta", number, NOW) for number in range(5)]
    for serial in serials:
        await acme_revokes(pool, serial, *WITH_KEY, 1)
    assert [await acme_cases.take_acme(accepted, NOW + HOUR) for _ in range(2)] == [1, 0]
    [found] = await cases.listed(accepted, True)
    assert (found.revoked, sorted(found.serials or []), found.contracts) == (5, sorted(serials), ["acme", "beta"])
    assert await notices(pool) == ["revoked_with_certificate_key"] * 2


@pytest.mark.rule("T11-5")
async def test_two_nodes_make_one_case_of_a_request(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme_cases, "AT_ONCE", 2)
    for number in range(4):
        await acme_revokes(pool, await issue(pool, "acme", number, NOW), *WITH_KEY, 1)
    other = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    both = [acme_cases.take_acme(conn, NOW + HOUR) for conn in (accepted, other)]
    ends = await at_once(pool, "SELECT FROM office.acme_revocations ORDER BY serial FOR UPDATE", *both)
    await other.close()
    assert (sorted(map(str, ends)), [each.revoked for each in await cases.listed(accepted, True)]) == (["0", "1"], [4])


@pytest.mark.rule("T11-3", "T11-8")
@pytest.mark.std("C-143")
@pytest.mark.parametrize("swept_between", [False, True])
async def test_a_compromise_told_at_once_after_the_accounts_request_has_its_own_case(
    accepted: Conn, pool: Pool, swept_between: bool
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await seal.request(accepted, "acme", "ann", NOW)
    await acme_revokes(pool, serial, *BY_ACCOUNT, 4)
    if swept_between:
        await acme_cases.take_acme(accepted, NOW + SECOND)
    await upgraded(pool, serial, "key:1", 4 * SECOND)
    assert await acme_cases.take_acme(accepted, NOW + 5 * SECOND) == (1 if swept_between else 2)
    asked, compromise = await cases.listed(accepted, True)
    assert (asked.ground, asked.reporter, asked.asked_code) == ("request", "account:1", 4)
    assert (compromise.ground, compromise.reporter, compromise.asked_code) == ("compromise", "key:1", 1)
    assert (asked.deadline_at, compromise.deadline_at) == (NOW + DAY, NOW + 4 * SECOND + DAY)
    assert sorted(await notices(pool)) == [
        "revocation_requested", "revoked_with_certificate_key", "seal_deletion_after_revocation",
    ]  # fmt: skip
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    assert {each.state for each in await cases.listed(accepted, True)} == {"published"}
    assert await told(pool) == [("acme", "revoked")]


@pytest.mark.rule("T11-5", "T11-8")
@pytest.mark.parametrize(
    ("by", "ground", "kinds"),
    [
        (WITH_KEY, "compromise", ["revoked_with_certificate_key", "revoked_with_certificate_key"]),
        (BY_ACCOUNT, "compromise_asked", ["revocation_requested"]),
    ],
)
async def test_what_a_request_revokes_and_what_it_gives_another_code_is_one_case(
    accepted: Conn, pool: Pool, by: tuple[str, str], ground: str, kinds: list[str]
) -> None:
    """A compromise of a key of which one customer's certificate was revoked before, and another's was not."""
    await pool.execute(OTHER, "beta")
    old, new = await issue(pool, "acme", 1, NOW), await issue(pool, "beta", 2, NOW)
    await acme_revokes(pool, old, *BY_ACCOUNT, None)
    await acme_cases.take_acme(accepted, NOW)
    before = len(await notices(pool))
    await pool.execute("UPDATE ca.revocations SET requested_at = $1, revoked_at = $1", NOW - DAY)
    await acme_revokes(pool, new, *by, 1)
    await upgraded(pool, old, by[1], timedelta(0))
    assert await acme_cases.take_acme(accepted, NOW + SECOND) == 1
    [found] = [each for each in await cases.listed(accepted, True) if each.ground == ground]
    assert (found.revoked, found.contracts, (await notices(pool))[before:]) == (2, ["acme", "beta"], kinds)
