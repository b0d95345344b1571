"""`keiyaku desk`: everything that waits for a person, the nearest deadline first."""

from datetime import date, datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Day, Instant, as_json, operating
from acme_server.groups import Group
from office.storage.desk import Place
from office.use_cases import desk as queue
from sql import Conn

COLUMNS = ("deadline_at", "overdue", "binding", "kind", "subject", "contract", "acting", "ended_by")
kind_of = click.argument("kind", type=click.Choice(sorted(queue.ENDED_BY)))
officer = click.option("--by", "by", required=True, metavar="PERSON", help="Who says so.")


@click.group(invoke_without_command=True, cls=Group)
@click.option("--person", metavar="PERSON", help="What they do today, tasks they stand in for included.")
@click.option("--kind", type=click.Choice(sorted(queue.ENDED_BY)), help="Tasks of this kind alone.")
@click.option("--snoozed", is_flag=True, help="What was put off too.")
@click.option("--most", type=click.IntRange(1, 1000), default=100, show_default=True, help="So many of them at most.")
@click.option("--after", type=(Instant(), str, str), metavar="DEADLINE KIND SUBJECT", help="Go on behind this task.")
@as_json
@click.pass_context
def desk(
    context: click.Context, person: str | None, kind: str | None, snoozed: bool, most: int,
    after: tuple[datetime, str, str] | None, as_json: bool,
) -> None:  # fmt: skip
    """What waits for people; without a command it is listed."""
    if context.invoked_subcommand is None:
        listed(person, kind, snoozed, most, Place(*after) if after else None, as_json)


@operating
async def listed(
    conn: Conn, now: datetime, person: str | None, kind: str | None, snoozed: bool, most: int, after: Place | None,
    as_json: bool,
) -> None:  # fmt: skip
    """The queue."""
    show_rows(await queue.queue(conn, person, snoozed, after, most, now, kind), COLUMNS, as_json)


@desk.command("assign")
@kind_of
@click.argument("subject")
@click.option("--to", required=True, metavar="PERSON", help="Whose it is from now on.")
@officer
@operating
async def assign(conn: Conn, now: datetime, kind: str, subject: str, to: str, by: str) -> None:
    """Make a task somebody's; while they are away it is their deputy's."""
    await queue.assign(conn, kind, subject, to, by, now)
    click.echo(f"{kind} {subject} is {to}'s")


@desk.command("snooze")
@kind_of
@click.argument("subject")
@click.option("--until", type=Instant(), required=True, help="At most 14 days from now.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@officer
@operating
async def snooze(conn: Conn, now: datetime, kind: str, subject: str, until: datetime, reason: str, by: str) -> None:
    """Put a task off, if its deadline is the desk's own."""
    await queue.snooze(conn, kind, subject, until, reason, by, now)
    click.echo(f"{kind} {subject} is put off")


@desk.command("done")
@kind_of
@click.argument("subject")
@click.option("--reason", required=True, help="What was done.")
@officer
@operating
async def done(conn: Conn, now: datetime, kind: str, subject: str, reason: str, by: str) -> None:
    """Say that somebody looked at it, where no other command ends it."""
    await queue.done(conn, kind, subject, reason, by, now)
    click.echo(f"{kind} {subject} is done")


@desk.command("away")
@click.argument("person")
@click.option("--deputy", required=True, metavar="PERSON", help="Who does their tasks meanwhile.")
@click.option("--from", "from_on", type=Day(), required=True, help="The first day.")
@click.option("--until", "until_on", type=Day(), required=True, help="The last day, included.")
@officer
@operating
async def away(
    conn: Conn, now: datetime, person: str, deputy: str, from_on: date, until_on: date, by: str
) -> None:  # fmt: skip
    """Somebody is away; their tasks are their deputy's on these days."""
    await queue.away(conn, person, deputy, from_on, until_on, by, now)
    click.echo(f"{deputy} stands in for {person} from {from_on} to {until_on}")


@desk.command("back")
@click.argument("person")
@officer
@operating
async def back(conn: Conn, now: datetime, person: str, by: str) -> None:
    """Somebody is there again, or does not go."""
    await queue.back(conn, person, by, now)
    click.echo(f"{person} is back")


@desk.command("absences")
@as_json
@operating
async def absences(conn: Conn, now: datetime, as_json: bool) -> None:
    """Who is away or will be, and who stands in."""
    show_rows(await queue.absences(conn, now), ("person", "deputy", "from_on", "until_on"), as_json)
