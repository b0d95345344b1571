"""`keiyaku dev`: everything on one machine, each kind of process on its own, under one supervisor (design §3).

The supervisor imports once and forks; each child dies with it. A child that dies is started again, PostgreSQL too.
"""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from acme_server import app, processes
from acme_server.config import Settings
from acme_server.dev.management import serve_management
from acme_server.dev.postgres import PR_SET_PDEATHSIG, EmbeddedPostgres
from acme_server.processes import Part

PR_SET_NAME = 15
RESTART_PAUSE = 0.2
STOP_PATIENCE = 25.0  # for all stages together
STAGES = (("acme-1", "acme-2", "people"), ("work",), ("sign",))  # who stops first may still need who stops later


@dataclass(frozen=True)
class Kind:
    """A kind of child: its name and what it runs."""

    name: str
    parts: Sequence[Part]


KINDS = (
    Kind("sign", (app.sign,)),
    Kind("acme-1", (app.serve_acme,)),
    Kind("acme-2", (app.serve_acme,)),
    Kind("work", (app.work,)),
    Kind("people", (app.serve_office, app.serve_status, serve_management, partial(app.serve_metrics, role="operator"))),
)


@dataclass
class Supervisor:
    """The children by pid, and when each kind was last started."""

    settings: Settings
    postgres: EmbeddedPostgres
    children: dict[int, Kind] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    stopping: bool = False
    hurried: bool = False

    def start(self, kind: Kind) -> None:
        """A child of the kind runs."""
        self.started[kind.name] = time.monotonic()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            if self.postgres.lock is not None:
                os.close(self.postgres.lock)  # held by a dead server's processes, it says that they still end
            run_child(self.settings, kind, parent)
        self.children[pid] = kind

    def watch(self) -> None:
        """Children that die are started again, until a signal asks for the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask_to_stop)
        while not self.stopping:
            self.reap()
            self.revive_postgres()
            time.sleep(0.05)

    def ask_to_stop(self, _number: int, _frame: object) -> None:
        """SIGTERM or SIGINT came: all drain; at the second one all end at once, PostgreSQL in good order."""
        self.hurried = self.stopping
        self.stopping = True

    def reap(self) -> None:
        """A child that ended is forgotten and, while we are not stopping, started again."""
        for pid in list(self.children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            kind = self.children.pop(pid)
            if not self.stopping:
                print(f"keiyaku: {kind.name} ended with status {status}; starting it again", file=sys.stderr)
                time.sleep(max(0.0, RESTART_PAUSE - (time.monotonic() - self.started[kind.name])))
                self.start(kind)

    def revive_postgres(self) -> None:
        """PostgreSQL runs again after it died; what was committed is there."""
        if self.postgres.process is not None and self.postgres.process.poll() is not None:
            print("keiyaku: PostgreSQL ended; starting it again", file=sys.stderr)
            self.postgres.start()

    def stop(self) -> None:
        """Every child has drained and ended, stage by stage, then PostgreSQL."""
        self.stopping = True
        until = time.monotonic() + STOP_PATIENCE
        for stage in STAGES:
            self.stop_stage([pid for pid, kind in self.children.items() if kind.name in stage], until)
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.postgres.stop()

    def stop_stage(self, pids: Sequence[int], until: float) -> None:
        """The children have drained and ended, or patience has: the rest ends with `stop`."""
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        while self.children.keys() & set(pids) and time.monotonic() < until and not self.hurried:
            self.reap()
            time.sleep(0.01)


def run_child(settings: Settings, kind: Kind, parent: int) -> None:
    """Runs in the child and never returns: SIGTERM when the supervisor dies, also when it already has."""
    code = 1
    try:
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        prctl(PR_SET_NAME, kind.name.encode())  # what `ps` and `top` show
        if os.getppid() != parent:
            os._exit(1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        processes.run(settings, kind.parts)
        code = 0
    except BaseException as error:
        report(kind, error)
    finally:
        sys.stderr.flush()
        os._exit(code)


def report(kind: Kind, error: BaseException) -> None:
    """Why the child ended, on standard error."""
    causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    for cause in causes:
        print(f"keiyaku: {kind.name}: {type(cause).__name__}: {cause}", file=sys.stderr)


def run(settings: Settings, postgres: EmbeddedPostgres, ready: Callable[[], None]) -> None:
    """Runs all kinds until a signal; `ready` is called once every listener answers."""
    supervisor = Supervisor(settings, postgres)
    gc.freeze()
    try:
        for kind in KINDS:
            supervisor.start(kind)
        asyncio.run(listening(settings))
        ready()
        supervisor.watch()
    finally:
        supervisor.stop()


async def listening(settings: Settings) -> None:
    """Every listener takes connections."""
    listens = [settings.acme.listen, settings.office.listen, settings.status.listen, settings.management.listen]
    await asyncio.gather(*(reachable(each.host, each.port) for each in listens if each is not None))


async def reachable(host: str, port: int) -> None:
    """A connection could be made."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
