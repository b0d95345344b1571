"""`keiyaku leak`, `liability`, `subcontractor`, `consultation` and `retention` (Articles 16, 17, 25 and 28)."""

from datetime import date, datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Day, Instant, as_json, chosen_settings, operating
from acme_server.database import make_pool
from acme_server.groups import Group
from contract_gate.articles.article_25_liability import EXCLUSIONS
from office.use_cases import consultation as consultations
from office.use_cases import leaks, subcontracting
from office.use_cases import liability as proposals
from office.use_cases import retention as retentions
from sql import Conn

LEAK = ("id", "found_at", "malicious", "affected", "preliminary_due_at", "preliminary_at", "final_due_at", "final_at")
PROPOSED = (
    "contract", "incident_on", "damage_yen", "received_fee_yen", "ceiling_yen", "proposed_yen", "excluded_by",
    "answered_by", "proposed_at",
)  # fmt: skip
ITEM = click.Choice(EXCLUSIONS)
officer = click.option("--by", "person", required=True, metavar="PERSON", help="The officer.")


@click.group(cls=Group)
def leak() -> None:
    """Leaks of personal data and their two reports."""


@leak.command("record")
@click.option("--found", "found_at", type=Instant(), required=True, help="When the CA found it.")
@click.option("--malicious/--not-malicious", required=True, help="The final report is due in 60 days, or in 30.")
@click.option("--affected", required=True, help="Whose data, how many, of what kind; no names.")
@click.option("--measures", required=True, help="What was done about it.")
@click.option("--customer", "customers", multiple=True, help="A customer who is told; again for another.")
@officer
@operating
async def leak_record(
    conn: Conn, now: datetime, found_at: datetime, malicious: bool, affected: str, measures: str,
    customers: tuple[str, ...], person: str,
) -> None:  # fmt: skip
    """Record a leak: the clocks of its reports run and these customers are told."""
    click.echo(await leaks.record(conn, found_at, malicious, affected, measures, customers, person, now))


@leak.command("report")
@click.argument("leak")
@click.option("--final", is_flag=True, help="The final report; else the preliminary one.")
@officer
@operating
async def leak_report(conn: Conn, now: datetime, leak: str, final: bool, person: str) -> None:
    """The preliminary or final report was made."""
    await leaks.report(conn, leak, final, person, now)
    click.echo(f"leak {leak}: the {'final' if final else 'preliminary'} report is made")


@leak.command("list")
@as_json
@operating
async def leak_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Leaks, open ones first."""
    show_rows(await leaks.listed(conn), LEAK, as_json)


@click.group(cls=Group)
def liability() -> None:
    """What the CA may have to pay for a damage."""


@liability.command("propose")
@click.argument("contract")
@click.option("--incident", "incident_on", type=Day(), required=True, help="The day of the incident.")
@click.option("--damage", "damage_yen", type=int, required=True, help="Proven direct ordinary damage, yen.")
@click.option("--applies", type=ITEM, multiple=True, metavar="ITEM", help="An exclusion that applies; again for more.")
@click.option(
    "--not-applies", type=ITEM, multiple=True, metavar="ITEM", help="One that does not: all eleven are asked."
)
@officer
@as_json
@operating
async def propose(
    conn: Conn, now: datetime, contract: str, incident_on: date, damage_yen: int, applies: tuple[str, ...],
    not_applies: tuple[str, ...], person: str, as_json: bool,
) -> None:  # fmt: skip
    """Record a proposal: the ceiling is computed, the exclusions of A25.1.1 to A25.1.11 are answered."""
    made = await proposals.propose(conn, contract, incident_on, damage_yen, applies, not_applies, person, now)
    show_one(made, as_json)


@liability.command("list")
@click.argument("contract", required=False)
@as_json
@operating
async def liability_list(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """Proposals for a contract, or all, newest first."""
    show_rows(await proposals.listed(conn, contract), PROPOSED, as_json)


@click.group(cls=Group)
def subcontractor() -> None:
    """Who works for the CA under contract."""


@subcontractor.command("add")
@click.argument("organisation")
@click.option("--role", type=click.Choice(subcontracting.ROLES), required=True, help="What they do for the CA.")
@click.option("--from", "from_on", type=Day(), required=True, help="The first day.")
@officer
@operating
async def subcontractor_add(
    conn: Conn, now: datetime, organisation: str, role: str, from_on: date, person: str
) -> None:  # fmt: skip
    """Add one: people of that organisation act as its staff, in the evidence too."""
    click.echo(await subcontracting.add(conn, organisation, role, from_on, person, now))


@subcontractor.command("end")
@click.argument("organisation")
@click.option("--until", "until_on", type=Day(), required=True, help="Its last day.")
@officer
@operating
async def subcontractor_end(conn: Conn, now: datetime, organisation: str, until_on: date, person: str) -> None:
    """Record its last day."""
    await subcontracting.end(conn, organisation, until_on, person, now)
    click.echo(f"{organisation} works for the CA until {until_on}")


@subcontractor.command("list")
@as_json
@operating
async def subcontractor_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """By organisation, those that ended too."""
    columns = ("organisation", "role", "from_on", "until_on", "persons")
    show_rows(await subcontracting.listed(conn), columns, as_json)


@click.group(cls=Group)
def consultation() -> None:
    """Doubt or dispute (Article 28): reminders and revocation for non-payment pause."""


@consultation.command("start")
@click.argument("contract")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--owner", required=True, metavar="PERSON", help="Who sees to it.")
@click.option("--review", "review_on", type=Day(), required=True, help="The day to look again.")
@officer
@operating
async def start(
    conn: Conn, now: datetime, contract: str, reason: str, owner: str, review_on: date, person: str
) -> None:  # fmt: skip
    """Hold a consultation over a contract; it opens and shuts no gate."""
    click.echo(await consultations.hold(conn, contract, reason, owner, review_on, person, now))


@consultation.command("review")
@click.argument("contract")
@click.option("--next", "review_on", type=Day(), required=True, help="The next day to look again.")
@officer
@operating
async def review(conn: Conn, now: datetime, contract: str, review_on: date, person: str) -> None:
    """It was looked at and goes on."""
    await consultations.review(conn, contract, review_on, person, now)
    click.echo(f"the consultation over {contract} goes on until {review_on}")


@consultation.command("end")
@click.argument("contract")
@officer
@operating
async def end(conn: Conn, now: datetime, contract: str, person: str) -> None:
    """It pauses nothing any more."""
    await consultations.end(conn, contract, person, now)
    click.echo(f"the consultation over {contract} has ended")


@consultation.command("list")
@as_json
@operating
async def consultation_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Those held, the nearest review first."""
    columns = ("contract", "reason", "owner", "review_on", "set_at")
    show_rows(await consultations.listed(conn), columns, as_json)


@click.group(cls=Group)
def retention() -> None:
    """Why personal data is kept, and how long."""


@retention.command("list")
@as_json
@operating
async def retention_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Purpose and retention of every field, and how much of it was destroyed so far."""
    columns = ("field", "purpose", "years", "since", "destroyed", "last_destroyed_at")
    show_rows(await retentions.table(conn), columns, as_json)


@retention.command("destroyed")
@as_json
@operating
async def retention_destroyed(conn: Conn, now: datetime, as_json: bool) -> None:
    """What was destroyed when, newest first."""
    show_rows(await retentions.destructions(conn), ("destroyed_at", "field", "rows"), as_json)


@retention.command("run")
@operating
async def retention_run(conn: Conn, now: datetime) -> None:
    """Destroy what is past its retention now, as the worker's job does every six hours."""
    async with await make_pool(chosen_settings(), "office", size=1) as office:
        click.echo(f"fields destroyed, each with a record: {await retentions.sweep(office, now)}")
