"""Tokens of the API: who gives somebody which role."""

import asyncpg
import pytest

from office.use_cases import tokens
from office.use_cases.asked import Unfit
from office.use_cases.tokens import Wanted
from sql import Conn, Pool
from tests.conftest import NOW


@pytest.mark.rule("T17-1")
async def test_two_tokens_made_at_once_are_two_roles_as_well(applied: Conn, pool: Pool) -> None:
    """The second waits for the first, whatever it is; for somebody else's it waits not."""
    wanted = Wanted("ann", "requester", "kaisha")
    async with pool.acquire() as other:
        await other.execute("SET lock_timeout = '50ms'")
        async with applied.transaction():
            await tokens.new(applied, Wanted("ann", "applicant", "kaisha"), None, None, NOW)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await tokens.new(other, wanted, None, None, NOW)
            await tokens.new(other, Wanted("bob", "requester", "kaisha"), None, None, NOW)
        with pytest.raises(Unfit, match="two people give somebody the role requester"):
            await tokens.new(other, wanted, None, None, NOW)
