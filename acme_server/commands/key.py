"""`keiyaku key`: binding keys of a contract."""

from datetime import datetime

import click
import msgspec

from acme_server.commands.output import show_json, show_one, show_rows
from acme_server.commands.running import Instant, Names, as_json, operating
from acme_server.groups import Group
from office.storage.keys import BindingKey
from office.use_cases import keys
from sql import Conn

AWAITS_NOTICE = (
    "No certificate before the notice of formation has left: `keiyaku notice list {contract}` shows what that waits for"
    " (T4-5)."
)


class Read(msgspec.Struct, frozen=True):
    """A key as people read it."""

    kid: str
    label: str
    names: list[str]
    uses: int
    uses_max: str
    expires_at: datetime | None
    withdrawn_at: datetime | None


@click.group(cls=Group)
def key() -> None:
    """Keys that bind ACME accounts to a contract (External Account Binding)."""


@key.command("new")
@click.argument("contract")
@click.option("--names", type=Names(), default="", help="Only these: hosts, *.wildcards, .domains, networks.")
@click.option("--uses", type=int, help="How many accounts; unlimited unless given.")
@click.option("--expires", "expires_at", type=Instant(), help="No new order from then on.")
@click.option("--for", "requester", help="Requester it is handed to, where several are named.")
@click.option("--label", default="key", show_default=True, help="What it is for.")
@as_json
@operating
async def new(
    conn: Conn,
    now: datetime,
    contract: str,
    names: tuple[str, ...],
    uses: int | None,
    expires_at: datetime | None,
    requester: str | None,
    label: str,
    as_json: bool,
) -> None:
    """Make a key. Its secret is shown this once."""
    made = await keys.new_key(conn, contract, label, names, uses, expires_at, now, requester)
    if as_json:
        show_json(made)
    else:
        show_one(made, as_json=False)
        click.echo("\nKeep the hmac key secret; it is not shown again.", err=True)
    if made.awaits_notice:
        click.echo(AWAITS_NOTICE.format(contract=contract), err=True)


@key.command("list")
@click.argument("contract")
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """Keys of a contract, without their secrets."""
    found = await keys.listed(conn, contract)
    if as_json:
        show_json(found)
    else:
        show_rows([read(each) for each in found], Read.__struct_fields__, as_json=False)


def read(found: BindingKey) -> Read:
    """The key, its uses in words where they are not counted."""
    most = "unlimited" if found.uses_max == keys.UNLIMITED else str(found.uses_max)
    return Read(found.kid, found.label, found.names, found.uses, most, found.expires_at, found.withdrawn_at)


@key.command("withdraw")
@click.argument("kid")
@operating
async def withdraw(conn: Conn, now: datetime, kid: str) -> None:
    """Stop a key: new accounts, and orders of accounts made with it."""
    await keys.withdraw(conn, kid, now)
    click.echo(f"key {kid} is withdrawn")
