"""A new data folder of PostgreSQL: copied from one that was laid down at installation, or made by initdb."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from acme_server.dev.disguise import Disguise, Identity, dying_with, hand_over
from acme_server.dev.pg_binaries import PostgresUnavailable

BUILTIN_LOCALE_SINCE = 17


def make(
    data: Path, bin_dir: Path, version: int, how: Disguise, *, durable: bool, template: Path | None = None
) -> None:
    """`data` is complete and, if durable, on disk; one that was not finished never stands in its place.

    A copy has the identifier of its template, which only replicas and archives would ask for; a `dev` has neither. A
    template that goes while it is copied, since another is laid down, is none. Raises PostgresUnavailable.
    """
    with tempfile.TemporaryDirectory(dir=data.parent, prefix="making-") as name:
        made = Path(name).absolute() / "data"
        os.chown(name, how.owner, -1)
        if template is None or not copied(template, made):
            initialise(made, bin_dir, version, how, durable=durable)
        else:
            adopt(made, bin_dir, how, durable=durable)
        try:
            made.rename(data)
        except OSError as error:
            raise PostgresUnavailable(f"{data} is no data folder: {error.strerror}. Remove it.") from None


def initialise(made: Path, bin_dir: Path, version: int, how: Disguise, *, durable: bool) -> None:
    """A data folder with nothing of ours in it."""
    builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    locale = builtin if version >= BUILTIN_LOCALE_SINCE else ("--locale=C.UTF-8",)
    sync = () if durable else ("--no-sync",)
    command = [bin_dir / "initdb", "-D", made, "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale, *sync]
    finish("initdb", [*how.prefix, *command], how.identity, how.hint)


def copied(template: Path, made: Path) -> bool:
    """Whether it is the same folder as the template, which no server has open; else it is not there."""
    try:
        finish("cp", ["cp", "-R", template, made], {}, "")
    except PostgresUnavailable:
        shutil.rmtree(made, ignore_errors=True)
        return False
    return True


def adopt(made: Path, bin_dir: Path, how: Disguise, *, durable: bool) -> None:
    """A copy is its server's, and if durable on disk."""
    hand_over(made, how.owner)
    if durable:
        finish("initdb", [*how.prefix, bin_dir / "initdb", "--sync-only", "-D", made], how.identity, how.hint)


def finish(name: str, command: Sequence[str | Path], identity: Identity, hint: str) -> None:
    """The command has ended well. Raises PostgresUnavailable with what it said."""
    said = subprocess.run(command, capture_output=True, text=True, preexec_fn=dying_with(os.getpid()), **identity)
    if said.returncode:
        raise PostgresUnavailable(f"a data folder could not be made, {name} failed: {said.stderr.strip()}{hint}")
