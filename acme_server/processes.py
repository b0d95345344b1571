"""A process of one kind: runs its part on an event loop until SIGTERM or SIGINT, then drains."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import uvloop

from acme_server.config import Settings

Part = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]]


def run(settings: Settings, parts: Sequence[Part]) -> None:
    """Runs the parts until a signal asks for the end, or one of them fails: then all end and the failure is raised."""
    uvloop.run(together(settings, parts))


async def together(settings: Settings, parts: Sequence[Part]) -> None:
    """All parts with one stop event."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part(settings, stop))
