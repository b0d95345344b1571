"""Corporate numbers (法人番号) and invoice registration numbers (登録番号): what their digits prove. T4-3.

The check digit proves typing, not existence.
"""

import re

CORPORATE = re.compile(r"[1-9][0-9]{12}")
REGISTRATION = re.compile(r"T[1-9][0-9]{12}")


def check_digit(base: str) -> int:
    """The digit that goes before a base number of twelve digits: 9 less the weighted sum modulo 9."""
    weighted = sum(int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(base)))
    return 9 - weighted % 9


def is_corporate_number(text: str) -> bool:
    """Whether it has thirteen digits, none leading 0, and the right check digit."""
    return CORPORATE.fullmatch(text) is not None and int(text[0]) == check_digit(text[1:])


def is_registration_number(text: str) -> bool:
    """Whether it has the form of an invoice registration number. Of no corporation, it needs no check digit."""
    return REGISTRATION.fullmatch(text) is not None
