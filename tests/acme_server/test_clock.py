"""The clock: the machine's, or one that `dev` may set for every process of its own."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acme_server.clock import FILE, Clock, ClockRefused, as_dev, starting, utc_now

AT = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)
SLACK = timedelta(minutes=1)


def test_machines_clock() -> None:
    before = datetime.now(UTC)
    assert before <= Clock().now() <= datetime.now(UTC)


def test_follow_and_set(tmp_path: Path) -> None:
    first, second = Clock(), Clock()
    first.follow(tmp_path / "clock")
    assert first.now() - datetime.now(UTC) < SLACK
    second.follow(tmp_path / "clock")
    first.set(AT)
    assert AT <= second.now() < AT + SLACK  # whoever follows the file, at once
    second.set(AT - timedelta(days=365))
    assert first.now() < AT  # back too
    late = Clock()
    late.follow(tmp_path / "clock")  # and whoever comes later
    assert late.now() < AT


def test_forks_follow(tmp_path: Path) -> None:
    clock = Clock()
    clock.follow(tmp_path / "clock")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        clock.set(AT)
        os.write(writing, b"x")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.close(writing)
    assert AT <= clock.now() < AT + SLACK


@pytest.mark.parametrize(
    ("at", "why"),
    [
        pytest.param(AT.replace(tzinfo=None), "offset from UTC", id="naive"),
        pytest.param(datetime(2228, 1, 1, tzinfo=UTC), "over a century", id="far"),
        pytest.param(datetime(1826, 1, 1, tzinfo=UTC), "over a century", id="long ago"),
    ],
)
def test_set_refused(tmp_path: Path, at: datetime, why: str) -> None:
    clock = Clock()
    clock.follow(tmp_path / "clock")
    with pytest.raises(ClockRefused, match=why):
        clock.set(at)
    assert abs(clock.now() - datetime.now(UTC)) < SLACK


def test_machines_clock_cannot_be_set() -> None:
    with pytest.raises(ClockRefused, match="dev --at"):
        Clock().set(AT)


def test_set_meanwhile_is_the_machines_again_afterwards(tmp_path: Path) -> None:
    clock = Clock()
    with clock.set_meanwhile(tmp_path / "clock", AT):
        assert AT <= clock.now() < AT + SLACK
    assert (clock.ahead(), list(tmp_path.iterdir())) == (timedelta(0), [])


@pytest.mark.parametrize("at", [AT, None], ids=["set", "the machine's"])
def test_starting_dev_forgets_the_clock_of_one_that_was_killed(tmp_path: Path, at: datetime | None) -> None:
    Clock().follow(tmp_path / FILE)
    with starting(tmp_path, at):
        assert (tmp_path / FILE).exists() == (at is not None)
        with as_dev(tmp_path):
            assert (utc_now() > AT) == (at is not None)
    assert abs(utc_now() - datetime.now(UTC)) < SLACK
    assert not (tmp_path / FILE).exists()
