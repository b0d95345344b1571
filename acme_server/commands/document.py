"""`keiyaku document`: documents of an application, kept encrypted under `office.documents_key_file`."""

from datetime import date, datetime
from pathlib import Path

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Day, as_json, chosen_settings, operating
from acme_server.documents_key import NoKey, documents_key
from acme_server.groups import Group
from office.use_cases import documents
from sql import Conn

by = click.option("--by", "person", required=True, metavar="PERSON", help="Who handles it.")


@click.group(cls=Group)
def document() -> None:
    """Documents of an application."""


def office_key() -> bytes:
    """The office's key. Raises ClickException that says what is wrong with it."""
    try:
        return documents_key(chosen_settings())
    except NoKey as error:
        raise click.ClickException(str(error)) from error


@document.command("add")
@click.argument("contract")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", required=True, help="registry certificate, seal certificate…")
@click.option("--issued", "issued_on", type=Day(), required=True, help="Day it was issued, JST.")
@by
@operating
async def add(conn: Conn, now: datetime, contract: str, file: Path, kind: str, issued_on: date, person: str) -> None:
    """Receive a document today; it is kept encrypted."""
    click.echo(await documents.keep(conn, contract, kind, issued_on, file.read_bytes(), person, office_key(), now))


@document.command("list")
@click.argument("contract")
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """Documents of a contract, destroyed ones too."""
    columns = ("id", "kind", "issued_on", "received_on", "recorded_by", "destroy_at", "destroyed_at")
    show_rows(await documents.listed(conn, contract), columns, as_json)


@document.command("read")
@click.argument("document_id", metavar="DOCUMENT")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@by
@operating
async def read(conn: Conn, now: datetime, document_id: str, out: Path, person: str) -> None:
    """Write a document to a file; who reads it is recorded."""
    out.write_bytes(await documents.opened(conn, document_id, person, office_key(), now))
    click.echo(f"{out} written")
