"""`keiyaku plan`: what contracts cost and hold, and when a plan is on offer."""

from datetime import datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import plans
from sql import Conn


@click.group(cls=Group)
def plan() -> None:
    """Plans and their prices."""


@plan.command("add")
@click.argument("handle")
@click.argument("name")
@click.option("--fee", "fee_yen", type=int, required=True, help="Yen for the term, without tax.")
@click.option("--months", "term_months", type=int, default=12, show_default=True, help="The term of its contracts.")
@click.option("--names", "names_max", type=int, required=True, help="How many names.")
@click.option("--from", "offered_from", type=Instant(), help="On offer from then on; now, unless given.")
@as_json
@operating
async def add(
    conn: Conn, now: datetime, handle: str, name: str, fee_yen: int, term_months: int, names_max: int,
    offered_from: datetime | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a plan. It never changes: a new price is a new plan."""
    wanted = plans.plan(handle, name, fee_yen, term_months, names_max, now)
    show_one(await plans.add(conn, wanted, offered_from or now, now), as_json)


@plan.command("close")
@click.argument("handle")
@click.option("--at", "offered_until", type=Instant(), help="No application from then on; now, unless given.")
@operating
async def close(conn: Conn, now: datetime, handle: str, offered_until: datetime | None) -> None:
    """Take a plan off offer; running contracts keep it."""
    await plans.close(conn, handle, offered_until or now, now)
    click.echo(f"plan {handle} is on offer no more")


@plan.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every plan."""
    columns = ("handle", "name", "fee_yen", "term_months", "names_max", "offered_from", "offered_until")
    show_rows(await plans.listed(conn), columns, as_json)
