"""No certificate without an applicant who agreed, asked and was reviewed (BR 3.2, 4.1)."""

import pytest

from contract_gate.decision import Admitted, Case, Refused
from contract_gate.facts import Facts, LoadedFacts
from contract_gate.gate import decide
from tests.conftest import NOW
from tests.contract_gate.arrange import facts, wanted


def asked(given: Facts) -> Admitted | Refused:
    return decide(LoadedFacts(given, b""), wanted(), NOW)


@pytest.mark.std("C-001", "C-011")
@pytest.mark.parametrize(
    ("change", "case"),
    [({"consent": None}, Case.NO_CONSENT), ({"binding": None}, None), ({"review": ()}, Case.REVIEW_INCOMPLETE),
     ({"subject": None}, Case.REVIEW_INCOMPLETE)],
)  # fmt: skip
def test_consent_a_bound_account_and_a_review_are_asked_each_time(change: dict[str, object], case: Case | None) -> None:
    assert isinstance(asked(facts()), Admitted)
    answer = asked(facts(**change))
    assert isinstance(answer, Refused)
    assert case in (None, answer.case)
