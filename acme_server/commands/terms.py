"""`keiyaku terms`: new versions of the Terms (Article 20)."""

import hashlib
from datetime import datetime
from typing import BinaryIO

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import terms as use_case
from office.use_cases.asked import Unfit
from office.use_cases.terms import Version
from sql import Conn

LARGEST = 10 * 1024 * 1024


@click.group(cls=Group)
def terms() -> None:
    """Versions of the Terms, announced before they count."""


@terms.command("announce")
@click.argument("version")
@click.option("--file", "file", type=click.File("rb"), required=True, help="The new text, for its hash.")
@click.option("--url", required=True, help="Where the new text stands.")
@click.option("--change", required=True, help="What changes, in one line.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--effective", "effective_at", type=Instant(), required=True, help="The instant from which it counts.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@operating
async def announce(
    conn: Conn, now: datetime, version: str, file: BinaryIO, url: str, change: str, reason: str,
    effective_at: datetime, person: str,
) -> None:  # fmt: skip
    """Announce a version on the web and by e-mail; it counts from its instant, if that was delivered in time."""
    octets = file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise Unfit(f"{file.name} is larger than {LARGEST} octets")
    sha256 = hashlib.sha256(octets).digest()
    new = Version(version, sha256, url, change, reason, effective_at)
    click.echo(f"announced by notice {await use_case.announce(conn, new, person, now)}")


@terms.command("withdraw")
@click.argument("version")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@operating
async def withdraw(conn: Conn, now: datetime, version: str, person: str) -> None:
    """Withdraw a version whose announcement is not delivered yet."""
    await use_case.withdraw(conn, version, person, now)
    click.echo(f"Terms {version} are withdrawn")


@terms.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Announced versions, newest first."""
    columns = ("version", "change", "effective_at", "delivered_at", "announced_at", "withdrawn_at")
    show_rows(await use_case.listed(conn), columns, as_json)
