"""`keiyaku audit`: what auditors look at. Most of it runs as keiyaku_auditor, a role that can only read."""

import json
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import BinaryIO

import click

from acme_server.commands.output import plain, show_rows
from acme_server.commands.running import Instant, as_json, auditing, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import audit as audits
from office.use_cases.asked import Unfit
from office.use_cases.spreadsheets import rows_as_csv
from sql import Conn

KEY_OCTETS, KEY_MOST = 32, 4096
ACCESS = ("kind", "holder", "may", "since", "until", "last_used_on")


@click.group(cls=Group)
def audit() -> None:
    """Who may do what, what changed, whole populations, deadlines."""


@audit.command("access")
@as_json
@auditing
async def access(conn: Conn, now: datetime, as_json: bool) -> None:
    """Who may do what, and the digest that the quarterly review names."""
    listed = await audits.access(conn, now)
    show_rows(listed, ACCESS, as_json)
    click.echo(f"digest {audits.digest_of(listed)}", err=as_json)


@audit.command("review")
@click.argument("digest")
@click.option("--findings", required=True, help="What was found, and what follows.")
@first_person
@second_person
@operating
async def review(conn: Conn, now: datetime, digest: str, findings: str, first: str, second: str) -> None:
    """Record the quarterly review of the list with this digest, by two people."""
    click.echo(await audits.review(conn, first, second, digest, findings, now))


@audit.command("reviews")
@as_json
@auditing
async def reviews(conn: Conn, now: datetime, as_json: bool) -> None:
    """Reviews of who may do what."""
    columns = ("reviewed_at", "first", "second", "entries", "findings")
    show_rows(await audits.reviews(conn), columns, as_json)


@audit.command("leavers")
@as_json
@auditing
async def leavers(conn: Conn, now: datetime, as_json: bool) -> None:
    """Who left, and whether their access was gone within 24 hours."""
    columns = ("person", "left_at", "recorded_by", "removed_at", "removed_by", "in_time")
    show_rows(await audits.leavers(conn, now), columns, as_json)


@audit.command("readings")
@as_json
@auditing
async def readings(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every change of a reading, with the two people who decided it."""
    show_rows(await audits.readings(conn), ("key", "value", "effective_at", "first", "second"), as_json)


@audit.command("export")
@click.argument("population", type=click.Choice(audits.POPULATIONS))
@click.option("--from", "since", type=Instant(), required=True, help="The first instant of the period.")
@click.option("--until", type=Instant(), required=True, help="The first instant after it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="How it is written.",
)
@click.option("--key", type=click.File("rb"), help="32 octets or more: exports under one key have the same pseudonyms.")
@click.option("--identified", is_flag=True, help="Ids in place of pseudonyms.")
@auditing
async def export(
    conn: Conn, now: datetime, population: audits.Population, since: datetime, until: datetime, form: str,
    key: BinaryIO | None, identified: bool,
) -> None:  # fmt: skip
    """Every item of a period, a line each: people and customers by pseudonyms, which hold for this export alone."""
    secret = os.urandom(KEY_OCTETS) if key is None else key.read(KEY_MOST)
    if len(secret) < KEY_OCTETS:
        raise Unfit(f"a key has {KEY_OCTETS} octets or more: without --key one is made for this export")
    rows = audits.population(conn, population, since, until, None if identified else secret, now)
    if form == "jsonl":
        await as_lines(rows)
    elif not await as_csv(rows):
        click.echo(rows_as_csv([await audits.titles(conn, population)]), nl=False)


async def as_lines(rows: AsyncIterator[dict[str, object]]) -> None:
    """A JSON object a line."""
    async for row in rows:
        click.echo(json.dumps(plain(row), ensure_ascii=False))


async def as_csv(rows: AsyncIterator[dict[str, object]]) -> bool:
    """A line of titles, then a line each; lists are parted by spaces. False: there was none, and no titles."""
    first = True
    async for row in rows:
        said = [plain(value) for value in row.values()]
        line = [" ".join(value) if isinstance(value, list) else value for value in said]
        click.echo(rows_as_csv([list(row), line] if first else [line]), nl=False)
        first = False
    return not first
