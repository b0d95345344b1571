"""`keiyaku ca root-crl`: two people make the next CRL of a root, once a year."""

import asyncio
from hashlib import sha256
from pathlib import Path

import asyncpg
import click

from acme_server.clock import utc_now
from acme_server.commands.ca import passphrase_of
from acme_server.commands.ceremony import write
from acme_server.commands.running import chosen_settings, connected, first_person, second_person
from acme_server.config import Settings
from ca.ceremony import Vault
from ca.hierarchy import key_file
from ca.keys import FileVault
from office.use_cases import root_crl as use_case
from office.use_cases.asked import Unfit, two_persons

WORD = "root-crl"


@click.command("root-crl")
@click.option("--issuer", type=int, default=0, show_default=True, help="Number of the root.")
@click.option("--root-module", type=click.Path(path_type=Path), help="PKCS#11 library of the root's token, if another.")
@click.option("--root-token", help="Label of the token with the root's key.")
@click.option("--root-pin-file", type=click.Path(path_type=Path), help="File with the PIN of the root's token.")
@click.option("--root-folder", type=click.Path(path_type=Path), help="Folder with the root's key where keys are files.")
@click.option("--transcript", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@first_person
@second_person
def root_crl(
    issuer: int, root_module: Path | None, root_token: str | None, root_pin_file: Path | None,
    root_folder: Path | None, transcript: Path, first: str, second: str,
) -> None:  # fmt: skip
    """Make the next CRL of a root, whose token is brought on line for it.

    What will be signed is recorded and shown, then both people agree by typing root-crl. Interrupted, it is made anew
    with the next number; nothing that is not published was ever of use.
    """
    settings = chosen_settings()
    vault = vault_of(settings, issuer, root_module, root_token, root_pin_file, root_folder)
    try:
        asyncio.run(hold(settings, issuer, vault, (first, second), transcript))
    except Unfit as refused:
        raise click.ClickException(str(refused)) from None
    except (OSError, asyncpg.PostgresError) as fault:
        raise click.ClickException(f"no CRL was published: {fault}; run the command again") from None


def vault_of(
    settings: Settings, issuer: int, module: Path | None, token: str | None, pin_file: Path | None, folder: Path | None
) -> Vault:
    """Where the root's key is; a file is there before anybody is asked. Raises UsageError, ClickException."""
    if settings.ca.keys == "file":
        if folder is None:
            raise click.UsageError("keys are files (ca.keys): name --root-folder")
        if not (key := key_file(folder.absolute(), issuer)).is_file():
            raise click.ClickException(f"there is no {key}: name the folder of the root's key with --root-folder")
        return FileVault(folder.absolute(), passphrase_of(settings))
    chosen = module or settings.pkcs11.module
    if chosen is None or token is None or pin_file is None:
        raise click.UsageError("keys are in PKCS#11 (ca.keys): name --root-token and --root-pin-file")
    from ca.pkcs11_keys import Place, TokenVault

    return TokenVault(Place(chosen, token, pin_file.absolute()))


async def hold(settings: Settings, issuer: int, vault: Vault, handles: tuple[str, str], file: Path) -> None:
    """The CRL is public once both have agreed, and the transcript is in its file. Raises Unfit, also if it is not."""
    conn = await connected(settings)
    try:
        people = await two_persons(conn, *handles)
        prepared = await use_case.prepare(conn, issuer, people, utc_now())
        click.echo(f"{prepared.text}\n   to be signed, SHA-256 {sha256(prepared.tbs).hexdigest()}")
        for person in people:
            if click.prompt(f"   {person.handle}, type {WORD} to agree", default="", show_default=False) != WORD:
                raise Unfit(f"{person.handle} did not agree: nothing was signed; run the command again")
        written = await use_case.sign(conn, prepared, vault, utc_now())
    finally:
        await conn.close()
    try:
        write(file, written)
    except OSError as fault:
        why = f"its transcript is not in {file}: {fault.strerror}. Keep it:"
        raise Unfit(f"CRL number {prepared.number} is public, but {why}\n\n{written}") from None
