"""`keiyaku notice`, `keiyaku terms`, `keiyaku maintenance` on a database with nothing in it."""

import click
import pytest
from click.testing import CliRunner

from acme_server.commands.maintenance import maintenance
from acme_server.commands.notice import notice
from acme_server.commands.terms import terms
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.dev.postgres import EmbeddedPostgres


@pytest.mark.parametrize(
    ("group", "words", "said"),
    [
        (notice, ["list"], "none"),
        (notice, ["list", "--json"], "[]"),
        (notice, ["show", "x"], "Error: 'x' is the id of no delivery: its listing shows the ids"),
        (notice, ["contact", "nobody"], "Error: there is no customer 'nobody': `keiyaku customer list` shows them"),
        (terms, ["list"], "none"),
        (maintenance, ["list"], "none"),
    ],
)
def test_a_command_says_what_there_is(
    postgres: EmbeddedPostgres, database: str, group: click.Group, words: list[str], said: str
) -> None:
    settings = Settings(database=Database(embedded=False, url=postgres.dsn("{role}", database)))
    found = CliRunner().invoke(group, words, obj=settings)
    assert found.output.strip() == said
