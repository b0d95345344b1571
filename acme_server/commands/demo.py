"""`keiyaku demo`: what Keiyaku does, shown without anything to set up."""

import asyncio
import tempfile
from pathlib import Path

import click

from acme_server.dev.postgres import EmbeddedPostgres, PostgresUnavailable
from acme_server.dev.story.script import MONTHS
from acme_server.groups import Group


@click.group(cls=Group)
def demo() -> None:
    """Show what Keiyaku does with contracts over two years."""


@demo.command()
@click.option("--months", type=click.IntRange(1, MONTHS), default=MONTHS, show_default=True, help="How many of them.")
def story(months: int) -> None:
    """Play two years of ten contracts on a database of its own: what happens, on which day, by which rule."""
    from acme_server.dev.prepare import create_database
    from acme_server.dev.story.outcome import Outcome
    from acme_server.dev.story.play import play
    from acme_server.dev.story.world import settings_of
    from sql.migrate import migrate

    async def played(server: EmbeddedPostgres, folder: Path) -> Outcome:
        await create_database(server)
        await migrate(server.dsn())
        return await play(settings_of(folder), server.dsn(), months, click.echo)

    with tempfile.TemporaryDirectory(prefix="keiyaku-story-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres", durable=False)
        try:
            server.start()
            outcome = asyncio.run(played(server, Path(name)))
        except PostgresUnavailable as fault:
            raise click.ClickException(str(fault)) from None
        finally:
            server.stop()
    for title in ("contracts", "invoices", "certificates"):
        click.echo("\n".join(["", title.capitalize(), *(f"  {line}" for line in getattr(outcome, title))]))
