"""Binding keys."""

import pytest

from office.storage import keys
from office.use_cases import contracts
from office.use_cases.demo import make_demo
from office.use_cases.keys import base64url, new_secret
from sql import Conn, Pool
from tests.conftest import NOW


def test_no_secret_looks_like_an_option_of_a_command_line() -> None:
    """`certbot --eab-hmac-key -x…` is a fault of usage; one key in 64 was such."""
    secrets = [new_secret() for _ in range(5000)]
    assert {len(secret) for secret in secrets} == {32}
    assert [text for secret in secrets if (text := base64url(secret)).startswith("-")] == []


@pytest.mark.rule("T12-7")
async def test_a_key_serves_its_contract_and_those_that_follow_it_alone(operator: Conn, pool: Pool) -> None:
    made = await make_demo(operator, NOW)
    demo, overdue = [(await contracts.shown(operator, each)).id for each in ("demo", "demo-overdue")]
    assert await keys.serves(operator, made.admitted.kid, demo)
    assert not await keys.serves(operator, made.admitted.kid, overdue)
    await pool.execute("INSERT INTO gate.successions VALUES ($1, $2, $3, 'infinity')", demo, overdue, NOW)
    assert await keys.serves(operator, made.admitted.kid, overdue)
    assert not await keys.serves(operator, made.overdue.kid, demo)
