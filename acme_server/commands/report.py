"""`keiyaku report`: problem reports, taken at any hour and answered within 24 hours (BR 4.9.3, 4.9.5)."""

from datetime import datetime
from pathlib import Path

import click

from acme_server.commands.certificate import key_text
from acme_server.commands.output import show_one, show_rows
from acme_server.commands.revocation import show_standing
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.storage.reports import NewReport
from office.use_cases import cases, certificates, compromise, reports
from sql import Conn

REPORT = ("id", "reporter", "received_at", "preliminary_at", "case_ids", "what")
officer = click.option("--by", "person", required=True, metavar="PERSON", help="The officer.")


@click.group(cls=Group)
def report() -> None:
    """Problem reports about certificates."""


@report.command("take")
@click.argument("serials", nargs=-1, required=True)
@click.option("--reporter", required=True, help="Who reports.")
@click.option("--email", required=True, help="Where the preliminary report goes.")
@click.option("--what", required=True, help="What is wrong with the certificates.")
@click.option("--received", type=Instant(), help="When it was received; now, unless given.")
@officer
@as_json
@operating
async def take(
    conn: Conn, now: datetime, serials: tuple[str, ...], reporter: str, email: str, what: str,
    received: datetime | None, person: str, as_json: bool,
) -> None:  # fmt: skip
    """Take a report; its 24 hours run from its receipt."""
    new = NewReport(reporter, email, what, [certificates.serial_of(s) for s in serials], received or now)
    show_one(await reports.take(conn, new, person, now), as_json)


@report.command("compromise")
@click.option(
    "--proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A CSR with the fixed name, or a public key in PEM.",
)
@click.option(
    "--signature",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the key signed of the fixed statement, beside a public key.",
)
@click.option("--reporter", required=True, help="Who reports.")
@click.option("--email", required=True, help="Where the preliminary report goes.")
@as_json
@operating
async def compromised(
    conn: Conn, now: datetime, proof: Path, signature: Path | None, reporter: str, email: str, as_json: bool
) -> None:
    """A key proven to be compromised: it is blocked, and its certificates are revoked within 24 hours."""
    found = compromise.proof_of(proof.read_bytes(), signature.read_bytes() if signature else None)
    show_one(await compromise.report(conn, found, reporter, email, now), as_json)


@report.command("answer")
@click.argument("report")
@click.option("--findings", required=True, help="What is known so far: it goes into the letters.")
@officer
@as_json
@operating
async def answer(conn: Conn, now: datetime, report: str, findings: str, person: str, as_json: bool) -> None:
    """Send the preliminary report to the reporter and the subscribers."""
    show_one(await reports.answer(conn, report, findings, person, now), as_json)


@report.command("lead")
@click.argument("report")
@click.argument("ground", type=click.Choice(cases.OPENED))
@click.option("--key", metavar="SHA256|FILE", help="The compromised key.")
@click.option("--contract", help="Which of its contracts, for a ground that ends contracts; a case for each.")
@officer
@as_json
@operating
async def lead(
    conn: Conn, now: datetime, report: str, ground: str, key: str | None, contract: str | None, person: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Open a case from a report; its clock counts from the receipt of the report."""
    show_standing(await reports.lead(conn, report, ground, person, now, key_text(key), contract), as_json)


@report.command("close")
@click.argument("report")
@officer
@as_json
@operating
async def close(conn: Conn, now: datetime, report: str, person: str, as_json: bool) -> None:
    """An answered report is done."""
    show_one(await reports.close(conn, report, person, now), as_json)


@report.command("show")
@click.argument("report")
@as_json
@operating
async def show(conn: Conn, now: datetime, report: str, as_json: bool) -> None:
    """A report."""
    show_one(await reports.named(conn, report), as_json)


@report.command("list")
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, closed: bool, as_json: bool) -> None:
    """Open reports, the earliest received first."""
    show_rows(await reports.listed(conn, closed), REPORT, as_json)
