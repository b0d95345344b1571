"""`keiyaku evidence bundle` and `verify-bundle`: why one certificate was allowed, for an auditor to check offline."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

import click

from acme_server import bundle_files, checkpoint_file
from acme_server.bundle_files import BundleUnusable
from acme_server.commands.evidence import key_of
from acme_server.commands.output import show_json, show_rows
from acme_server.commands.running import as_json, chosen_settings, operating
from acme_server.database import within
from office.use_cases import bundle as bundles
from office.use_cases.bundle import Draft, Parts
from office.use_cases.bundle_verify import verify
from sql import Conn

SEAL_SECONDS, STEP = 20, 0.25
ACTOR = "operator"


@click.command("bundle")
@click.option("--certificate", "serial", required=True, metavar="SERIAL", help="In hexadecimal.")
@click.option("--checkpoints", type=click.Path(path_type=Path), help="The file outside the database; of the settings.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder, or a new file NAME.zip.")
@operating
async def bundle(conn: Conn, now: datetime, serial: str, checkpoints: Path | None, out: Path) -> None:
    """Write everything that a certificate was issued on, with proof; needs a running sealer."""
    settings = chosen_settings()
    file = checkpoints or within(settings, settings.evidence.checkpoint_file)
    parts = await sealed(await bundles.draft(conn, serial, ACTOR, now), file)
    try:
        bundle_files.write(out, parts)
    except BundleUnusable as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"{len(parts)} parts in {out}: read index.html, check with `keiyaku evidence verify-bundle {out}`")


async def sealed(draft: Draft, file: Path) -> Parts:
    """The whole bundle, once the evidence of its making is sealed. Raises ClickException."""
    for _ in range(int(SEAL_SECONDS / STEP)):
        try:
            if parts := bundles.finished(draft, checkpoint_file.read(file, os.stat(file).st_size)):
                return parts
        except FileNotFoundError:
            pass
        await asyncio.sleep(STEP)
    raise click.ClickException(
        f"{file} has no checkpoint with all of this evidence: run `keiyaku work`, which seals it, and look at"
        " `keiyaku evidence verify`"
    )


@click.command("verify-bundle")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--checkpoints", type=click.Path(path_type=Path, exists=True), help="A copy of the file, to compare too.")
@click.option("--public-key", type=click.Path(path_type=Path, exists=True), help="PEM; else that of evidence.key_file.")
@as_json
def verify_bundle(path: Path, checkpoints: Path | None, public_key: Path | None, as_json: bool) -> None:
    """Check a bundle offline: names what was changed, truncated, added or is missing. Needs no database."""
    key = key_of(chosen_settings(), public_key)
    try:
        parts = bundle_files.read(path)
    except BundleUnusable as fault:
        raise click.ClickException(str(fault)) from None
    filed = checkpoint_file.read(checkpoints, os.stat(checkpoints).st_size) if checkpoints else None
    faults = verify(parts, key, filed)
    if as_json:
        show_json(faults)
    else:
        show_rows(faults, ("subject", "what"), as_json=False)
        click.echo(f"{len(parts)} parts, {len(faults)} faults")
    if faults:
        raise click.ClickException("the bundle is not what was sealed")
