"""Checkpoints outside the database: a file of JSON lines that only grows (design §6)."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from contract_gate.evidence import Checkpoint

MAX_LINE = 64 * 1024 * 1024
BLOCK = 64 * 1024
_decoder = msgspec.json.Decoder(Checkpoint)


class CheckpointFileUnusable(Exception):
    """The file cannot be carried on; says why and what to do."""


def append(path: Path, checkpoints: Iterable[Checkpoint]) -> None:
    """The checkpoints are on disk, a line each."""
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in checkpoints)
    created = not path.exists()
    with path.open("ab") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    if created:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)


def last(path: Path) -> Checkpoint | None:
    """The checkpoint of the last whole line, after cutting off what a crash left of a line; None without any line."""
    if not path.exists():
        return None
    with path.open("r+b") as file:
        end = newline_before(file.fileno(), os.fstat(file.fileno()).st_size)
        file.truncate(end)
        if end == 0:
            return None
        start = newline_before(file.fileno(), end - 1)
        found = parse(os.pread(file.fileno(), end - start, start))
    if found is None:
        raise CheckpointFileUnusable(f"the last line of {path} is no checkpoint: run `keiyaku evidence verify`")
    return found


def newline_before(descriptor: int, end: int) -> int:
    """Where the last line that a newline ended before `end` is over; 0 when none was."""
    while end > 0:
        start = max(0, end - BLOCK)
        if (at := os.pread(descriptor, end - start, start).rfind(b"\n")) >= 0:
            return start + at + 1
        end = start
    return 0


def parse(line: bytes) -> Checkpoint | None:
    """The checkpoint of a line, if it is one."""
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:
        return None


def read(path: Path, size: int) -> Iterator[Checkpoint | None]:
    """The checkpoints of the first `size` octets, a line each; None for a line that is none."""
    with path.open("rb") as file:
        while file.tell() < size and (line := file.readline(min(MAX_LINE, size - file.tell()))):
            yield parse(line)
