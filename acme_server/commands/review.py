"""`keiyaku review` and `keiyaku screening`: the officers' part of an application."""

from datetime import datetime

import asyncpg
import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import as_json, chosen_settings, first_person, operating, second_person
from acme_server.database import dsn_of
from acme_server.groups import Group
from contract_gate.articles.article_13_antisocial import SUBJECTS
from office.use_cases import acceptance, asked, screening
from office.use_cases import review as reviews
from sql import Conn

officer = click.option("--by", "person", required=True, metavar="PERSON", help="The officer.")


@click.group("review", cls=Group)
def review_group() -> None:
    """The review beside its items: questions, the call-back, rejection."""


@review_group.command("call-back")
@click.argument("contract")
@click.option("--number-from", "number_source", required=True, help="The independent source of the number called.")
@click.option("--confirmed/--not-confirmed", required=True, help="Whether the authority was confirmed.")
@officer
@operating
async def call_back(conn: Conn, now: datetime, contract: str, number_source: str, confirmed: bool, person: str) -> None:
    """Record the call that asks for the applicant's authority."""
    await reviews.call_back(conn, contract, number_source, confirmed, person, now)
    click.echo(f"call-back for {contract}: {'confirmed' if confirmed else 'not confirmed'}")


@review_group.command("approve")
@click.argument("contract")
@click.option("--grounds", required=True, help="Why: it stays on record.")
@officer
@operating
async def approve(conn: Conn, now: datetime, contract: str, grounds: str, person: str) -> None:
    """Accept this kind of organisation (A3.1)."""
    await reviews.approve(conn, contract, grounds, person, now)
    click.echo(f"the organisation of {contract} is approved")


@review_group.command("ask")
@click.argument("contract")
@click.option("--wanted", required=True, help="What the customer is asked for.")
@officer
@operating
async def ask(conn: Conn, now: datetime, contract: str, wanted: str, person: str) -> None:
    """The review waits for the customer."""
    await reviews.ask_customer(conn, contract, wanted, person, now)
    click.echo(f"{contract} waits for its customer")


@review_group.command("resume")
@click.argument("contract")
@officer
@operating
async def resume(conn: Conn, now: datetime, contract: str, person: str) -> None:
    """The customer answered."""
    await reviews.resume(conn, contract, person, now)
    click.echo(f"{contract} is under review")


@review_group.command("reject")
@click.argument("contract")
@click.option("--reason", required=True, help="Reason code.")
@first_person
@second_person
@as_json
@operating
async def reject(conn: Conn, now: datetime, contract: str, reason: str, first: str, second: str, as_json: bool) -> None:
    """Two people reject the application: documents are destroyed, the customer is told."""
    show_one(await acceptance.reject(conn, contract, reason, first, second, now), as_json)


@click.group("screening", cls=Group)
def screening_group() -> None:
    """Screening for anti-social forces (Article 13)."""


@screening_group.command("add")
@click.argument("contract")
@click.argument("role", type=click.Choice(SUBJECTS))
@click.argument("name")
@operating
async def add(conn: Conn, now: datetime, contract: str, role: str, name: str) -> None:
    """Somebody new on the customer's side is to be screened."""
    await screening.add(conn, contract, role, name, now)
    click.echo(f"screening of the {role} is open")


@screening_group.command("clear")
@click.argument("contract")
@click.option("--source", required=True, help="The lists that were looked at.")
@officer
@operating
async def clear(conn: Conn, now: datetime, contract: str, source: str, person: str) -> None:
    """Nobody whose screening is open is on a list."""
    count = await screening.clear(conn, contract, source, person, now)
    click.echo(f"screened without a hit: {count}")


@screening_group.command("hit")
@click.argument("screening_id", metavar="SCREENING")
@click.option("--source", required=True, help="The list that was looked at.")
@click.option("--grounds", required=True, help="Why: it stays on record.")
@officer
@operating
async def hit(conn: Conn, now: datetime, screening_id: str, source: str, grounds: str, person: str) -> None:
    """Compliance records a hit: the contract is held."""
    click.echo(await screening.hit(conn, screening_id, source, grounds, person, now))


@screening_group.command("list")
@click.argument("contract", required=False)
@click.option("--pending", is_flag=True, help="Only those without an answer.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str | None, pending: bool, as_json: bool) -> None:
    """Who is screened; never with what answer."""
    columns = ("id", "contract", "role", "subject", "added_at", "checked_at")
    show_rows(await screening.listed(conn, contract, pending), columns, as_json)


@screening_group.command("findings")
@click.argument("contract")
@as_json
@operating
async def findings(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """Answers, sources and grounds, for compliance: the database lets only keiyaku_compliance read them."""
    key = await asked.contract(conn, contract)
    compliance = await asyncpg.connect(dsn_of(chosen_settings(), "compliance"), timeout=10)
    try:
        found = await screening.findings(compliance, key.id)
    finally:
        await compliance.close()
    show_rows(found, ("id", "role", "subject", "verdict", "source", "grounds", "checked_by"), as_json)
