import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.revocation import parse_reason
from tests.acme_server.protocol.clients import attempt, refused


@pytest.mark.std("A-184")
@pytest.mark.rule("T11-8")
@pytest.mark.parametrize(("value", "code"), [(None, None), (0, None), (1, 1), (3, 3), (4, 4), (5, 5)])
def test_reasons_a_customer_may_give(value: int | None, code: int | None) -> None:
    assert parse_reason(value) == code


@pytest.mark.std("A-183")
@pytest.mark.rule("T11-8")
@pytest.mark.parametrize("value", [2, 6, 7, 8, 9, 10, 11, -1, 255, 10**30])
def test_other_reasons_are_refused_with_the_list(value: int) -> None:
    with refused(ErrorType.BAD_REVOCATION_REASON, "1 (keyCompromise), 3 (affiliationChanged), 4 (superseded), 5"):
        parse_reason(value)


@given(st.integers())
def test_any_number_is_a_reason_or_refused(value: int) -> None:
    found = attempt(lambda: parse_reason(value))
    assert isinstance(found, AcmeError) or found in (None, 1, 3, 4, 5)
