"""`keiyaku dev --at`: one clock for all its processes, on which a term can be watched to its end with a real client."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner

from acme_server.__main__ import main
from contract_gate.calendar import day_start, jst_date
from tests.acceptance.clients import Certbot
from tests.acceptance.contracts import make_contract, new_key, review_and_accept
from tests.acceptance.dev import PATIENCE, Dev, running

START = datetime(2027, 3, 10, 0, 0, tzinfo=UTC)
NAME, HANDLE = "www.term.test", "term"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One of this file's own: its clock starts on 2027-03-10, 09:00 in Japan."""
    data = tmp_path_factory.mktemp("set-clock") / "data"
    with running(data, "--at", "2027-03-10T09:00:00+09:00") as started:
        assert "The clock is set: it is 2027-03-10 09:0" in started.text
        yield started
    assert not (data / "clock").exists()


def clock(dev: Dev) -> datetime:
    """What it reads."""
    return datetime.fromisoformat(json.loads(dev.fetch(dev.url("management", "/clock")))["now"])


def set_clock(dev: Dev, at: Any) -> str:
    """What the management listener answers."""
    body = json.dumps({"at": at.isoformat() if isinstance(at, datetime) else at}).encode()
    return dev.fetch(dev.url("management", "/set-clock"), body).decode()


OF_PEOPLE = {"desk", "bank data", "root CRL", "incidents", "self-audit"}


def faults_of(dev: Dev) -> list[Any]:
    """What `keiyaku check` finds: it exits with 1 when there is something."""
    done = CliRunner(env=dict(dev.environ)).invoke(main, ["check", "--json"])
    return list(json.loads(done.stdout))


def until_in_order(dev: Dev) -> None:
    """CRLs, seal, partitions and jobs have followed the clock; the last CRL may still be under way.

    People have not: within a year of the clock their reviews, drills, bank files and the root's CRL have become due.
    """
    give_up = time.monotonic() + PATIENCE
    while {fault["about"] for fault in faults_of(dev)} - OF_PEOPLE and time.monotonic() < give_up:
        pass
    assert {fault["about"] for fault in faults_of(dev)} - OF_PEOPLE == set()


@pytest.mark.rule("T12-2", "T12-4", "T12-7")
def test_certbot_untouched_sees_the_term_end_and_the_renewal(dev: Dev, tmp_path: Path) -> None:
    dev.keiyaku("plan add yearly Yearly --fee 55000 --months 12 --names 3")
    make_contract(dev, HANDLE, "term.test", plan="yearly", reviewed_on=jst_date(START))
    client = Certbot(dev, tmp_path / "certbot", new_key(dev, HANDLE))
    client.folder.mkdir()
    first = client.issued(NAME)
    assert first.not_valid_before_utc.date() == START.date()
    assert dev.keiyaku_json(f"contract show {HANDLE}")["contract"]["first_certificate_at"].startswith("2027-03-10")

    ends_at = day_start(datetime(2028, 3, 10).date())  # noqa: DTZ001  a contract day
    set_clock(dev, ends_at - timedelta(seconds=2))
    set_clock(dev, ends_at + timedelta(hours=9))
    refused = client.issue(NAME)
    assert refused.returncode == 1
    assert "renew" in refused.stdout.lower()

    dev.keiyaku(f"application follow {HANDLE} {HANDLE}-2")
    review_and_accept(dev, f"{HANDLE}-2", jst_date(clock(dev)))
    second = client.issued(NAME)
    assert second.not_valid_before_utc > ends_at
    assert second.serial_number != first.serial_number
    until_in_order(dev)


@pytest.mark.parametrize(
    ("at", "code", "why"),
    [
        pytest.param("2028-01-01T00:00:00", 400, "timezone", id="no offset"),
        pytest.param("soon", 400, "at", id="no instant"),
        pytest.param("2300-01-01T00:00:00Z", 409, "century", id="far"),
    ],
)
def test_what_is_no_instant_sets_nothing(dev: Dev, at: str, code: int, why: str) -> None:
    before = clock(dev)
    with pytest.raises(HTTPError) as refused:
        set_clock(dev, at)
    assert (refused.value.code, why in refused.value.read().decode()) == (code, True)
    assert abs(clock(dev) - before) < timedelta(minutes=1)
