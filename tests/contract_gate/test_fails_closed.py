"""What the gate must not take for granted of its facts, each beside the facts without that fault."""

from datetime import date
from uuid import UUID

import msgspec
import pytest

from contract_gate.decision import Admitted, Gate, Refused
from contract_gate.gate import decide
from tests.contract_gate.arrange import NOW, contract_with, facts, invoice, loaded, wanted


@pytest.mark.rule("T12-2")
@pytest.mark.parametrize("state", ["reviewing", "rejected", "", "ACCEPTED"])
def test_a_contract_in_any_other_state_gives_nothing_whatever_its_dates(state: str) -> None:
    assert isinstance(decide(loaded(contract_with(state="accepted")), wanted(), NOW), Admitted)
    answer = decide(loaded(contract_with(state=state)), wanted(), NOW)
    assert isinstance(answer, Refused)
    assert answer.gate is Gate.G1


@pytest.mark.rule("T8-15")
def test_an_overdue_invoice_of_another_contract_of_the_customer_blocks_nothing() -> None:
    own = invoice(date(2026, 1, 30))
    other = msgspec.structs.replace(own, contract_id=UUID(int=8))
    assert isinstance(decide(loaded(facts(invoices=(own,))), wanted(), NOW), Refused)
    assert isinstance(decide(loaded(facts(invoices=(other,))), wanted(), NOW), Admitted)
