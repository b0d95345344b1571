"""One `dev` a data folder: a lock that lasts until the last process of the server has ended (design §3)."""

import fcntl
import os
import sys
import time
from pathlib import Path


class DataFolderInUse(Exception):
    """Another process has the folder; says which."""


def acquire(path: Path, again: bool, timeout: float) -> int:
    """Descriptor of the lock, held while this process or one that inherited it lives.

    What a dead owner's server leaves behind, or ours (`again`), is waited for. Raises DataFolderInUse.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace")
            if (alive(holder) and not again) or time.monotonic() > until:
                os.close(descriptor)
                raise DataFolderInUse(
                    f"{path.parent} is in use by process {holder}: stop that one, or take another data folder"
                ) from None
            time.sleep(0.01)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} ({Path(sys.argv[0]).name})".encode(), 0)
    return descriptor


def release(descriptor: int) -> None:
    """The lock is no longer ours; it is free once no server process has it."""
    os.ftruncate(descriptor, 0)
    os.close(descriptor)


def alive(holder: str) -> bool:
    """Whether the process that wrote its id into the lock runs; a zombie does not."""
    number = holder.partition(" ")[0]
    try:
        status = Path(f"/proc/{int(number)}/stat").read_text()
    except (OSError, ValueError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
