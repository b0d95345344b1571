"""`keiyaku ct`: Certificate Transparency, as issuance would use it now."""

from datetime import datetime, timedelta

import click

from acme_server.commands.output import show_json, show_one, show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.groups import Group
from acme_server.use_cases.log_list import unseen_key
from acme_server.use_cases.logs_now import logs_now
from ca.ct_publisher import PublisherUnfit
from sql import Conn

COLUMNS = ("log", "operator", "kind", "state", "since", "ends_from", "ends_before", "is_asked", "sct_at")
LONGEST = 398  # days


@click.group(cls=Group)
def ct() -> None:
    """Certificate Transparency: the logs that give SCTs."""


@ct.command()
@click.option(
    "--days", type=click.IntRange(1, LONGEST), help="Of a certificate valid so long; else the first profile's."
)
@click.option("--all", "everything", is_flag=True, help="Also logs that are not asked.")
@as_json
@operating
async def logs(conn: Conn, now: datetime, days: int | None, everything: bool, as_json: bool) -> None:
    """The logs that issuance would ask now, when each last gave an SCT (in a day), and whether they are enough."""
    settings = chosen_settings()
    if not settings.ct.required:
        raise click.ClickException("no certificate gets SCTs here, and no list of logs is read: set ct.required")
    try:
        found = await logs_now(settings, conn, timedelta(days=days) if days else None, now)
    except PublisherUnfit as fault:
        raise click.ClickException(str(fault)) from None
    if found is None:
        raise click.ClickException("there is no list of logs that is believed: `keiyaku check` says why")
    if unseen := unseen_key(settings):
        click.echo(f"the signature of the list was not looked at: this machine has no folder {unseen.parent}", err=True)
    if as_json:
        show_json(found)
        return
    show_one(found, as_json)
    show_rows([one for one in found.logs if everything or one.is_asked], COLUMNS, as_json)
