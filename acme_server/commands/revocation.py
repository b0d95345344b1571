"""`keiyaku revocation`: cases under Article 11, from the first word to the CRL."""

import sys
from datetime import datetime

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from acme_server.commands.output import print_table, show_json, show_one, show_rows, table, text
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import case_decisions, cases, revocations
from office.use_cases.cases import Standing
from sql import Conn

CASE = ("id", "ground", "contracts", "customer", "received_at", "state", "deadline_at", "revoked")


@click.group(cls=Group)
def revocation() -> None:
    """Cases of revocation: opened, decided, executed, published."""


def show_standing(found: Standing, as_json: bool) -> None:
    """A case, its clock, and what it would still revoke."""
    if as_json:
        show_json(found)
        return
    show_one(found.case, False)
    click.echo(f"clause {found.clause}, code {found.code or 'none'}")
    click.echo(f"contracts {text(found.case.contracts)}")
    if found.case.notices:
        print_table(table(found.case.notices, ("contract", "notice_id", "late")))
    if found.live:
        print_table(table(found.live, ("serial", "contract", "names", "not_after")))


async def executed(conn: Conn, case: str, now: datetime) -> Standing:
    """The case after its execution, shown as it goes."""
    before = await cases.standing(conn, case, now)
    total = sum(each.certificates for each in before.covered)
    columns = TextColumn("revoking"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("revoking", total=total)
        found = await revocations.execute(conn, case, now, lambda done: bar.update(task, completed=done))
    if found.case.state == "executing":
        click.echo("notices before it are on their way; `keiyaku work` revokes as soon as each has left", err=True)
    return found


@revocation.command("list")
@click.option("--all", "done", is_flag=True, help="Published and closed ones too.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, done: bool, as_json: bool) -> None:
    """Cases that are not done, the earliest received first."""
    show_rows(await cases.listed(conn, done), CASE, as_json)


@revocation.command("status")
@click.argument("case")
@as_json
@operating
async def status(conn: Conn, now: datetime, case: str, as_json: bool) -> None:
    """A case, its deadline, and what it would still revoke."""
    show_standing(await cases.standing(conn, case, now), as_json)


@revocation.command("case")
@click.argument("ground", type=click.Choice(cases.OPENED))
@click.option("--contract", required=True, help="The contract it is about.")
@click.option("--reporter", required=True, help="Who asks for it, or says so.")
@click.option("--note", required=True, help="What is known: it stays on record.")
@click.option("--received", type=Instant(), help="When the CA received it; now, unless given.")
@click.option("--known", type=click.Choice(cases.KNOWN), help="How the CA knows since then; a default is none.")
@click.option("--underlying", type=click.Choice(cases.OPENED), help="What lies under guideline_ignored.")
@click.option("--cps-demands", is_flag=True, help="The CP/CPS demands it: a clock runs (A11.4.5, A11.4.6).")
@as_json
@operating
async def opened(
    conn: Conn, now: datetime, ground: str, contract: str, reporter: str, note: str, received: datetime | None,
    known: cases.Known | None, underlying: str | None, cps_demands: bool, as_json: bool,
) -> None:  # fmt: skip
    """Open a case over a contract; it revokes nothing."""
    scope = await cases.scope_of(conn, contract, None, None, [])
    opening = cases.Opening(
        ground, scope, reporter, note, received or now, known, underlying, cps_demands=cps_demands
    )  # fmt: skip
    show_standing(await cases.open_case(conn, opening, now), as_json)


@revocation.command("learn")
@click.argument("case")
@click.option("--known", type=click.Choice(cases.KNOWN), required=True, help="How the CA came to know.")
@click.option("--at", "at", type=Instant(), required=True, help="When it knew.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@as_json
@operating
async def learn(conn: Conn, now: datetime, case: str, known: str, at: datetime, person: str, as_json: bool) -> None:
    """Record how else the CA knew; only an earlier instant moves the deadline."""
    show_standing(await cases.learn(conn, case, known, at, person, now), as_json)


@revocation.command("decide")
@click.argument("case")
@click.option("--reason", required=True, help="Why: it stays on record.")
@first_person
@second_person
@as_json
@operating
async def decide(
    conn: Conn, now: datetime, case: str, reason: str, first: str, second: str, as_json: bool
) -> None:  # fmt: skip
    """Two people decide to revoke what the case covers."""
    show_standing(await case_decisions.decide(conn, case, first, second, reason, now), as_json)


@revocation.command("materiality")
@click.argument("case")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--confirm", type=Instant(), help="The deadline as shown without this option.")
@first_person
@second_person
@as_json
@operating
async def materiality(
    conn: Conn, now: datetime, case: str, reason: str, confirm: datetime | None, first: str, second: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Two people record a material breach; first see the deadline that follows from it."""
    if confirm is None:
        until = await case_decisions.material_deadline(conn, case, now)
        click.echo(f"nothing is recorded. To be published by {text(until)}: confirm it with")
        click.echo(f"--confirm {until.isoformat(timespec='seconds')}")
        return
    show_standing(await case_decisions.record_material(conn, case, first, second, reason, confirm, now), as_json)


@revocation.command("withdraw")
@click.argument("case")
@click.option("--reason", required=True, help="Why: it stays on record.")
@first_person
@second_person
@as_json
@operating
async def withdraw(
    conn: Conn, now: datetime, case: str, reason: str, first: str, second: str, as_json: bool
) -> None:  # fmt: skip
    """Two people withdraw decision and materiality as erroneous."""
    show_standing(await case_decisions.withdraw(conn, case, first, second, reason, now), as_json)


@revocation.command("execute")
@click.argument("case")
@as_json
@operating
async def execute(conn: Conn, now: datetime, case: str, as_json: bool) -> None:
    """Revoke what a decided case covers, or go on where it was interrupted."""
    show_standing(await executed(conn, case, now), as_json)


@revocation.command("close")
@click.argument("case")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@operating
async def close(conn: Conn, now: datetime, case: str, reason: str, person: str) -> None:
    """An officer looked at it; an open case ends without a revocation."""
    await cases.close(conn, case, person, reason, now)
    click.echo(f"case {case} is closed")
