"""`keiyaku gate`: what the gate would answer, and suspensions of the service."""

from datetime import datetime

import click

from acme_server.commands.output import show_json, show_one, show_rows
from acme_server.commands.running import Instant, Names, as_json, chosen_settings, operating
from acme_server.groups import Group
from ca.profiles import Profile, first_offered, offered
from office.use_cases import changes
from office.use_cases.explain import explain as explained
from office.use_cases.forecast import forecast as forecasted
from sql import Conn


@click.group(cls=Group)
def gate() -> None:
    """What the contract gate says, and suspensions of the service."""


@gate.command("explain")
@click.option("--contract", required=True, help="Handle or id.")
@click.option("--key", "kid", help="As if asked with this key; the newest live one unless given.")
@click.option("--names", type=Names(), default="", help="Those of the contract, unless given.")
@click.option("--at", type=Instant(), help="Instant or day; now, unless given.")
@as_json
@operating
async def explain(
    conn: Conn,
    now: datetime,
    contract: str,
    kid: str | None,
    names: tuple[str, ...],
    at: datetime | None,
    as_json: bool,
) -> None:
    """What the gate would answer, and what each of its rules says.

    Of an instant to come it says what `gate forecast` does: `assumed` tells what is taken to be so till then.
    """
    at = at or now
    said = await explained(conn, contract, kid, names, at, profile(), ahead=at > now)
    if as_json:
        show_json(said)
        return
    show_one(said, as_json=False)
    click.echo(f"names: {', '.join(said.names)}\n")
    show_rows(said.rules, ("gate", "rule", "clause", "result", "note"), as_json=False)


@gate.command("forecast")
@click.option("--at", type=Instant(), required=True, help="Instant or day to come.")
@as_json
@operating
async def forecast(conn: Conn, now: datetime, at: datetime, as_json: bool) -> None:
    """Who will be blocked then, and by which gate, if nothing changes and nobody pays."""
    blocked = [each async for each in forecasted(conn, at, now, profile())]
    show_rows(blocked, ("contract", "gate", "case"), as_json)


def profile() -> Profile:
    """What an order that names no profile would get here."""
    return first_offered(offered(chosen_settings().ca.profiles))


@gate.command("suspend")
@click.option("--clause", type=click.Choice(changes.CLAUSES), required=True, help="The clause that it rests on.")
@click.option("--cause", required=True, help="Why, in words of the CA.")
@click.option("--from", "starts_at", type=Instant(), help="Now, unless given.")
@click.option("--until", "ends_at", type=Instant(), help="Unknown, unless given.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@operating
async def suspend(
    conn: Conn,
    now: datetime,
    clause: str,
    cause: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    person: str,
) -> None:
    """Stop issuance for every contract; status and revocation go on."""
    click.echo(await changes.suspend(conn, clause, cause, starts_at or now, ends_at, person, now))


@gate.command("resume")
@click.argument("suspension")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@operating
async def resume(conn: Conn, now: datetime, suspension: str, person: str) -> None:
    """End a suspension."""
    await changes.resume(conn, suspension, person, now)
    click.echo(f"suspension {suspension} has ended")


@gate.command("suspensions")
@as_json
@operating
async def suspensions(conn: Conn, now: datetime, as_json: bool) -> None:
    """Suspensions that have not ended, planned ones included."""
    columns = ("id", "clause", "cause", "starts_at", "ends_at", "set_by")
    show_rows(await changes.suspensions(conn, now), columns, as_json)
