"""`keiyaku holiday`: days on which banks are closed; a due date on one moves (T8-4)."""

from datetime import date, datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Day, as_json, operating
from acme_server.groups import Group
from contract_gate.calendar import jst_date
from office.use_cases import holidays
from sql import Conn

MOVED = ("due_on", "last_day_before", "last_day", "invoices")


@click.group(cls=Group)
def holiday() -> None:
    """National holidays, which `keiyaku work` records three years ahead."""


@holiday.command("list")
@click.argument("year", type=click.IntRange(1948, 2200), required=False)
@as_json
@operating
async def listed(conn: Conn, now: datetime, year: int | None, as_json: bool) -> None:
    """The holidays of YEAR, else of this one."""
    show_rows(await holidays.listed(conn, year or jst_date(now).year), ("day", "name"), as_json)


@holiday.command("add")
@click.argument("day", type=Day())
@click.argument("name")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@as_json
@operating
async def add(conn: Conn, now: datetime, day: date, name: str, person: str, as_json: bool) -> None:
    """DAY is a holiday too; shows the due dates of open invoices that move."""
    show_rows(await holidays.add(conn, day, name, person, now), MOVED, as_json)


@holiday.command("remove")
@click.argument("day", type=Day())
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@as_json
@operating
async def remove(conn: Conn, now: datetime, day: date, person: str, as_json: bool) -> None:
    """DAY, which is still to come, is no holiday after all; shows the due dates that move."""
    show_rows(await holidays.remove(conn, day, person, now), MOVED, as_json)
