"""Logs: one line an event on standard error, with the request's id; people only by id (T16-3)."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from acme_server.config import Settings


@contextmanager
def unseen(name: str) -> Iterator[None]:
    """Imports inside do not find the module of that name; afterwards it is what it was."""
    missing = object()
    before = sys.modules.get(name, missing)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not missing:
            sys.modules[name] = before  # type: ignore[assignment]


with unseen("rich"):  # structlog would draw tracebacks with it, which we never do: 0.3 s of each start
    import structlog


def configure(settings: Settings) -> None:
    """Every event from `log.level` on, ours and the libraries', is a line: JSON, or readable in development."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    level = logging.getLevelNamesMapping()[settings.log.level.upper()]
    structlog.configure(
        processors=[*shared, *rendered(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=rendered(settings), foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def rendered(settings: Settings) -> list[structlog.typing.Processor]:
    """An event as its line. A traceback is one field of it, without the values of variables."""
    if settings.log.format == "json":
        return [without_internals, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return [without_internals, plain]


def without_internals(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The event without what ProcessorFormatter keeps of the original record in it."""
    return {key: value for key, value in event.items() if not key.startswith("_")}


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Every line written inside carries `ids`: a request's, an account's, a job's; never a name or an address."""
    with structlog.contextvars.bound_contextvars(**{key: str(value) for key, value in ids.items()}):
        yield
