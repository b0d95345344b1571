"""`keiyaku ca ceremony`: two people make root and issuing CA, or one more issuing CA, reading from one script."""

import asyncio
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import asyncpg
import click

from acme_server.clock import utc_now
from acme_server.commands.ca import passphrase_of
from acme_server.commands.running import Instant, chosen_settings, connected, first_person, second_person
from acme_server.config import Settings
from acme_server.database import within
from ca import hierarchy
from ca.ceremony import Script, Step, read_out
from ca.hierarchy import Names
from ca.keys import FileVault
from office.storage.ceremonies import Ceremony
from office.storage.people import Person
from office.use_cases import ceremony as use_case
from office.use_cases.asked import Unfit, two_persons
from office.use_cases.ceremony import Places, Prepared
from office.use_cases.succession import Wanted, script_of
from sql import Conn

FIRST, ISSUING = "first", "issuing"


@click.command()
@click.option(
    "--kind",
    type=click.Choice((FIRST, ISSUING)),
    default=FIRST,
    show_default=True,
    help="first: a root and its issuing CA; issuing: one more issuing CA below a root.",
)
@click.option("--country", help="Two letters, of the CA's organisation. [default: JP, or the root's]")
@click.option("--organization", help="The CA's organisation, as its certificates name it. [default: the root's]")
@click.option("--root", help="Common name of the root. [default: the root there is]")
@click.option("--issuing", required=True, help="Common name of the issuing CA.")
@click.option("--issues-from", type=Instant(), help="From when one more issuing CA issues. [default: at once]")
@click.option("--root-module", type=click.Path(path_type=Path), help="PKCS#11 library of the root's token, if another.")
@click.option("--root-token", help="Label of the token for the root's key.")
@click.option("--root-pin-file", type=click.Path(path_type=Path), help="File with the PIN of the root's token.")
@click.option("--root-folder", type=click.Path(path_type=Path), help="Folder for the root's key where keys are files.")
@click.option("--transcript", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option("--dry-run", is_flag=True, help="Print the script; touch neither keys nor the database.")
@first_person
@second_person
def ceremony(
    kind: str, country: str | None, organization: str | None, root: str | None, issuing: str,
    issues_from: datetime | None, root_module: Path | None, root_token: str | None, root_pin_file: Path | None,
    root_folder: Path | None, transcript: Path, dry_run: bool, first: str, second: str,
) -> None:  # fmt: skip
    """Make a root and an issuing CA, or one more issuing CA below a root.

    Each step is read out, then both people agree by typing its name. Interrupted, the same command goes on with the
    step that is not done. The settings name the issuing CA's token; that of
    the root is named here alone, and is taken off line afterwards.
    """
    settings = chosen_settings()
    status_url = str(settings.status.base_url)
    try:
        places, root_place, issuing_place = places_of(settings, root_module, root_token, root_pin_file, root_folder)
        if kind == ISSUING:
            wanted = Wanted(issuing, root, country, organization, status_url, hierarchy.SHARD_COUNT, issues_from)
            script = asyncio.run(succession(settings, wanted, root_place, issuing_place))
        else:
            if issues_from is not None:
                raise click.UsageError("the first issuing CA issues at once: leave out --issues-from")
            names = names_of(country, organization, root, issuing, status_url)
            script = Script(names, hierarchy.SHARD_COUNT, root_place, issuing_place)
        if dry_run:
            click.echo(read_out(script))
            return
        asyncio.run(hold(settings, script, places, (first, second), transcript))
    except Unfit as refused:
        raise click.ClickException(str(refused)) from None
    except (OSError, asyncpg.PostgresError) as fault:
        raise click.ClickException(f"the step under way is not done: {fault}; run the command again") from None


def names_of(country: str | None, organization: str | None, root: str | None, issuing: str, status_url: str) -> Names:
    """What the certificates of a first ceremony say. Raises UsageError."""
    if organization is None or root is None:
        raise click.UsageError("a first ceremony needs --organization and --root")
    return Names(country or "JP", organization, root, issuing, status_url)


async def succession(settings: Settings, wanted: Wanted, root_place: str, issuing_place: str) -> Script:
    """The script of one more issuing CA. Raises Unfit."""
    conn = await connected(settings)
    try:
        return await script_of(conn, wanted, root_place, issuing_place)
    finally:
        await conn.close()


def places_of(
    settings: Settings, module: Path | None, token: str | None, pin_file: Path | None, folder: Path | None
) -> tuple[Places, str, str]:
    """Where keys are made, and how the script names the root's and the issuing CA's place. Raises UsageError."""
    if settings.ca.keys == "file":
        if folder is None:
            raise click.UsageError("keys are files (ca.keys): name --root-folder")
        passphrase, own = passphrase_of(settings), within(settings, settings.ca.folder)
        vaults = FileVault(folder.absolute(), passphrase), FileVault(own, passphrase)
        return Places(*vaults), vaults[0].describe(), vaults[1].describe()
    if settings.pkcs11.module is None or token is None or pin_file is None:
        raise click.UsageError("keys are in PKCS#11 (ca.keys): name --root-token and --root-pin-file")
    from ca.pkcs11_keys import Place, TokenVault

    of_root = Place(module or settings.pkcs11.module, token, pin_file.absolute())
    of_issuing = Place(settings.pkcs11.module, settings.pkcs11.token, within(settings, settings.pkcs11.pin_file))
    return Places(TokenVault(of_root), TokenVault(of_issuing)), str(of_root), str(of_issuing)


async def hold(settings: Settings, script: Script, places: Places, handles: tuple[str, str], file: Path) -> None:
    """Every step is done that was not, and the transcript is in its file. Raises Unfit."""
    conn = await connected(settings)
    try:
        people = await two_persons(conn, *handles)
        held = await use_case.enter(conn, script, places, utc_now())
        click.echo(f"Ceremony {held.id}, begun {held.begun_at:%Y-%m-%d %H:%M:%S}Z\n{read_out(script)}")
        await take_steps(conn, held, people, places)
        if ended := await use_case.finished(conn):
            write(file, ended.transcript or "")
    finally:
        await conn.close()


async def take_steps(conn: Conn, held: Ceremony, people: tuple[Person, Person], places: Places) -> None:
    """One after the other, each once both people have agreed."""
    while (prepared := await use_case.next_step(conn, held, utc_now())) is not None:
        announce(prepared)
        for person in people:
            agree(person, prepared.step)
        await use_case.take(conn, held, prepared, people, places, utc_now())
        click.echo(f"{prepared.step} is done")


def announce(prepared: Prepared) -> None:
    """The step is read out."""
    click.echo(f"\n{prepared.number}. {prepared.step}: {prepared.text}")
    if prepared.preparations > 1:
        click.echo("   This was prepared before and is too old to be signed: it was made anew.")
    for each in prepared.hashes:
        click.echo(f"   to be signed, SHA-256 {each}")


def agree(person: Person, step: Step) -> None:
    """The person typed the step's name. Raises Unfit when they typed something else."""
    if click.prompt(f"   {person.handle}, type {step} to agree", default="", show_default=False) != step:
        raise Unfit(f"{person.handle} did not agree to {step}: it is not done; run the command again to go on")


def write(file: Path, transcript: str) -> None:
    """The transcript and, beside it, its hash, as `sha256sum --check` reads it."""
    digest = sha256(transcript.encode()).hexdigest()
    file.write_text(transcript, encoding="utf-8")
    file.with_name(f"{file.name}.sha256").write_text(f"{digest}  {file.name}\n", encoding="utf-8")
    click.echo(f"\ntranscript in {file}, SHA-256 {digest}")
