"""Six-digit dates of bank files (business-formats §1.1)."""

from datetime import date
from functools import lru_cache

from contract_gate.formats.receipt import DateMode

REIWA, HEISEI, CENTURY = 2018, 1988, 2000  # what is added to a year of the era
FARTHEST = 400  # days


@lru_cache(maxsize=4096)
def dated(digits: str, import_on: date, mode: DateMode) -> date | None:
    """The day that YYMMDD names: of the eras the one nearest the day of import; None when it is no day near it."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    bases = (REIWA, HEISEI) if mode == "era" else (CENTURY,)
    found = [candidate for base in bases if (candidate := _day(year + base, month, day)) is not None]
    nearest = min(found, key=lambda candidate: abs(candidate - import_on), default=None)
    return nearest if nearest is not None and abs((nearest - import_on).days) <= FARTHEST else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
