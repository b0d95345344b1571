"""The operators' commands, run as a shell would, on the real database as keiyaku_operator."""

import asyncio
import base64
import json
from pathlib import Path

import asyncpg
import click
import pytest
from click.testing import CliRunner, Result

from acme_server.commands import GROUPS
from acme_server.config import Settings
from acme_server.config_sections import Database
from acme_server.database import dsn_of
from acme_server.dev.postgres import EmbeddedPostgres
from tests.office.conftest import told

ROOT = click.Group("keiyaku", commands=GROUPS)
LONG = "独立行政法人" + "情報処理推進" * 20 + "機構"


@pytest.fixture
def settings(postgres: EmbeddedPostgres, database: str) -> Settings:
    url = postgres.dsn("{role}", database)
    return Settings(database=Database(embedded=False, url=url))


def run(settings: Settings, line: str, *more: str) -> Result:
    return CliRunner().invoke(ROOT, [*line.split(), *more], obj=settings)


async def keiyaku(settings: Settings, line: str, *more: str) -> str:
    """What the command prints; it succeeds. A command has an event loop of its own, so it runs beside ours."""
    done = await asyncio.to_thread(run, settings, line, *more)
    assert done.exit_code == 0, done.output
    return done.stdout


async def refused(settings: Settings, line: str, code: int) -> str:
    """What the command complains of, in one line at its end."""
    done = await asyncio.to_thread(run, settings, line)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output.strip().splitlines()[-1]


async def test_from_customer_to_certificate_permission(settings: Settings, tmp_path: Path) -> None:
    text = tmp_path / "terms.txt"
    text.write_text("terms")
    await keiyaku(settings, "person add ann Ann --organisation CA")
    await keiyaku(settings, "person add bob Bob --organisation CA")
    await keiyaku(settings, "customer add kaisha --corporate-number 7000012050002", LONG)
    await keiyaku(settings, "plan add small Small --fee 55000 --names 5")
    for kind in ("terms", "cps"):
        line = f"contract text-add {kind} 1 {text} --url https://ca.example/{kind} --effective 2026-01-01"
        await keiyaku(settings, line)
    await keiyaku(settings, "contract create acme --customer kaisha --plan small")
    await keiyaku(settings, "contract name-add acme example.jp --kind domain")
    await keiyaku(settings, "contract consent acme --terms 1 --cps 1 --by ann")
    await keiyaku(settings, "contract subject acme --organization Rei --country JP --state Tokyo --by ann")
    for kind in ("legal_existence", "address", "domain_right", "applicant_authority", "screening"):
        line = f"contract review acme {kind} positive --source register --criteria 1 --by ann --obtained 2026-01-05"
        await keiyaku(settings, line)
    await keiyaku(settings, "application state acme --representative Taro --by ann")
    await keiyaku(settings, "application requester-add acme ann --by ann")
    await keiyaku(settings, "review call-back acme --number-from directory --confirmed --by bob")
    await keiyaku(settings, "screening clear acme --source list --by bob")
    assert "needs" not in await keiyaku(settings, "contract accept acme --by ann --and bob")

    made = json.loads(await keiyaku(settings, "key new acme --names www.example.jp --uses 3 --json"))
    assert made.keys() == {"kid", "hmac_key", "awaits_notice"}
    assert len(base64.urlsafe_b64decode(made["hmac_key"] + "=")) == 32
    [key] = json.loads(await keiyaku(settings, "key list acme --json"))
    assert (key["kid"], key["names"], key["uses_max"]) == (made["kid"], ["www.example.jp"], 3)

    ask = f"gate explain --contract acme --key {made['kid']} --at 2026-02-01T00:00:00+09:00 --names"
    assert (await asyncio.to_thread(run, settings, f"{ask} www.example.jp --json")).exit_code == 1  # before BR's table
    ask = ask.replace("2026-02-01T00:00:00+09:00", "2026-12-01")
    conn = await asyncpg.connect(dsn_of(settings, "operator"))
    await told(conn)  # T4-5
    await conn.close()
    assert json.loads(await keiyaku(settings, f"{ask} www.example.jp --json"))["outcome"] == "admitted"
    assert "G5" in await keiyaku(settings, f"{ask} mail.example.jp")

    folded = await keiyaku(settings, "customer list")  # a long name is folded, never cut
    assert (folded.count("推"), folded.count("…")) == (20, 0)
    dossier = json.loads(await keiyaku(settings, "contract show acme --json"))
    assert dossier["contract"]["customer_name"] == LONG
    assert json.loads(await keiyaku(settings, f"contract show {dossier['contract']['id']} --json")) == dossier
    shown = await keiyaku(settings, "contract show acme")
    assert "example.jp" in shown
    assert made["hmac_key"] not in shown
    kinds = {row["kind"] for row in json.loads(await keiyaku(settings, "evidence list acme --json"))}
    assert {"contract.applied", "contract.accepted", "key.created", "consent.recorded"} <= kinds


async def test_every_listing_is_json_too(settings: Settings) -> None:
    listings = [
        "person list",
        "customer list",
        "contract list",
        "plan list",
        "screening list",
        "contract texts",
        "invoice list",
        "payment list",
        "bank list",
        "hold list",
        "gate suspensions",
        "evidence list",
    ]
    for line in listings:
        assert json.loads(await keiyaku(settings, f"{line} --json")) == []
        assert await keiyaku(settings, line) == "none\n"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("contract show nobody", 1, "Error: there is no contract 'nobody': `keiyaku contract list` shows them"),
        ("key withdraw x", 1, "Error: there is no key 'x': `keiyaku key list CONTRACT` shows them"),
        ("key new acme --expires tomorrow", 2, "write 2027-05-01T09:00:00+09:00"),
        ("key new acme --expires 2027-05-01T09:00", 2, "has no offset"),
        ("bank day main 2026-02-30 --source x", 2, "is no day"),
        ("person add Ann Ann --organisation x", 1, "is no handle"),
        ("hold set", 2, "Missing argument"),
    ],
)
async def test_errors_say_in_one_line_what_is_wrong(settings: Settings, line: str, code: int, said: str) -> None:
    assert said in await refused(settings, line, code)


def test_without_a_running_database_the_command_says_what_to_start(tmp_path: Path) -> None:
    done = run(Settings(data=tmp_path), "contract list")
    assert done.exit_code == 1
    assert "start `keiyaku dev` (`make run`) first" in done.output


def test_with_an_unreachable_database_the_command_says_which() -> None:
    away = Settings(database=Database(embedded=False, url="postgresql://{role}@localhost:1/keiyaku"))
    done = run(away, "contract list")
    assert done.exit_code == 1
    assert "database.url does not let keiyaku_operator in" in done.output
