"""The embedded PostgreSQL of `keiyaku dev` and of the tests: server binaries run as our direct child (design §3)."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acme_server.dev import data_folder, folder_lock
from acme_server.dev.disguise import NOBODY, Disguise, disguise, dying_with, hand_over
from acme_server.dev.folder_lock import DataFolderInUse
from acme_server.dev.pg_binaries import PostgresUnavailable, binaries

__all__ = ["DataFolderInUse", "EmbeddedPostgres", "PostgresUnavailable"]

LONGEST_SOCKET = 107  # octets in sockaddr_un
SOCKET_NAME = ".s.PGSQL.5432"
TemplateOf = Callable[[Path], Path | None]
NO_FSYNC = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def private_folder(path: Path) -> None:
    """`path` is a folder that only we may enter. Raises PostgresUnavailable when it is somebody else's."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise PostgresUnavailable(f"cannot make {path}: {error.strerror}. Choose another data folder.") from None
    owners = (os.geteuid(), NOBODY) if os.geteuid() == 0 else (os.geteuid(),)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or not os.access(path, os.W_OK):
        raise PostgresUnavailable(f"{path} is not our own folder to write in: remove it or choose another data folder")
    path.chmod(0o700)


@dataclass
class EmbeddedPostgres:
    """A PostgreSQL of our own under `root`: data, log, and a socket in a folder that only we may enter.

    No TCP port. `durable` is off only in tests. A new data folder is a copy of `template_of` the binaries, if there
    is one. It ends with the thread that started it: the main one.
    """

    root: Path
    durable: bool = True
    settings: Sequence[str] = ()
    template_of: TemplateOf | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    lock: int | None = field(default=None, init=False)

    @classmethod
    def of(cls, folder: Path, template_of: TemplateOf | None = None) -> "EmbeddedPostgres":
        """The server of `keiyaku dev` with that data folder, running or not."""
        return cls(folder / "postgres", template_of=template_of)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def socket(self) -> Path:
        """The folder of the socket: in `root`, or where its path is not too long for the system."""
        inside = self.root.absolute() / "socket"
        if len(os.fsencode(inside / SOCKET_NAME)) <= LONGEST_SOCKET:
            return inside
        name = f"keiyaku-{os.geteuid()}-{hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]}"
        runtime = os.environ.get("XDG_RUNTIME_DIR") if os.geteuid() else None
        return Path(runtime or "/tmp") / name  # noqa: S108 (private_folder checks whose it is)

    def dsn(self, user: str = "postgres", database: str = "keiyaku") -> str:
        """Address of `database` as `user`, over the socket."""
        return f"postgresql://{user}@/{database}?host={self.socket}"

    def start(self, timeout: float = 30) -> None:
        """The server answers. Raises PostgresUnavailable with the end of its log, or DataFolderInUse."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the server ends with the thread that starts it: start it from the main thread")
        for folder in (self.root, self.socket):
            private_folder(folder)
        again = self.lock is not None
        self.unlock()
        self.lock = folder_lock.acquire(self.root / "lock", again, timeout)
        how = disguise()
        try:
            self.launch(how)
            self.wait_until_ready(time.monotonic() + timeout)
        except OSError as error:
            self.stop()
            raise PostgresUnavailable(f"cannot run the server in {self.root}: {error}{how.hint}") from None
        except BaseException:
            self.stop()
            raise

    def launch(self, how: Disguise) -> None:
        """The server process exists, on a data folder that is complete."""
        bin_dir, version = binaries(self.data)
        for folder in (self.root, self.socket):
            hand_over(folder, how.owner)
        if not (self.data / "PG_VERSION").exists():
            template = self.template_of(bin_dir) if self.template_of is not None else None
            data_folder.make(self.data, bin_dir, version, how, durable=self.durable, template=template)
        lock = self.lock
        assert lock is not None
        with (self.root / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *how.prefix, bin_dir / "postgres", "-D", self.data.absolute(),
                    "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.socket}",
                    "-c", "unix_socket_permissions=0700", *(() if self.durable else NO_FSYNC), *self.settings,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=(lock,),
                preexec_fn=dying_with(os.getpid()), **how.identity,
            )  # fmt: skip

    def wait_until_ready(self, until: float) -> None:
        """The server says in its pid file that it takes connections, before `until` (monotonic)."""
        assert self.process is not None
        while True:
            try:
                lines = (self.data / "postmaster.pid").read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return
            if self.process.poll() is not None or time.monotonic() > until:
                tail = (self.root / "postgres.log").read_text(errors="replace")[-2000:]
                raise PostgresUnavailable(f"the server in {self.root} did not start:\n{tail}")
            time.sleep(0.005)

    def stop(self, timeout: float = 60) -> None:
        """The server has ended; committed rows are on disk. Fast shutdown, then an immediate one."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
        if self.socket.parent != self.root.absolute():
            shutil.rmtree(self.socket, ignore_errors=True)
        self.unlock()

    def unlock(self) -> None:
        """This process no longer holds the lock."""
        if self.lock is not None:
            folder_lock.release(self.lock)
            self.lock = None
