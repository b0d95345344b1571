"""`keiyaku incident`: many certificates revoked for one cause: planned, carried out at a pace, rehearsed (C-166)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from acme_server.clock import utc_now
from acme_server.commands.certificate import key_text
from acme_server.commands.output import print_table, show_json, show_one, show_rows, table, text
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from acme_server.config_source import convert
from acme_server.groups import Group
from office.storage.incidents import Incident, Query
from office.use_cases import incident_steps, incidents
from office.use_cases.asked import Unfit
from office.use_cases.certificates import serial_of
from office.use_cases.incidents import Pace, Plan, Report, Standing
from sql import Conn

INCIDENT = ("id", "title", "drill", "ground", "certificates", "deadline_at", "begun_at", "finished_at", "published_at")
COUNT = ("contract", "certificates", "first_expiry", "windows", "revoked", "published", "replaced")
LONGEST_LIST = 64 * 2**20
officer = click.option("--by", "person", required=True, metavar="PERSON", help="The officer.")


class Span(click.ParamType[timedelta]):
    """A span such as 6h or 90m."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            found = value if isinstance(value, timedelta) else convert(timedelta, value)
            assert isinstance(found, timedelta)  # what `convert` makes of text for that type
            return found
        except ValueError:
            self.fail(f"'{value}' is no span: write 6h, 90m or 0s", param, ctx)


QUERY = (
    click.option("--profile", help="Of this profile."),
    click.option("--from", "since", type=Instant(), help="Issued from then on."),
    click.option("--until", type=Instant(), help="Issued before."),
    click.option("--key", metavar="SHA256|FILE", help="With this public key."),
    click.option("--method", help="Of an order with a name validated by this type of challenge, such as http-01."),
    click.option("--contract", help="Of this contract."),
    click.option("--serials", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="One a line."),
)
rate = click.option("--rate", default=20, show_default=True, help="Certificates revoked a second.")


def querying(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say which certificates; all that are given must fit."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(QUERY), command)


async def query_of(conn: Conn, given: dict[str, Any]) -> Query:
    """What the options ask for. Raises Unfit."""
    listed = serials_of(given["serials"]) if given["serials"] is not None else None
    return Query(
        given["profile"], given["since"], given["until"], key_text(given["key"]), given["method"],
        await incidents.contract_id(conn, given["contract"]), listed, given["contract"],
    )  # fmt: skip


def serials_of(path: Path) -> list[bytes]:
    """The serial numbers of a file, each once; what stands behind a # is a remark. Raises Unfit."""
    if path.stat().st_size > LONGEST_LIST:
        raise Unfit(f"{path} is longer than {LONGEST_LIST} octets: split it")
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8", "replace").splitlines())
    return sorted({serial_of(line) for line in lines if line})


@click.group(cls=Group)
def incident() -> None:
    """Many certificates revoked for one cause."""


def show_standing(found: Standing, as_json: bool) -> None:
    """An incident, and its counts by contract."""
    if as_json:
        show_json(found)
        return
    show_one(found.incident, False)
    click.echo(f"revoked {found.revoked} of {found.incident.certificates}")
    print_table(table((found.counts or [])[:100], COUNT))


@contextmanager
def progress(total: int) -> Iterator[incident_steps.Told]:
    """A bar on a terminal; tells it after each step."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("telling clients", total=total)

        def told(found: Incident, done: int) -> None:
            waiting = found.next_at is not None and not done and found.next_at > utc_now()
            doing = "clients renew" if waiting else "revoking" if found.windows_at else "telling clients"
            bar.update(task, completed=done, description=doing)

        yield told


async def driven(conn: Conn, found: Incident) -> None:
    """The incident goes on until it is done or paused, shown as it goes."""
    with progress(found.certificates) as told:
        await incident_steps.drive(conn, found, utc_now, told)


@incident.command("plan")
@click.option("--title", required=True, help="What it is called.")
@click.option(
    "--ground", type=click.Choice(incidents.CAUSES), required=True, help="Why: a ground of Article 11 or of the CP/CPS."
)
@click.option("--known", type=Instant(), required=True, help="Since when the CA knows: its clock runs from then.")
@click.option("--explanation", required=True, metavar="URL", help="A page for clients that ask when to renew.")
@querying
@officer
@as_json
@operating
async def planned(
    conn: Conn, now: datetime, /, title: str, ground: str, known: datetime, explanation: str, person: str,
    as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Store the frozen list of what must be revoked, with counts and deadline. Nothing is revoked."""
    wanted = Plan(title, ground, known, explanation)
    show_standing(await incidents.plan(conn, wanted, await query_of(conn, given), person, now), as_json)


@incident.command("show")
@click.argument("incident")
@as_json
@operating
async def show(conn: Conn, now: datetime, incident: str, as_json: bool) -> None:
    """An incident and its counts by contract."""
    show_standing(await incidents.standing(conn, incident), as_json)


@incident.command("run")
@click.argument("incident")
@rate
@click.option("--wait", type=Span(), default="6h", show_default=True, help="For clients to renew by themselves.")
@click.option("--execute", is_flag=True, help="Carry it out, or go on with it. Without it nothing is done.")
@click.option("--by", "first", metavar="PERSON", help="Who decides. Needed to begin.")
@click.option("--and", "second", metavar="PERSON", help="The other one who decides. Needed to begin.")
@click.option("--reason", help="Needed to begin.")
@as_json
@operating
async def run(
    conn: Conn, now: datetime, incident: str, rate: int, wait: timedelta, execute: bool, first: str | None,
    second: str | None, reason: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what would be done by when; with --execute two people decide it, and it is done."""
    pace, found = Pace(rate, wait), await incidents.named(conn, incident)
    if not execute:
        if found.begun_at is None:
            found = await incidents.fit(conn, incident, pace, now)
            until = text(incidents.published_by(found, pace, now))
            click.echo(f"nothing is done. Published by {until}: add --execute, --by, --and and --reason", err=True)
        show_standing(await incidents.standing(conn, incident), as_json)
        return
    if found.begun_at is None:
        if first is None or second is None or reason is None:
            raise Unfit("to begin it, --execute needs --by, --and and --reason")
        found = await incidents.begin(conn, incident, first, second, reason, pace, now)
    elif found.paused_at is not None:
        if first is None or reason is None:
            raise Unfit("it is paused: to go on, --execute needs --by and --reason")
        found = await incidents.resume(conn, incident, first, reason, now)
    click.echo("`keiyaku work` goes on with it, too: this command may be ended", err=True)
    await driven(conn, found)
    show_standing(await incidents.standing(conn, incident), as_json)


@incident.command("pause")
@click.argument("incident")
@click.option("--reason", required=True, help="Why: it stays on record.")
@officer
@as_json
@operating
async def pause(conn: Conn, now: datetime, incident: str, reason: str, person: str, as_json: bool) -> None:
    """Stop it, here and in `keiyaku work`; its clock runs on. `run --execute` goes on with it."""
    show_one(await incidents.pause(conn, incident, person, reason, now), as_json)


def against(found: Report) -> str:
    """How long it took, in whole seconds, and whether that was in time."""
    return f"{timedelta(seconds=int(found.took.total_seconds()))}, {'in time' if found.in_time else 'TOO LATE'}"


@incident.command("report")
@click.argument("incident")
@as_json
@operating
async def report(conn: Conn, now: datetime, incident: str, as_json: bool) -> None:
    """The incident against its clock: from the CA's knowledge to the CRL that shows the last revocation."""
    found = await incidents.report(conn, incident, now)
    if as_json:
        show_json(found)
        return
    show_one(found.incident, False)
    show_one(found.span, False)
    click.echo(f"known to published {against(found)}")
    print_table(table(found.counts[:100], COUNT))


@incident.command("drill")
@click.option("--title", default="yearly drill", show_default=True, help="What it is called.")
@click.option(
    "--ground",
    type=click.Choice(incidents.CAUSES),
    default="misissued",
    show_default=True,
    help="Why: a ground of Article 11 or of the CP/CPS.",
)
@querying
@click.option("--rate", default=100, show_default=True, help="Certificates marked a second.")
@first_person
@second_person
@as_json
@operating
async def drill(
    conn: Conn,
    now: datetime,
    /,
    title: str,
    ground: str,
    rate: int,
    first: str,
    second: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Rehearse it on a copy of the list. No window, certificate or CRL is touched, and nobody is told."""
    wanted = Plan(title, ground, now, None)
    made = await incidents.plan(conn, wanted, await query_of(conn, given), first, now, drill=True)
    pace, name = Pace(rate, timedelta(0)), str(made.incident.id)
    await driven(conn, await incidents.begin(conn, name, first, second, title, pace, now))
    found = await incidents.report(conn, name, utc_now())
    if as_json:
        show_json(found)
        return
    show_one(found.incident, False)
    click.echo(f"a drill: nothing was revoked. {found.incident.certificates} would be published in {against(found)}")


@incident.command("list")
@click.option("--all", "finished", is_flag=True, help="Finished ones too.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, finished: bool, as_json: bool) -> None:
    """Incidents and drills under way, the newest first."""
    show_rows(await incidents.listed(conn, finished), INCIDENT, as_json)
