"""`keiyaku reading`: what was adopted where the Terms leave a choice (R-n), as dated rows."""

from datetime import datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import readings
from sql import Conn


@click.group(cls=Group)
def reading() -> None:
    """Readings of the Terms, where they can be read in more than one way."""


@reading.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every reading that has a key, what is in force and what is to come."""
    show_rows(await readings.listed(conn, now), ("key", "value", "since", "to_come"), as_json)


@reading.command("set")
@click.argument("key", type=click.Choice(readings.KEYS))
@click.argument("value")
@click.option("--from", "effective_at", type=Instant(), help="Now, unless given; never before.")
@first_person
@second_person
@operating
async def set_one(
    conn: Conn, now: datetime, key: str, value: str, effective_at: datetime | None, first: str, second: str
) -> None:
    """Two people change a reading; contracts and invoices keep what was in force when they were made."""
    await readings.set_reading(conn, key, value, effective_at or now, first, second, now)
    click.echo(f"{key} is {value} from {(effective_at or now).isoformat()} on")
