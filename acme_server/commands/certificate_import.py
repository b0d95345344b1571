"""`keiyaku certificate import`: what a restored backup does not know is taken in again (docs/operations.md)."""

from datetime import datetime
from pathlib import Path

import click

from acme_server.commands.output import print_table, show_json, table
from acme_server.commands.running import as_json, operating
from office.use_cases import certificate_imports as use_case
from office.use_cases.asked import Unfit
from office.use_cases.certificate_imports import File, Import, Whose
from office.use_cases.taking_in import take_in
from sql import Conn

LONGEST = 64 * 2**20
CERTIFICATE = ("file", "serial", "state", "contract", "contract_by", "precertificate", "profile", "names", "not_after")
CRL = ("file", "issuer_id", "shard", "number", "entries", "alike", "to_revoke", "without_certificate", "to_upgrade",
       "otherwise")  # fmt: skip


@click.command("import")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--crl", "crls", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CRL that was published and lost, PEM or DER.",
)  # fmt: skip
@click.option("--contract", help="Whose they are, where subject and names do not tell.")
@click.option("--no-contract", "nobodys", is_flag=True, help="Their contract is lost too, or unknown.")
@click.option("--by", "first", metavar="PERSON", help="Who decides. Needed with --execute.")
@click.option("--and", "second", metavar="PERSON", help="The other one who decides. Needed with --execute.")
@click.option("--execute", is_flag=True, help="Take them in. Without it nothing is written.")
@as_json
@operating
async def certificate_import(
    conn: Conn, now: datetime, files: tuple[Path, ...], crls: tuple[Path, ...], contract: str | None, nobodys: bool,
    first: str | None, second: str | None, execute: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show which certificates and revocations a restored backup lacks; with --execute two people have them taken in.

    FILES are PEM or DER. Each is verified with the certificates of the issuing CAs, and taken in whole or not at all.
    """
    if not files and not crls:
        raise Unfit("name files with certificates, or --crl with a CRL")
    if nobodys and contract is not None:
        raise Unfit("--contract and --no-contract exclude each other")
    if execute and (first is None or second is None):
        raise Unfit("--execute needs --by and --and")
    given = [*(opened(each, False) for each in files), *(opened(each, True) for each in crls)]
    reads, whose = await use_case.read(conn, given), Whose(contract, nobodys)
    if not execute or first is None or second is None:
        show(await use_case.look(conn, reads, whose), as_json)
        click.echo("nothing is taken in: add --execute, --by and --and", err=True)
        return
    show(await take_in(conn, reads, whose, first, second, now), as_json)
    click.echo("taken in: `keiyaku certificate list` and the next CRLs show it", err=True)


def opened(path: Path, is_crl: bool) -> File:
    """The file. Raises Unfit when it is too long."""
    if path.stat().st_size > LONGEST:
        raise Unfit(f"{path} is longer than {LONGEST} octets: split it")
    return File(str(path), path.read_bytes(), is_crl)


def show(found: Import, as_json: bool) -> None:
    """What the files hold."""
    if as_json:
        show_json(found)
        return
    if found.certificates:
        print_table(table(found.certificates, CERTIFICATE))
    if found.crls:
        print_table(table(found.crls, CRL))
