"""Texts that customers agree to: one of a kind counts from an instant on, and the Terms have one first version."""

from datetime import timedelta

import msgspec
import pytest

from office.storage.people import Text
from office.use_cases import register, terms
from office.use_cases.asked import Unfit
from office.use_cases.terms import Version
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.test_races import at_once

FIRST = Text("terms", "1", bytes(32), "https://ca.example/1", NOW)
IN_FORCE = "SELECT version FROM gate.texts WHERE kind = 'terms'"
LATER = NOW + timedelta(days=31)
TO_COME = Version("2", bytes(32), "https://ca.example/2", "Fees", "law", LATER)
SEEN = """
INSERT INTO office.deliveries (id, notice_id, recipient, channel, state, address, language, subject, body, body_sha256,
    message_id, next_at, delivered_at)
SELECT gen_random_uuid(), id, 'public', 'web', 'delivered', 'u', 'ja', '-', '-', sha256(''), '-', $1, $1
FROM office.notices
"""


@pytest.mark.rule("T2-1", "T20-1")
@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1)])
async def test_of_two_first_terms_at_once_one_is_stored(
    operator: Conn, office: Pool, pool: Pool, later: timedelta
) -> None:
    other = msgspec.structs.replace(FIRST, version="2", effective_at=NOW + later)
    async with office.acquire() as conn:
        ends = await at_once(
            pool, "SELECT pg_advisory_xact_lock(7113)", register.add_text(operator, FIRST, NOW),
            register.add_text(conn, other, NOW),
        )  # fmt: skip
    assert isinstance(ends[1], Unfit)
    assert [row["version"] for row in await pool.fetch(IN_FORCE)] == ["1"]


@pytest.mark.rule("T2-1")
async def test_no_two_texts_of_a_kind_count_from_one_instant(operator: Conn) -> None:
    await register.add_text(operator, msgspec.structs.replace(FIRST, kind="cps"), NOW)
    second = msgspec.structs.replace(FIRST, kind="cps", version="2")
    with pytest.raises(Unfit, match="from that very instant"):
        await register.add_text(operator, second, NOW)
    later = msgspec.structs.replace(second, effective_at=NOW + timedelta(microseconds=1))
    assert await register.add_text(operator, later, NOW) == later


@pytest.mark.rule("T20-1")
async def test_no_two_terms_are_announced_for_one_instant(operator: Conn) -> None:
    await register.add_person(operator, "ann", "Ann", "CA", NOW)
    await terms.announce(operator, TO_COME, "ann", NOW)
    other = msgspec.structs.replace(TO_COME, version="3")
    with pytest.raises(Unfit, match="from that very instant"):
        await terms.announce(operator, other, "ann", NOW)
    await terms.withdraw(operator, "2", "ann", NOW)
    await terms.announce(operator, other, "ann", NOW)


@pytest.mark.rule("T20-1")
@pytest.mark.parametrize(("first", "counts"), [(NOW, ["1", "2"]), (LATER, ["1"])])
async def test_announced_terms_whose_instant_was_taken_never_count(
    operator: Conn, office: Pool, pool: Pool, first: object, counts: list[str]
) -> None:
    await register.add_person(operator, "ann", "Ann", "CA", NOW)
    await terms.announce(operator, TO_COME, "ann", NOW)
    await register.add_text(operator, msgspec.structs.replace(FIRST, effective_at=first), NOW)
    await pool.execute(SEEN, NOW)
    await terms.take_effect(office, NOW)
    assert [row["version"] for row in await pool.fetch(f"{IN_FORCE} ORDER BY version")] == counts
    [change] = await terms.listed(operator)
    assert (change.announced_at, change.withdrawn_at) == ((NOW, None) if len(counts) == 2 else (None, NOW))
