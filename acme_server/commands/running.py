"""What every operators' command does: settings, a connection as keiyaku_operator, one use case, errors in one line.

Exit codes: 0 done, 1 not done and the reason said, 2 the command line is not understood.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec

import asyncpg
import click

from acme_server.clock import utc_now
from acme_server.config import Settings, SettingsRefused, load
from acme_server.config_sections import Role
from acme_server.database import dsn_of, embedded
from acme_server.instants import Instant as Instant
from contract_gate.calendar import YEARS
from office.use_cases.asked import Unfit
from sql import Conn
from sql.away import DATABASE_FAULTS

P = ParamSpec("P")
LONGEST_LINE = 2000  # of an error
Work = Callable[Concatenate[Conn, datetime, P], Awaitable[None]]


def operating(work: Work[P]) -> Callable[P, None]:
    """A command that runs `work` with a connection and the present instant."""
    return connecting(work, "operator")


def auditing(work: Work[P]) -> Callable[P, None]:
    """The same as keiyaku_auditor, who can only read."""
    return connecting(work, "auditor")


def connecting(work: Work[P], role: Role) -> Callable[P, None]:
    """A command that runs `work` with a connection of that role and the present instant."""

    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        settings = chosen_settings()

        async def run() -> None:
            conn = await connected(settings, role)
            try:
                await work(conn, utc_now(), *args, **kwargs)
            finally:
                await conn.close()

        try:
            asyncio.run(run())
        except Unfit as refused:
            raise click.ClickException(in_one_line(str(refused))) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise click.ClickException(
                in_one_line(f"the database refused: {error.args[0] if error.args else error!r}")
            ) from error
        except BrokenPipeError:
            raise  # whoever read the output wants no more of it, as `head` does: click ends the command
        except OSError as fault:
            raise click.ClickException(unreachable(fault)) from fault

    return update_wrapper(command, work)


def in_one_line(said: str) -> str:
    """What was said, its quotations of hostile input too, as one line of bounded length."""
    line = " ".join(said.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def unreachable(fault: OSError) -> str:
    """What a file, or the network, refused."""
    if fault.filename is None:
        return in_one_line(f"the connection ended: {fault}; `keiyaku check` says what does not run")
    return in_one_line(f"{fault.filename} cannot be read or written: {fault.strerror}")


def chosen_settings() -> Settings:
    """The settings the program was started with, else those of the environment."""
    given = click.get_current_context().find_object(Settings)
    try:
        return given or load(None, os.environ)
    except SettingsRefused as refused:
        raise click.ClickException(str(refused)) from None


async def connected(settings: Settings, role: Role = "operator") -> Conn:
    """A connection as that role. Raises ClickException that says what does not run."""
    try:
        return await asyncpg.connect(dsn_of(settings, role), timeout=10)
    except DATABASE_FAULTS as error:
        if settings.database.embedded:
            raise click.ClickException(
                f"no database answers in {embedded(settings).root}: start `keiyaku dev` (`make run`) first, "
                "or set database.url"
            ) from error
        raise click.ClickException(f"the database of database.url does not let keiyaku_{role} in: {error}") from error


@asynccontextmanager
async def more(count: int) -> AsyncIterator[list[Conn]]:
    """As many connections as keiyaku_operator, beside the command's own."""
    settings = chosen_settings()
    async with AsyncExitStack() as opened:
        conns = []
        for _ in range(count):
            conns.append(await connected(settings))
            opened.push_async_callback(conns[-1].close)
        yield conns


class Day(click.ParamType[date]):
    """A calendar day, in Japan."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            found = value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is no day: write 2027-05-01", param, ctx)
        if found.year not in YEARS:
            self.fail(f"'{value}' lies outside the years {YEARS.start} to {YEARS.stop - 1}", param, ctx)
        return found


class Names(click.ParamType[tuple[str, ...]]):
    """Names parted by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
by = click.option("--by", "person", metavar="PERSON", help="Who does it: evidence names them; a program names nobody.")
first_person = click.option("--by", "first", required=True, metavar="PERSON", help="Who decides.")
second_person = click.option("--and", "second", required=True, metavar="PERSON", help="The other one who decides.")
