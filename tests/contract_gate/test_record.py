"""A recorded decision can be made again from its record alone."""

from uuid import UUID

import pytest

from contract_gate.decision import Admitted, Refused
from contract_gate.facts import Facts
from contract_gate.gate import decide
from contract_gate.record import recorded, replay
from tests.contract_gate.arrange import GOOD, NOW, facts, loaded, wanted

ID = UUID(int=99)


@pytest.mark.parametrize("known", [pytest.param(GOOD, id="admitted"), pytest.param(facts(consent=None), id="refused")])
def test_replay_gives_the_decision_that_was_recorded(known: Facts) -> None:
    answer = decide(loaded(known), wanted("www.demo.test", "*.demo.test", not_after=NOW.replace(year=2027)), NOW)
    row = recorded(ID, answer, "finalize")
    assert replay(row) == answer
    assert (row.outcome == "admitted") is isinstance(answer, Admitted)
    assert row.names == ("www.demo.test", "*.demo.test")


def test_a_stranger_has_no_record() -> None:
    answer = decide(loaded(facts(contract=None, binding=None)), wanted(), NOW)
    assert isinstance(answer, Refused)
    with pytest.raises(ValueError, match="known contract"):
        recorded(ID, answer, "new_order")
