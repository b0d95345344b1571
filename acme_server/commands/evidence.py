"""`keiyaku evidence`: what was decided, and whether the record of it is whole (design §6)."""

import asyncio
from pathlib import Path

import asyncpg
import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from acme_server import evidence_key, evidence_verify
from acme_server.clock import utc_now
from acme_server.commands.output import show_json, show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.config import Settings
from acme_server.database import dsn_of, within
from acme_server.groups import Group
from office.use_cases import evidence as recorded
from sql import Conn


@click.group(cls=Group)
def evidence() -> None:
    """The record of every decision."""


@evidence.command("list")
@click.argument("contract", required=False)
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@as_json
@operating
async def listed(conn: Conn, now: object, contract: str | None, last: int, as_json: bool) -> None:
    """Decisions about a contract, or all."""
    columns = ("recorded_at", "kind", "contract", "actor", "content")
    show_rows(await recorded.listed(conn, contract, last), columns, as_json)


@evidence.command("init")
def init() -> None:
    """Make the sealer's key in evidence.key_file, once, on the machine of the worker. A key there is never replaced."""
    settings = chosen_settings()
    file = within(settings, settings.evidence.key_file)
    try:
        evidence_key.create(file)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already, and seals what it has sealed: nothing was made") from None
    except OSError as fault:
        raise click.ClickException(f"no key was made in {file}: {fault.strerror}") from None
    click.echo(f"made {file}; keep a copy where nobody of the database comes")


@evidence.command("verify")
@click.option("--checkpoints", type=click.Path(path_type=Path), help="The file outside the database; of the settings.")
@click.option("--public-key", type=click.Path(path_type=Path, exists=True), help="PEM; else that of evidence.key_file.")
@as_json
def verify(checkpoints: Path | None, public_key: Path | None, as_json: bool) -> None:
    """Compare all evidence with the signed checkpoints; names every row that was changed or is missing."""
    settings = chosen_settings()
    file = checkpoints or within(settings, settings.evidence.checkpoint_file)
    key = key_of(settings, public_key)
    try:
        report = asyncio.run(evidence_verify.verify(dsn_of(settings, "operator"), file, key, utc_now()))
    except FileNotFoundError:
        raise click.ClickException(
            f"there is no {file}: nothing was sealed yet (the first checkpoint comes about a second after"
            " `keiyaku work` starts), or the file was removed, or --checkpoints must name another"
        ) from None
    except (OSError, asyncpg.PostgresError) as error:
        raise click.ClickException(f"cannot compare the database with {file}: {error}") from error
    if as_json:
        show_json(report)
    else:
        show_rows(report.problems, ("kind", "subject", "detail"), as_json=False)
        click.echo(f"{report.records} records, {report.checkpoints} checkpoints, {report.omitted} more problems")
    if not report.intact:
        raise click.ClickException("the evidence is not whole")


def key_of(settings: Settings, public_key: Path | None) -> Ed25519PublicKey:
    """The key that checkpoints must be signed with. Raises ClickException."""
    try:
        if public_key is None:
            return evidence_key.load(within(settings, settings.evidence.key_file)).public_key()
        found = load_pem_public_key(public_key.read_bytes())
    except (evidence_key.KeyUnusable, ValueError, OSError) as error:
        raise click.ClickException(f"{error}; name the public key with --public-key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise click.ClickException(f"{public_key} is no Ed25519 public key")
    return found
