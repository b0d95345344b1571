"""What a review leaves on record: which source, by which criteria, obtained when (BR 3.2.2)."""

import pytest

from office.storage import bundles
from office.use_cases import application, contracts
from office.use_cases.asked import Unfit
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import YESTERDAY


@pytest.mark.std("C-002", "C-004", "C-005")
async def test_every_item_of_a_review_says_its_source_and_criteria(reviewed: Conn) -> None:
    for criteria, source in (("", "register"), ("1", "")):
        with pytest.raises(Unfit):
            await application.review(
                reviewed, "acme", application.Review("address", criteria, source, YESTERDAY, "positive"), "ann", NOW
            )
    contract = await contracts.shown(reviewed, "acme")
    found = {item.kind: item for item in await bundles.review(reviewed, contract.id, NOW)}
    assert {"legal_existence", "address"} <= found.keys()
    assert {(item.source, item.criteria_version, item.obtained_on) for item in found.values()} == {
        ("register", "1", YESTERDAY)
    }
