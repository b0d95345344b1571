"""How people write an instant on a command line."""

from datetime import date, datetime
from typing import Any

import click

from contract_gate.calendar import YEARS, day_start


class Instant(click.ParamType[datetime]):
    """An instant with its offset from UTC, or a day: its beginning in Japan."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if len(value) == len("2027-05-01"):
                found = day_start(date.fromisoformat(value))
            else:
                found = datetime.fromisoformat(value)
        except (ValueError, OverflowError):  # the first day of all has no beginning in UTC
            self.fail(f"'{value}' is no instant: write 2027-05-01T09:00:00+09:00, or 2027-05-01", param, ctx)
        if found.tzinfo is None:
            self.fail(f"'{value}' has no offset: write {value}+09:00 or {value}Z", param, ctx)
        if found.year not in YEARS:
            self.fail(f"'{value}' lies outside the years {YEARS.start} to {YEARS.stop - 1}", param, ctx)
        return found
