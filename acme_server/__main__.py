"""The program `keiyaku`."""

import asyncio
import gc
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from acme_server.clock import ClockRefused, as_dev, starting, utc_now
from acme_server.config import Settings, SettingsRefused, load, origin
from acme_server.groups import Group
from acme_server.instants import Instant

if TYPE_CHECKING:
    from acme_server.config_files import Process

STARTED = time.monotonic()
EMPTY = re.compile(r"(--[a-z-]+=)?")
LIBRARIES = ("acme_server.dev.supervisor", "acme_server.dev.greeting", "office.edge.app", "office.edge.api.router")


class Program(Group):
    """The commands; operators' ones are imported when one of them, or the list of all, is asked for."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """The command line. What is no text is nobody's name; an empty value is a variable that is not set."""
        for arg in args:
            if any("\udc80" <= each <= "\udcff" for each in arg):
                raise click.UsageError(f"{arg!a} is not UTF-8: write it anew", context)
            if EMPTY.fullmatch(arg):
                raise click.UsageError(f"'{arg}' has no value: write it, or leave the option out", context)
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        """All names."""
        return sorted({*super().list_commands(context), *(group.name or "" for group in operators())})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        own = super().get_command(context, name)
        return own or next((group for group in operators() if group.name == name), None)


def operators() -> list[click.Command]:
    """The operators' commands."""
    from acme_server.commands import GROUPS

    return GROUPS


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The settings file (TOML).")
@click.version_option(package_name="keiyaku")
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Certificates as a written contract allows: ACME server, gate and CA."""
    try:
        context.obj = load(config, os.environ)
    except SettingsRefused as refused:
        click.echo(str(refused), err=True)
        sys.exit(2)
    if context.obj.database.embedded and context.invoked_subcommand not in main.commands:  # an operators' command
        context.with_resource(as_dev(context.obj.data))


def stop_unless_fit(context: click.Context, *processes: "Process", making: bool = False) -> None:
    """The files that settings name for these processes can be used; else the program ends, a line for each fault."""
    from acme_server.config_files import unfit_files

    refuse(context, unfit_files(context.obj, processes, making=making))


def refuse(context: click.Context, faults: Mapping[str, str]) -> None:
    """The program ends if there is a fault, by the key of the setting: file and line or variable, key, reason."""
    path = context.find_root().params["config"]
    for key, reason in faults.items():
        click.echo(f"{origin(key, path, os.environ)}: {key}: {reason}", err=True)
    if faults:
        sys.exit(2)


def stop_before_limits(at: datetime) -> None:
    """Nothing could be issued then: every order would end in a fault of the server."""
    from ca.profiles import VALIDITY_LIMITS

    first = VALIDITY_LIMITS[-1][0]
    if at < first:
        raise click.UsageError(
            f"--at: no certificate's lifetime is known before {first:%Y-%m-%d}: choose a later instant"
        )


@main.command()
@click.option("--at", type=Instant(), help="Set the clock, to 2028-02-29T09:00:00+09:00 say, or the start of a day.")
@click.pass_context
def dev(context: click.Context, at: datetime | None) -> None:
    """Run everything on this machine, with a demo CA and demo contracts."""
    from acme_server.dev import template
    from acme_server.dev.addresses import AddressTaken, require_free
    from acme_server.dev.postgres import EmbeddedPostgres, PostgresUnavailable

    settings: Settings = context.obj
    if at is not None and settings.environment == "production":
        raise click.UsageError("--at is for development: production reads the machine's clock")
    if at is not None:
        stop_before_limits(at)
    stop_unless_fit(context, "acme", "office", "status", "work", "sign", making=True)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    postgres = EmbeddedPostgres.of(settings.data, template.found)
    loading = threading.Thread(target=load_libraries)
    clock = ExitStack()
    gc.disable()  # what is imported stays; the supervisor turns it on again
    try:
        require_free(settings)
        loading.start()  # while PostgreSQL starts and is asked; over before the forks, which share it
        postgres.start()
        clock.enter_context(starting(settings.data, at))  # now that the folder is ours
        from acme_server import logs
        from acme_server.dev import prepare

        settings = prepare.with_tls(settings)
        logs.configure(settings)
        demo = prepare.prepare(settings, postgres)
        loading.join()
        from acme_server.dev import greeting, supervisor

        ready = lambda: click.echo(greeting.greeting(settings, demo, time.monotonic() - STARTED))  # noqa: E731
        supervisor.run(settings, postgres, ready)
    except (AddressTaken, PostgresUnavailable, ClockRefused) as fault:
        raise click.ClickException(str(fault)) from None
    finally:
        postgres.stop()
        clock.close()


def load_libraries() -> None:
    """What the children of `dev` run is imported, and what their first order needs is read.

    What fails is said when it is imported again.
    """
    with suppress(Exception):
        for name in LIBRARIES:
            import_module(name)
        read_lists()


def read_lists() -> None:
    """What the first order would read otherwise, a tenth of a second, is read."""
    from contract_gate import public_suffix

    public_suffix.read()


@main.command()
@click.option("--only", type=click.Choice(["acme", "office", "status"]), required=True, help="Which listener to run.")
@click.pass_context
def serve(context: click.Context, only: "Process") -> None:
    """Run one listener: the ACME server, the pages for people, or CRLs and chains."""
    from acme_server import app, logs, processes

    settings: Settings = context.obj
    stop_unless_fit(context, only)
    logs.configure(settings)
    if only == "acme":
        read_lists()
    part = {"acme": app.serve_acme, "office": app.serve_office, "status": app.serve_status}[only]
    processes.run(settings, [part, app.serve_metrics])


@main.command()
@click.pass_context
def work(context: click.Context) -> None:
    """Run jobs, housekeeping and the evidence sealer."""
    from acme_server import app, logs, processes

    settings: Settings = context.obj
    stop_unless_fit(context, "work")
    logs.configure(settings)
    processes.run(settings, [app.work, partial(app.serve_metrics, role="work")])


@main.command()
@click.pass_context
def sign(context: click.Context) -> None:
    """Run the signer: the process that holds the CA keys."""
    from acme_server import app, logs, processes
    from ca.keys import KeyUnusable

    settings: Settings = context.obj
    stop_unless_fit(context, "sign")
    logs.configure(settings)
    faults: dict[str, str] = {}
    try:
        processes.run(settings, [app.sign, app.serve_metrics])
    except* KeyUnusable as unusable:  # of a token: what is in files was looked at
        faults["pkcs11.token"] = " ".join(str(unusable.exceptions[0]).split())
    refuse(context, faults)


@main.command()
@click.option("--dsn", envvar="KEIYAKU_MIGRATE_DSN", required=True, help="Address of the database as its owner.")
def migrate(dsn: str) -> None:
    """Bring the database to this program's schema, with partitions for the months to come."""
    import asyncpg

    from sql.migrate import MigrationRefused, ensure_partitions
    from sql.migrate import migrate as apply

    try:
        applied = asyncio.run(apply(dsn))
        asyncio.run(ensure_partitions(dsn, utc_now()))
    except MigrationRefused as refused:
        raise click.ClickException(str(refused)) from None
    except (OSError, asyncpg.PostgresError) as fault:
        raise click.ClickException(f"the database of --dsn cannot be migrated: {fault}") from None
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to do")


if __name__ == "__main__":
    main()
