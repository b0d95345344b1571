"""A reviewed name that no certificate can hold is refused when people record it, never cut. C-089, C-094."""

import pytest

from office.storage.contracts import Subject
from office.use_cases import application
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW


@pytest.mark.std("C-089", "C-094")
async def test_a_name_of_64_characters_is_recorded_as_it_is_and_a_longer_one_refused(applied: Conn, pool: Pool) -> None:
    newest = "SELECT organization FROM gate.reviewed_subjects ORDER BY recorded_at DESC, id DESC LIMIT 1"
    name = "株式会社" + "例" * 60
    await application.subject(applied, "acme", Subject(name, "JP", "東京都", None), "ann", NOW)
    assert await pool.fetchval(newest) == name
    with pytest.raises(Unfit, match="1 to 64 characters"):
        await application.subject(applied, "acme", Subject(name + "例", "JP", "東京都", None), "ann", NOW)
    assert await pool.fetchval(newest) == name
