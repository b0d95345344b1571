import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from acme_server.config import load
from acme_server.logs import about, configure


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def configured(**environ: str) -> None:
    configure(load(None, {"KEIYAKU_LOG__FORMAT": "json", **environ}))


def test_json_line_of_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    structlog.get_logger().info("order.placed", order="0193")
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "order.placed", "order": "0193", "level": "info"}


def test_level_is_the_least_that_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    configured(KEIYAKU_LOG__LEVEL="warning")
    structlog.get_logger().info("not.seen")
    structlog.get_logger().warning("seen")
    assert [line["event"] for line in lines(capsys)] == ["seen"]


async def test_request_ids_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    both = asyncio.Barrier(2)

    async def request(number: int) -> None:
        with about(request_id=number):
            await both.wait()
            structlog.get_logger().info(f"event of {number}")

    await asyncio.gather(request(1), request(2))
    structlog.get_logger().info("outside")
    found = {line["event"]: line.get("request_id") for line in lines(capsys)}
    assert found == {"event of 1": "1", "event of 2": "2", "outside": None}


def test_libraries_write_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configured()
    with about(request_id="7"):
        logging.getLogger("asyncio").warning("slow %s", "callback")
    (line,) = lines(capsys)
    assert (line["event"], line["level"], line["request_id"]) == ("slow callback", "warning", "7")


def test_traceback_is_one_line_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    configured()

    def fail(secret: str) -> None:
        raise RuntimeError("broken")

    try:
        fail("hunter2")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "RuntimeError: broken" in text
    assert "hunter2" not in text.replace('fail("hunter2")', "").replace('fail(\\"hunter2\\")', "")


def test_development_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure(load(None, {}))
    structlog.get_logger().info("order.placed", order="0193")
    text = capsys.readouterr().err
    assert "order.placed" in text
    assert "order=0193" in text
