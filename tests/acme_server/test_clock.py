"""The clock: the machine's, or one that `dev` may set for every process of its own."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acme_server.clock import Clock, ClockRefused

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
