"""`keiyaku proposal`: decisions of two people that one of them proposed through the API."""

from datetime import datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.groups import Group
from office.use_cases import proposals
from office.use_cases.acceptance import Access
from sql import Conn

COLUMNS = ("id", "kind", "contract", "arguments", "proposed_by", "state", "expires_at", "confirmed_by")


@click.group(cls=Group)
def proposal() -> None:
    """What one person proposed through the API, for another to confirm; holds are compliance's."""


@proposal.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Proposals, newest first."""
    show_rows(await proposals.at_desk(conn, now), COLUMNS, as_json)


@proposal.command("confirm")
@click.argument("proposal")
@click.option("--by", "person", required=True, metavar="PERSON", help="Another one than who proposed it.")
@as_json
@operating
async def confirm(conn: Conn, now: datetime, proposal: str, person: str, as_json: bool) -> None:
    """Confirm a proposal: it is decided at once, or nothing is."""
    settings = chosen_settings()
    access = Access(f"{settings.acme.base_url}/directory", str(settings.office.base_url))
    show_one(await proposals.confirm_at_desk(conn, proposal, person, access, now), as_json)
