"""`keiyaku contract`: from application to end. CONTRACT is a handle or an id."""

from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import click

from acme_server.commands.key import AWAITS_NOTICE
from acme_server.commands.output import heading, show_json, show_one, show_rows
from acme_server.commands.running import (
    Day,
    Instant,
    as_json,
    chosen_settings,
    first_person,
    operating,
    second_person,
)
from acme_server.groups import Group
from contract_gate.articles.article_11_revocation import RESCISSION
from office.storage.contracts import Subject
from office.use_cases import acceptance, application, changes, contracts, ending, register
from office.use_cases.acceptance import Access
from office.use_cases.names import KINDS
from sql import Conn

COLUMNS = ("number", "handle", "customer", "customer_name", "state", "accepted_at", "first_certificate_at", "end_cause")
DETAILS = {
    "names": ("kind", "value", "added_at"),
    "review": ("kind", "verdict", "obtained_on", "source", "checked_by"),
    "keys": ("kid", "label", "names", "uses", "expires_at", "withdrawn_at"),
    "invoices": ("number", "kind", "due_on", "total_yen", "open_yen"),
    "changes": ("id", "item", "in_certificate", "learned_at"),
}
name_kind = click.option("--kind", type=click.Choice(KINDS), help="By its form, unless given: domain for all under it.")


@click.group(cls=Group)
def contract() -> None:
    """Contracts and what is recorded for them."""


@contract.command("create")
@click.argument("handle")
@click.option("--customer", required=True, help="Handle of the customer.")
@click.option("--plan", required=True, help="Handle of the plan; its price and numbers are frozen (A8.1).")
@as_json
@operating
async def create(conn: Conn, now: datetime, handle: str, customer: str, plan: str, as_json: bool) -> None:
    """Record an application."""
    show_one(await contracts.create(conn, handle, customer, plan, now), as_json)


@contract.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every contract."""
    show_rows(await contracts.listed(conn), COLUMNS, as_json)


@contract.command("show")
@click.argument("contract")
@as_json
@operating
async def show(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """A contract with its names, review, keys, invoices and changes, and whether it is on hold."""
    found = await contracts.dossier(conn, contract)
    if as_json:
        show_json(found)
        return
    show_one(found.contract, as_json=False)
    click.echo("on hold" if found.held else "no hold")
    if found.awaits_notice:
        click.echo(AWAITS_NOTICE.format(contract=contract))
    for part, columns in DETAILS.items():
        click.echo(f"\n{heading(part)}")
        show_rows(getattr(found, part), columns, as_json=False)


@contract.command("accept")
@click.argument("contract")
@first_person
@second_person
@as_json
@operating
async def accept(conn: Conn, now: datetime, contract: str, first: str, second: str, as_json: bool) -> None:
    """Two people accept the application: the contract is formed and its customer told."""
    settings = chosen_settings()
    access = Access(f"{settings.acme.base_url}/directory", str(settings.office.base_url))
    show_one(await acceptance.accept(conn, contract, first, second, access, now), as_json)


@contract.command("cancel")
@click.argument("contract")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who asks for the customer.")
@as_json
@operating
async def cancel(conn: Conn, now: datetime, contract: str, person: str, as_json: bool) -> None:
    """The customer cancels (A11.2): no certificate any more."""
    show_one(await ending.cancel(conn, contract, person, now), as_json)


@contract.command("rescind")
@click.argument("contract")
@click.option("--clause", type=click.Choice(RESCISSION), required=True, help="Why; A13.1 needs a confirmed finding.")
@first_person
@second_person
@as_json
@operating
async def rescind(
    conn: Conn, now: datetime, contract: str, clause: str, first: str, second: str, as_json: bool
) -> None:
    """Two people rescind it without demand: no certificate any more."""
    show_one(await ending.rescind(conn, contract, clause, first, second, now), as_json)


@contract.command("name-add")
@click.argument("contract")
@click.argument("name")
@name_kind
@as_json
@operating
async def name_add(conn: Conn, now: datetime, contract: str, name: str, kind: str | None, as_json: bool) -> None:
    """Add a host, wildcard, domain or network to the names of the application."""
    show_one(await application.add_name(conn, contract, name, kind, now), as_json)


@contract.command("name-remove")
@click.argument("contract")
@click.argument("name")
@name_kind
@as_json
@operating
async def name_remove(conn: Conn, now: datetime, contract: str, name: str, kind: str | None, as_json: bool) -> None:
    """Remove a name: no later certificate holds it."""
    show_one(await application.remove_name(conn, contract, name, kind, now), as_json)


@contract.command("consent")
@click.argument("contract")
@click.option("--terms", required=True, help="Version of the Terms.")
@click.option("--cps", required=True, help="Version of the CP/CPS.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who consented.")
@click.option(
    "--channel",
    type=click.Choice(application.CHANNELS),
    default="web",
    show_default=True,
    help="How the customer agreed.",
)
@click.option("--at", "consented_at", type=Instant(), help="When; now, unless given.")
@operating
async def consent(
    conn: Conn,
    now: datetime,
    contract: str,
    terms: str,
    cps: str,
    person: str,
    channel: str,
    consented_at: datetime | None,
) -> None:
    """Record what the customer agreed to."""
    await application.consent(conn, contract, terms, cps, person, channel, consented_at or now, now)
    click.echo(f"consent to terms {terms} and cps {cps} recorded for {contract}")


@contract.command("review")
@click.argument("contract")
@click.argument("kind", type=click.Choice(application.REVIEWS))
@click.argument("verdict", type=click.Choice(application.VERDICTS))
@click.option("--source", required=True, help="Where the data came from.")
@click.option("--obtained", "obtained_on", type=Day(), required=True, help="Day the data was obtained, JST.")
@click.option("--criteria", required=True, help="Version of the review criteria.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who checked it.")
@operating
async def review(
    conn: Conn,
    now: datetime,
    contract: str,
    kind: str,
    verdict: str,
    source: str,
    obtained_on: date,
    criteria: str,
    person: str,
) -> None:
    """Record an item of the review."""
    item = application.Review(kind, criteria, source, obtained_on, verdict)
    await application.review(conn, contract, item, person, now)
    click.echo(f"{kind} of {contract}: {verdict}, data of {obtained_on}")


@contract.command("subject")
@click.argument("contract")
@click.option("--organization", required=True, help="Name as reviewed.")
@click.option("--country", required=True, help="Two capital letters.")
@click.option("--state", "state_or_province", help="State or prefecture (ST).")
@click.option("--locality", help="City or ward (L).")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who checked it.")
@operating
async def subject(
    conn: Conn,
    now: datetime,
    contract: str,
    organization: str,
    country: str,
    state_or_province: str | None,
    locality: str | None,
    person: str,
) -> None:
    """Record what certificates say of the organisation."""
    reviewed = Subject(organization, country, state_or_province, locality)
    await application.subject(conn, contract, reviewed, person, now)
    click.echo(f"certificates of {contract} name {organization}, {country}")


@contract.command("change")
@click.argument("contract")
@click.option("--item", type=click.Choice(changes.ITEMS), required=True, help="What changed.")
@click.option("--in-certificate/--not-in-certificate", required=True, help="Whether certificates show it.")
@operating
async def change(conn: Conn, now: datetime, contract: str, item: str, in_certificate: bool) -> None:
    """Record that information of the customer changed."""
    click.echo(await changes.report(conn, contract, item, in_certificate, now))


@contract.command("change-resolve")
@click.argument("change")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who settled it.")
@operating
async def change_resolve(conn: Conn, now: datetime, change: str, person: str) -> None:
    """A change is settled and blocks nothing any more."""
    await changes.resolve(conn, change, person, now)
    click.echo(f"change {change} is resolved")


@contract.command("text-add")
@click.argument("kind", type=click.Choice(register.TEXT_KINDS))
@click.argument("version")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", required=True, help="Where customers read it.")
@click.option("--effective", "effective_at", type=Instant(), required=True, help="The instant from which it counts.")
@as_json
@operating
async def text_add(
    conn: Conn, now: datetime, kind: str, version: str, file: Path, url: str, effective_at: datetime, as_json: bool
) -> None:
    """Add a version of the Terms or the CP/CPS, by the hash of its file."""
    text = register.text(kind, version, sha256(file.read_bytes()).digest(), url, effective_at)
    show_one(await register.add_text(conn, text, now), as_json)


@contract.command("texts")
@as_json
@operating
async def texts(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every version of the Terms and the CP/CPS."""
    show_rows(await register.texts(conn), ("kind", "version", "effective_at", "url", "sha256"), as_json)
