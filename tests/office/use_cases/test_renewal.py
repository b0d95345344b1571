"""Renewal: whom the sweep tells that it is open (T12-6)."""

from datetime import date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import JST
from office.use_cases import renewal, service_end
from office.use_cases.asked import Unfit
from sql import Conn
from tests.conftest import NOW
from tests.office.use_cases.issued import notices

PORTAL = "https://people.example"
ENDS_AT = datetime(2027, 11, 22, tzinfo=JST)
OPENS_AT = ENDS_AT - timedelta(days=90)


@pytest.fixture
async def running(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> Conn:
    """The contract `acme`, issued for on 2026-11-22 for twelve months; there is room for evidence of its last ones."""
    owner = await asyncpg.connect(postgres.dsn(database=database))
    await owner.execute("INSERT INTO gate.contract_starts SELECT id, id, $1 FROM gate.contracts", NOW)
    await owner.execute("SELECT keiyaku.ensure_partitions($1, 4)", OPENS_AT)
    await owner.close()
    return accepted


@pytest.mark.rule("T23-3", "T12-6")
@pytest.mark.parametrize(
    ("ends_on", "told"),
    [
        pytest.param(date(2028, 11, 21), 0, id="T23-3 a day before the new term would end"),
        pytest.param(date(2028, 11, 22), 1, id="T23-3 with the end of the new term"),
    ],
)
async def test_nobody_is_told_of_a_renewal_past_the_end_of_the_service(running: Conn, ends_on: date, told: int) -> None:
    await service_end.decide(running, "unavoidable", ends_on, "revoke", "ann", "bob", NOW)
    assert await renewal.sweep(running, PORTAL, OPENS_AT) == told
    assert (await notices(running)).count("renewal_open") == told
    if not told:
        with pytest.raises(Unfit, match="no renewal past it"):
            await renewal.apply(running, "acme-2", "acme", None, "renewal", OPENS_AT)
