"""How people write an instant on a command line."""

from datetime import date, datetime
from typing import Any

import click

from contract_gate.calendar import day_start


class Instant(click.ParamType[datetime]):
    """An instant with its offset from UTC, or a day: its beginning in Japan."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if len(value) == len("2027-05-01"):
                return day_start(date.fromisoformat(value))
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no instant: write 2027-05-01T09:00:00+09:00, or 2027-05-01", param, ctx)
        if found.tzinfo is None:
            self.fail(f"'{value}' has no offset: write {value}+09:00 or {value}Z", param, ctx)
        return found
