"""`keiyaku certificate`: look up and revoke certificates. Article 11."""

from datetime import datetime
from pathlib import Path

import click

from acme_server.commands.output import print_table, show_json, show_one, show_rows, table
from acme_server.commands.revocation import executed, show_standing
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from acme_server.groups import Group
from office.storage.revocations import Scope
from office.use_cases import case_decisions, cases, certificates
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening, scope_of
from sql import Conn

CERTIFICATE = ("serial", "contract", "names", "not_before", "not_after", "revoked_at", "reason", "published_at")


@click.group(cls=Group)
def certificate() -> None:
    """Certificates of contracts."""


def key_text(value: str | None) -> bytes | None:
    """The key that an option names: a digest, or a PEM file."""
    if value is None:
        return None
    return certificates.key_of(Path(value).read_text("ascii", "replace") if Path(value).is_file() else value)


async def chosen(
    conn: Conn, contract: str | None, customer: str | None, key: str | None, serials: tuple[str, ...],
    issuer: str | None = None,
) -> Scope:  # fmt: skip
    """What the options choose."""
    return await scope_of(conn, contract, customer, key_text(key), [certificates.serial_of(s) for s in serials], issuer)


@certificate.command("list")
@click.option("--contract", help="Those of a contract.")
@click.option("--customer", help="Those of a customer.")
@click.option("--key", metavar="SHA256|FILE", help="SHA-256 of the public key, or a PEM file.")
@click.option("--all", "dead", is_flag=True, help="Expired and revoked ones too.")
@as_json
@operating
async def listed(
    conn: Conn, now: datetime, contract: str | None, customer: str | None, key: str | None, dead: bool, as_json: bool
) -> None:
    """Certificates of a contract, a customer or a key, newest first."""
    if [contract, customer, key].count(None) != 2:
        raise Unfit("say whose to list: exactly one of --contract, --customer and --key")
    found = await certificates.listed(conn, await chosen(conn, contract, customer, key, ()), now, dead)
    show_rows(found, CERTIFICATE, as_json)


@certificate.command("show")
@click.argument("serial")
@as_json
@operating
async def show(conn: Conn, now: datetime, serial: str, as_json: bool) -> None:
    """A certificate with the instants of request, revocation, publication and reissue."""
    show_one(await certificates.shown(conn, serial), as_json)


@certificate.command("revoke")
@click.argument("serials", nargs=-1)
@click.option("--contract", help="Those of a contract.")
@click.option("--customer", help="Those of a customer.")
@click.option("--key", metavar="SHA256|FILE", help="SHA-256 of the public key, or a PEM file.")
@click.option("--issuer", metavar="NAME", help="All of an issuing CA, whose key is compromised (A11.4.8).")
@click.option(
    "--ground",
    type=click.Choice(cases.OPENED),
    default="request",
    show_default=True,
    help="Why: a ground of Article 11 or of the CP/CPS.",
)
@click.option("--underlying", type=click.Choice(cases.OPENED), help="What lies under guideline_ignored.")
@click.option("--reason", "code", type=int, help="The code that the customer asks for: 0, 1, 3, 4 or 5.")
@click.option("--reporter", help="Who asks or reports. Needed with --execute.")
@click.option("--note", help="Why. Needed with --execute.")
@click.option("--received", type=Instant(), help="When it was received; now, unless given.")
@click.option("--by", "first", metavar="PERSON", help="Who decides. Needed with --execute.")
@click.option("--and", "second", metavar="PERSON", help="The other one who decides. Needed with --execute.")
@click.option("--execute", is_flag=True, help="Revoke. Without it nothing is written.")
@as_json
@operating
async def revoke(
    conn: Conn, now: datetime, serials: tuple[str, ...], contract: str | None, customer: str | None, key: str | None,
    issuer: str | None, ground: str, underlying: str | None, code: int | None, reporter: str | None, note: str | None,
    received: datetime | None, first: str | None, second: str | None, execute: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show what would be revoked and by when; with --execute two people decide it and it is revoked."""
    scope = await chosen(conn, contract, customer, key, serials, issuer)
    if not execute:
        plan = await cases.plan(conn, ground, underlying, scope, received or now, now)
        if as_json:
            show_json(plan)
            return
        print_table(table(plan.live, ("serial", "contract", "names", "not_after")))
        print_table(table(plan.covered, ("handle", "state", "certificates")))
        show_one(plan, False)
        click.echo("nothing is revoked: add --execute, --by, --and, --reporter and --note")
        return
    if first is None or second is None or reporter is None or note is None:
        raise Unfit("--execute needs --by, --and, --reporter and --note")
    known: cases.Known = "request" if ground.endswith("asked") or ground == "request" else "recorded"
    opening = Opening(ground, scope, reporter, note, received or now, known, underlying, code)
    made = await cases.open_case(conn, opening, now)
    await case_decisions.decide(conn, str(made.case.id), first, second, note, now)
    show_standing(await executed(conn, str(made.case.id), now), as_json)


@certificate.command()
@click.argument("serial")
@click.option("--since", type=Instant(), required=True, help="When the key was compromised, as was proven later.")
@click.option("--note", required=True, help="What proves it.")
@first_person
@second_person
@as_json
@operating
async def compromised(
    conn: Conn, now: datetime, serial: str, since: datetime, note: str, first: str, second: str, as_json: bool
) -> None:
    """Two people move the date of a revocation for a compromised key back to the compromise; CRL and OCSP follow."""
    show_one(await certificates.date_compromise(conn, serial, since, first, second, note, now), as_json)
