"""Registration numbers of issuers of qualified invoices (登録番号, business-formats.md §2, §4)."""

import re

FORM = re.compile(r"T([1-9])([0-9]{12})")


def well_formed(number: str) -> bool:
    """Whether it is `T` and thirteen digits, the first not 0."""
    return FORM.fullmatch(number) is not None


def corporate_check_digit(base: str) -> int:
    """The check digit of a twelve-digit base number: 9 - (sum of Pn x Qn mod 9), the sum first."""
    weighted = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(base)))
    return 9 - sum(weighted) % 9


def of_corporation(number: str) -> bool:
    """Whether the digits pass the check of a corporate number. Those of other issuers need not: warn, do not refuse."""
    found = FORM.fullmatch(number)
    return found is not None and int(found[1]) == corporate_check_digit(found[2])
