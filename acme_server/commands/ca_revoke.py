"""`keiyaku ca revoke` and `keiyaku ca revocations`: two people revoke an issuing CA."""

from datetime import datetime

import click

from acme_server.clock import utc_now
from acme_server.commands.output import show_rows
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from ca.authority_grounds import GROUNDS, WORDS
from office.use_cases import authority_revocation as use_case
from office.use_cases.asked import Unfit, two_persons
from sql import Conn

WORD = "revoke"
COLUMNS = ("name", "cross_id", "serial", "root", "ground", "reason", "decided_at", "compromise_decided_at",
           "deadline_at", "published_at")  # fmt: skip


@click.command("revoke")
@click.argument("named", metavar="NAME|SERIAL")
@click.option("--ground", required=True, type=click.Choice(tuple(GROUNDS)), help="Which item of BR 4.9.1.2.")
@click.option("--reason", type=click.Choice([str(each) for each in WORDS]), help="CRLReason, if the ground leaves one.")
@click.option("--known", "known_at", type=Instant(), required=True, help="When the CA was asked, or knew.")
@click.option("--note", required=True, help="What was found; it stays in the database.")
@first_person
@second_person
@operating
async def revoke(
    conn: Conn, now: datetime, named: str, ground: str, reason: str | None, known_at: datetime, note: str, first: str,
    second: str,
) -> None:  # fmt: skip
    """Revoke an issuing CA: NAME is all its certificates, cross certificates too, SERIAL is one of them.

    Both agree by typing revoke. From then on it issues nothing, and nothing undoes it. One that was revoked for
    another reason is named again with the ground compromise when its key proves to be. The root's next CRL says so:
    hold `keiyaku ca root-crl`. What the issuing CA signed is revoked with `keiyaku certificate revoke --issuer`.
    """
    people = await two_persons(conn, first, second)
    chosen = None if reason is None else int(reason)
    intent = await use_case.intend(conn, named, ground, chosen, known_at, note, people, now)
    click.echo(intent.text)
    for person in people:
        if click.prompt(f"   {person.handle}, type {WORD} to agree", default="", show_default=False) != WORD:
            raise Unfit(f"{person.handle} did not agree: nothing was revoked")
    await use_case.decide(conn, intent, utc_now())
    for root in sorted({each.row.root_id for each in intent.certificates}):
        click.echo(f"revoked; now hold `keiyaku ca root-crl --issuer {root}`")


@click.command("revocations")
@as_json
@operating
async def revocations(conn: Conn, _now: datetime, as_json: bool) -> None:
    """Revoked certificates of issuing CAs, the newest first; published_at is when the root's CRL said so."""
    show_rows(await use_case.listing(conn), COLUMNS, as_json)
