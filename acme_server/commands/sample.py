"""`keiyaku audit sample`: the quarterly self-audit of what was issued (BR 8.7)."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from acme_server import bundle_files
from acme_server.bundle_files import BundleUnusable
from acme_server.commands.bundle import ACTOR, sealed
from acme_server.commands.output import show_json, show_one, show_rows
from acme_server.commands.running import Instant, as_json, auditing, chosen_settings, first_person, operating
from acme_server.config import Settings
from acme_server.database import within
from ca.pkilint_pool import PkilintPool
from contract_gate.calendar import YEARS, day_start
from office.use_cases import bundle as bundles
from office.use_cases import sample as sampling
from office.use_cases.asked import Unfit
from office.use_cases.sample import Period, Shown
from sql import Conn

QUARTER = re.compile(r"(\d{4})Q([1-4])")
SEED = re.compile(r"([0-9a-f]{2}){16,64}")
SAMPLE = ("id", "from_at", "until_at", "percent", "population", "drawn", "audited", "faulty", "drawn_by", "drawn_at")


class PeriodType(click.ParamType[Period]):
    """A quarter of a year in Japan, or two instants."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Period:
        if isinstance(value, Period):
            return value
        if found := QUARTER.fullmatch(value):
            if int(found[1]) not in YEARS:
                self.fail(f"'{value}' lies outside the years {YEARS.start} to {YEARS.stop - 1}")
            return quarter(int(found[1]), int(found[2]))
        since, dots, until = value.partition("..")
        if not dots:
            self.fail(f"'{value}' is no period: write 2026Q4, or FROM..TO, where TO is the first instant after it")
        return Period(Instant().convert(since, param, ctx), Instant().convert(until, param, ctx))


class Seed(click.ParamType[bytes]):
    """Octets that an auditor chose."""

    name = "hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, str) and not SEED.fullmatch(value):
            self.fail("a seed is 16 to 64 octets in lower-case hexadecimal")
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)


def quarter(year: int, number: int) -> Period:
    """The quarter's days in Japan."""
    after = date(year + 1, 1, 1) if number == 4 else date(year, 3 * number + 1, 1)
    return Period(day_start(date(year, 3 * number - 2, 1)), day_start(after))


@asynccontextmanager
async def linter_of(settings: Settings) -> AsyncIterator[PkilintPool | None]:
    """pkilint as the signer has it, one process at least; None where it is not installed."""
    if find_spec("pkilint") is None:
        yield None
        return
    chosen = settings.lint
    pool = PkilintPool(max(1, chosen.processes), chosen.ignored, chosen.timeout.total_seconds(), patience=None)
    try:
        yield pool
    finally:
        await pool.close()


@click.command("sample")
@click.option("--period", type=PeriodType(), required=True, metavar="2026Q4|FROM..TO", help="What was issued then.")
@click.option(
    "--percent", type=click.IntRange(3, 100), default=3, show_default=True, help="How much of what was issued is drawn."
)
@click.option("--seed", type=Seed(), help="An auditor's own; else the first checkpoint a minute after the period.")
@click.option("--bundles", type=click.Path(path_type=Path, file_okay=False), help="A folder: a bundle of each.")
@first_person
@as_json
@operating
async def sample(
    conn: Conn, now: datetime, period: Period, percent: int, seed: bytes | None, bundles: Path | None, first: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Draw a random sample of what was issued in a period, and examine each: linted anew, decided anew."""
    settings = chosen_settings()
    drawn = await sampling.draw(conn, period, percent, seed, first, now)
    async with linter_of(settings) as linter:
        await sampling.examine(conn, drawn, linter, now)
    found = await sampling.shown(conn, drawn)
    if bundles is not None:
        await write_bundles(conn, settings, found, bundles, now)
    show(found, as_json)
    if found.sample.faulty:
        raise click.ClickException("the self-audit found faults: each is an incident (`keiyaku incident plan`)")


async def write_bundles(conn: Conn, settings: Settings, found: Shown, folder: Path, now: datetime) -> None:
    """A bundle of each certificate of the sample, in a zip named by its serial number."""
    folder.mkdir(exist_ok=True)
    for each in found.certificates:
        file = within(settings, settings.evidence.checkpoint_file)
        parts = await sealed(await bundles.draft(conn, each.serial, ACTOR, now), file)
        try:
            bundle_files.write(folder / f"{each.serial}{bundle_files.ZIP}", parts)
        except BundleUnusable as fault:
            raise Unfit(str(fault)) from None


def show(found: Shown, as_json: bool) -> None:
    """The sample and its certificates."""
    if as_json:
        show_json(found)
        return
    show_one(found.sample, False)
    show_rows(found.certificates, ("serial", "linted_by", "faults", "audited_at"), False)


@click.command("samples")
@click.option("--show", "wanted", metavar="ID|last", help="One of them, with its certificates.")
@as_json
@auditing
async def samples(conn: Conn, now: datetime, wanted: str | None, as_json: bool) -> None:
    """Samples of the self-audit, newest first."""
    if wanted is None:
        show_rows(await sampling.listed(conn), SAMPLE, as_json)
    else:
        show(await sampling.shown(conn, wanted), as_json)
