"""Which cases of revocation wait for a person's look after they were executed, and which do not. Article 11."""

from datetime import date, datetime, timedelta

import pytest

from office.use_cases import case_decisions, cases, changes, desk, revocations
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, publish
from tests.office.use_cases.test_revocations import decided, opened, pay, swept, unpaid_case

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = timedelta(days=60)


async def looks(conn: Conn, at: datetime = NOW + LATER) -> list[str]:
    """The cases that the desk keeps for somebody to look at."""
    return [task.subject for task in await desk.queue(conn, None, False, None, 50, at, "revocation_look")]


@pytest.mark.rule("T11-7")
@pytest.mark.parametrize("ground", ["request", "damage", "misuse", "change_learned"])
async def test_what_two_people_decided_and_executed_is_no_longer_on_the_desk(
    accepted: Conn, pool: Pool, ground: str
) -> None:
    await issue(pool, "acme", 1, NOW)
    if ground == "change_learned":
        await changes.report(accepted, "acme", "organization", True, NOW)
        [case] = [str(each.id) for each in await cases.listed(accepted, False)]
        await case_decisions.decide(accepted, case, "ann", "bob", "seen", NOW)
    else:
        case = await decided(accepted, await opened(accepted, ground))
    await revocations.execute(accepted, case, NOW)
    assert await looks(accepted) == []
    await swept(accepted, NOW + HOUR)  # what a notice comes before waited for it
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    assert (await cases.standing(accepted, case, NOW)).case.state == "published"
    assert (await looks(accepted), await cases.listed(accepted, False)) == ([], [])


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize("published", [True, False])
async def test_a_payment_after_the_execution_puts_the_case_on_the_desk_again(
    accepted: Conn, pool: Pool, published: bool
) -> None:
    case, at = await unpaid_case(accepted, pool, material=False)
    await revocations.execute(accepted, case, at + HOUR)
    if published:
        await publish(pool, at + HOUR)
        await swept(accepted, at + HOUR)
    assert await looks(accepted, at + DAY) == []
    await pay(accepted, date(2026, 5, 20), at + DAY)
    assert await looks(accepted, at + DAY) == [case]
    await swept(accepted, at + DAY)
    assert await looks(accepted, at + DAY) == [case]
    await cases.close(accepted, case, "ann", "sent back", at + DAY)
    assert await looks(accepted, at + DAY) == []


@pytest.mark.rule("T11-12")
async def test_a_fee_paid_between_decision_and_execution_keeps_a_material_case_on_the_desk(
    accepted: Conn, pool: Pool
) -> None:
    case, at = await unpaid_case(accepted, pool, material=True)
    await pay(accepted, date(2026, 5, 21), at + DAY)
    await revocations.execute(accepted, case, at + DAY + HOUR)
    assert await looks(accepted, at + LATER) == [case]
