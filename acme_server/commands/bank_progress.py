"""How far an import is: a bar on a terminal, a line each step elsewhere; always on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress

EVERY = 20_000  # records, where no terminal is


@contextmanager
def progress(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """What an import calls with what was done, how many, of how many."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: _plain(name, what, done, total)
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks = {what: bar.add_task(f"{name}: {what}", total=None) for what in ("read", "booked")}
        yield lambda what, done, total: bar.update(tasks[what], completed=done, total=max(done, total))


def _plain(name: str, what: str, done: int, total: int) -> None:
    if done and done % EVERY == 0:
        click.echo(f"{name}: {what} {done} of {max(done, total)}", err=True)
