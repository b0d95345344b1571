"""`keiyaku ca`: the CA's keys and certificates."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

import asyncpg
import click

from acme_server.clock import utc_now
from acme_server.commands.output import show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.config import Settings
from acme_server.database import dsn_of, within
from acme_server.groups import Group
from ca import hierarchy, status_storage, storage
from ca.hierarchy import AlreadyThere, Names
from ca.issuers import shown
from sql import Conn

RESPONDERS = 100
COLUMNS = ("number", "name", "state", "issues_from", "issued_until", "crls", "crls_until", "not_after", "revoked_at")


@click.group(cls=Group)
def ca() -> None:
    """Keys and certificates of the CA."""


@ca.command()
@click.option("--country", default="JP", show_default=True, help="Two letters, of the CA's organisation.")
@click.option("--organization", required=True, help="The CA's organisation, as its certificates name it.")
@click.option("--root", required=True, help="Common name of the root.")
@click.option("--issuing", required=True, help="Common name of the issuing CA.")
def init(country: str, organization: str, root: str, issuing: str) -> None:
    """Make a root and an issuing CA: encrypted keys in ca.folder, certificates and first CRLs in the database.

    The passphrase is read from ca.passphrase_file. Nothing that exists is overwritten.
    """
    settings = chosen_settings()
    names = Names(country, organization, root, issuing, str(settings.status.base_url))
    try:
        made = asyncio.run(
            hierarchy.init(
                within(settings, settings.ca.folder),
                dsn_of(settings, "operator"),
                passphrase_of(settings),
                names,
                utc_now(),
            )
        )
    except (AlreadyThere, OSError, asyncpg.PostgresError) as fault:
        raise click.ClickException(f"no CA was made: {fault}") from None
    click.echo(f"made {made.name}; keys in {within(settings, settings.ca.folder)}")


@ca.command("list")
@as_json
@operating
async def list_issuing(conn: Conn, now: datetime, as_json: bool) -> None:
    """Issuing CAs: which one issues, from when the next will, and until when each still owes its CRLs."""
    show_rows(shown(await storage.issuing(conn), now), COLUMNS, as_json)


@ca.command()
@as_json
@operating
async def responders(conn: Conn, _now: datetime, as_json: bool) -> None:
    """OCSP responders, the newest first: each has its key in the memory of one signer process."""
    rows = await status_storage.responders(conn, RESPONDERS)
    show_rows(rows, ("issuer_id", "serial", "held_by", "not_before", "not_after"), as_json)


def passphrase_of(settings: Settings) -> bytes:
    """The passphrase of the key files; never from the command line."""
    file: Path = within(settings, settings.ca.passphrase_file)
    try:
        passphrase = file.read_bytes().strip()
    except OSError as fault:
        raise click.ClickException(
            f"ca.passphrase_file {file} cannot be read: {os.strerror(fault.errno or 0)}"
        ) from None
    if len(passphrase) < 12:
        raise click.ClickException(f"ca.passphrase_file {file} holds fewer than 12 characters")
    return passphrase
