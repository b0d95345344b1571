"""A process of one kind: runs its parts until SIGTERM or SIGINT, then drains. A second signal ends it at once."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import Any

import uvloop

from acme_server.config import Settings
from acme_server.database import NotLetIn, waiting
from acme_server.tally import Book
from ca.storage import NoIssuer

AT_ONCE = 1  # exit status
Part = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]]


def run(settings: Settings, parts: Sequence[Part]) -> None:
    """Runs the parts until a signal asks for the end, or one of them fails: then all end and the failure is raised.

    What people must mend before a start ends the process with status 1 and one line that says it.
    """
    missing = None
    try:
        uvloop.run(together(settings, parts))
    except* (NoIssuer, NotLetIn) as refused:
        missing = str(refused.exceptions[0])
    if missing is not None:
        sys.exit(missing)


async def together(settings: Settings, parts: Sequence[Part]) -> None:
    """All parts with one stop event; what they count is in this process's file."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, stop)
    with closing(Book(settings.metrics.folder, waiting)) as book:
        async with asyncio.TaskGroup() as group:
            group.create_task(book.keep(stop))
            for part in parts:
                group.create_task(part(settings, stop))


def end(stop: asyncio.Event) -> None:
    """The first signal asks the parts to drain, a second one ends the process at once."""
    if stop.is_set():
        os._exit(AT_ONCE)
    stop.set()
