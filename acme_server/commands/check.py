"""`keiyaku check`: whether a deployment is in order, and what to do where it is not."""

import sys
from datetime import datetime

import click

from acme_server.clock import utc_now
from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.dev import prepare
from acme_server.use_cases.check import LOOKS, faults_of
from acme_server.use_cases.restore import accept_restored
from sql import Conn


@click.command()
@click.option(
    "--restored", is_flag=True, help="Accept a database that was restored from backup, so that issuance goes on."
)
@as_json
@operating
async def check(conn: Conn, now: datetime, restored: bool, as_json: bool) -> None:
    """Find faults of this deployment; exit with 1 when there is one."""
    settings = prepare.with_tls(chosen_settings())
    if restored:
        show_one(await accept_restored(conn, settings.data / settings.evidence.checkpoint_file, now), as_json)
        return
    faults = await faults_of(settings, conn, utc_now)
    if faults or as_json:
        show_rows(faults, ("about", "what", "do"), as_json)
    else:
        click.echo(f"in order: {', '.join(look.__name__.replace('_', ' ') for look in LOOKS)}")
    if faults:
        sys.exit(1)
