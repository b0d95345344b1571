"""How periods and seeds are written, and bundles that are none, at the command line."""

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from acme_server import evidence_key
from acme_server.__main__ import main
from acme_server.commands.sample import PeriodType, Seed, linter_of
from acme_server.config import Settings
from office.use_cases.sample import Period


def at(year: int, month: int, day: int, hour: int = 15) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "period"),
    [
        ("2026Q1", Period(at(2025, 12, 31), at(2026, 3, 31))),
        ("2026Q4", Period(at(2026, 9, 30), at(2026, 12, 31))),
        ("2026-10-01..2026-11-01T00:00:00Z", Period(at(2026, 9, 30), at(2026, 11, 1, 0))),
    ],
)
def test_a_period_is_a_quarter_in_japan_or_two_instants(written: str, period: Period) -> None:
    assert PeriodType().convert(written, None, None) == period


@pytest.mark.parametrize("written", ["2026Q5", "2026", "2026-10-01", "2026-10-01..", "..2026-10-01"])
def test_what_is_no_period_is_told(written: str) -> None:
    with pytest.raises(click.BadParameter):
        PeriodType().convert(written, None, None)


def test_a_seed_has_16_octets_at_least() -> None:
    assert Seed().convert("00" * 16, None, None) == bytes(16)
    for written in ("00" * 15, "00" * 65, "zz" * 16, "0" * 33):
        with pytest.raises(click.BadParameter):
            Seed().convert(written, None, None)


async def test_the_audit_waits_for_every_report() -> None:
    async with linter_of(Settings()) as linter:
        assert linter is not None
        assert linter.patience is None


def test_verify_bundle_needs_no_database_and_exits_with_1(tmp_path: Path) -> None:
    evidence_key.create(tmp_path / "evidence.key")
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(
        main, ["evidence", "verify-bundle", str(tmp_path / "empty")], env={"KEIYAKU_DATA": str(tmp_path)}
    )
    assert (done.exit_code, "manifest.json" in done.output, "missing" in done.output) == (1, True, True)
