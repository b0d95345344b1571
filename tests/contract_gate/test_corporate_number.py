"""Digits of corporate and registration numbers: the vectors of business-formats §2."""

import pytest

from contract_gate.corporate_number import is_corporate_number, is_registration_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("7000012050002", True, id="T4-3 the tax agency"),
        pytest.param("4011001098993", True, id="T4-3 sum 59"),
        pytest.param("7123456789012", True, id="T4-3 sum 74"),
        pytest.param("7010705000725", True, id="T4-3 sum 29"),
        pytest.param("1234567890123", False, id="T4-3 sum 72"),
        pytest.param("9876543210987", False, id="T4-3 sum 88"),
        pytest.param("700001205000", False, id="T4-3 twelve digits"),
        pytest.param("７000012050002", False, id="T4-3 a wide digit"),
    ],
)
def test_corporate_number(text: str, expected: bool) -> None:
    assert is_corporate_number(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("T1234567890123", True), ("1234567890123", False), ("T0" + "1" * 12, False)]
)
def test_registration_number(text: str, expected: bool) -> None:
    assert is_registration_number(text) is expected
