"""What `keiyaku check` says of invoices to come."""

import pytest

from acme_server.clock import utc_now
from acme_server.config import Settings
from acme_server.use_cases import check_money
from sql import Pool
from tests.acme_server.commands.test_bank_commands import demo as demo
from tests.acme_server.commands.test_commands import keiyaku

SELLER = "invoice seller CA Tokyo T7000012050002 --by demo-officer-1 --and demo-officer-2"


@pytest.mark.rule("T8-3")
async def test_who_bills_and_where_it_is_paid_is_set_before_anybody_is_billed(demo: Settings, pool: Pool) -> None:
    async def said() -> list[str]:
        async with pool.acquire() as conn:
            return [fault.what for fault in await check_money.invoices(demo, conn, utc_now())]

    assert await said() == []
    await keiyaku(demo, SELLER)
    assert ["name no account to pay into" in each for each in await said()] == [True]
    await pool.execute("DELETE FROM office.sellers")
    assert ["name no issuer" in each for each in await said()] == [True]
    await pool.execute("UPDATE gate.contracts SET fee_yen = 0")
    assert await said() == []  # nobody is billed
