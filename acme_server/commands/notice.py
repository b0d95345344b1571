"""`keiyaku notice`: what was sent, what a person must send, what mail servers reported (Article 5)."""

from datetime import date, datetime
from typing import BinaryIO

import click

from acme_server.commands.output import show_one, show_rows, text
from acme_server.commands.running import Day, as_json, by, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import letters, notices, service_end
from office.use_cases.notify import LANGUAGES
from office.use_cases.wording import CERTIFICATES
from sql import Conn

COLUMNS = ("id", "kind", "contract", "recipient", "channel", "state", "queued_at", "delivered_at", "last_error")


@click.group(cls=Group)
def notice() -> None:
    """Notices to customers and officers, and their delivery."""


@notice.command("list")
@click.argument("contract", required=False)
@click.option("--state", type=click.Choice(notices.STATES), help="person: those that somebody must act on.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str | None, state: str | None, as_json: bool) -> None:
    """Deliveries of a contract, or of all, newest first."""
    show_rows(await notices.listed(conn, contract, state), COLUMNS, as_json)


@notice.command("show")
@click.argument("delivery")
@click.option("--html", "as_html", is_flag=True, help="A letter on paper, as a page to print.")
@as_json
@operating
async def show(conn: Conn, now: datetime, delivery: str, as_html: bool, as_json: bool) -> None:
    """One delivery and what it says."""
    if as_html:
        click.echo(await letters.page(conn, delivery))
        return
    show_one(await notices.shown(conn, delivery), as_json)


@notice.command("retry")
@click.argument("delivery")
@operating
async def retry(conn: Conn, now: datetime, delivery: str) -> None:
    """Try an e-mail or a posting again that waits for a person."""
    await notices.retry(conn, delivery, now)
    click.echo(f"delivery {delivery} is tried again")


@notice.command("posted")
@click.argument("delivery")
@click.option("--on", "posted_on", type=Day(), required=True, help="The day it was posted.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who posted it.")
@operating
async def posted(conn: Conn, now: datetime, delivery: str, posted_on: date, person: str) -> None:
    """Record that a letter was posted; it counts as delivered some bank days later."""
    click.echo(f"delivered from {text(await notices.posted(conn, delivery, posted_on, person, now))}")


@notice.command("bounce")
@click.argument("report", type=click.File("rb"), default="-")
@operating
async def bounce(conn: Conn, now: datetime, report: BinaryIO) -> None:
    """Take in a delivery status notification (RFC 3464) from a file or standard input."""
    found = await notices.take_report(conn, report.read(notices.LARGEST_REPORT + 1), now)
    click.echo(f"delivery {found.id}: {found.state}, bounced {text(found.bounced_at)}")


@notice.command("contact")
@click.argument("customer")
@click.option("--language", type=click.Choice(LANGUAGES), help="The language of its letters.")
@click.option("--postal-address", help="In one line; '' for none from now on.")
@click.option("--email", help="Where its e-mails go from now on.")
@by
@operating
async def contact(
    conn: Conn,
    now: datetime,
    customer: str,
    language: str | None,
    postal_address: str | None,
    email: str | None,
    person: str | None,
) -> None:
    """Set how a customer wants to be written to; what is not given stays. The contact counts as good again."""
    await notices.set_contact(conn, customer, language, postal_address, now, email=email, person=person)
    click.echo(f"contact of {customer} is set")


@notice.command("recipient")
@click.argument("contract")
@click.option("--role", type=click.Choice(notices.ROLES), required=True, help="Who they are.")
@click.option("--name", required=True, help="How they are addressed.")
@click.option("--email", required=True, help="Where letters go.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="ja", show_default=True, help="The language of its letters."
)
@by
@operating
async def recipient(
    conn: Conn, now: datetime, contract: str, role: str, name: str, email: str, language: str, person: str | None
) -> None:
    """Set a payer or dealer who is told of a contract's money too."""
    await notices.set_recipient(conn, contract, role, name, email, language, now, person)
    click.echo(f"{role} of {contract} is set")


@notice.command("service-end")
@click.option("--cause", required=True, help="Why the service ends.")
@click.option("--on", "ends_on", type=Day(), required=True, help="The day at whose beginning the service ends.")
@click.option(
    "--certificates",
    type=click.Choice(tuple(CERTIFICATES)),
    required=True,
    help="Whether certificates stay until they end, or are revoked.",
)
@first_person
@second_person
@operating
async def decide_end(
    conn: Conn, now: datetime, cause: str, ends_on: date, certificates: str, first: str, second: str
) -> None:
    """Two people decide the end of the service; everybody is told."""
    await service_end.decide(conn, cause, ends_on, certificates, first, second, now)
    click.echo(f"the service ends on {ends_on}")


@notice.command("service-end-check")
@as_json
@operating
async def check_end(conn: Conn, now: datetime, as_json: bool) -> None:
    """Whom the notice of the service's end reached, and whether all were told in time."""
    show_rows(await service_end.told(conn), ("customer", "delivered_at"), as_json)
    if not as_json:
        click.echo(f"everybody was told in time for {await service_end.check_end(conn)}")
