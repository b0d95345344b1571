"""`keiyaku dev`: everything on one machine, each kind of process on its own, under one supervisor (design §3).

The supervisor imports once and forks; each child dies with it. A child that dies is started again, PostgreSQL too.
"""

import ctypes
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from acme_server import app, processes
from acme_server.config import Settings
from acme_server.dev.disguise import PR_SET_PDEATHSIG
from acme_server.dev.management import serve_management
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.processes import Part

PR_SET_NAME = 15
RESTART_PAUSE = 0.2
YOUNG = 10.0  # who fails so soon could not start
FAILURES_MAX = 3
READY_PATIENCE = 30.0
ENDINGS = (signal.SIGTERM, signal.SIGINT)
STOP_PATIENCE = 25.0  # for all stages together
STAGES = (("acme-1", "acme-2", "people"), ("work",), ("sign",))  # who stops first may still need who stops later


class CannotStart(Exception):
    """A kind of child has failed again and again right after its start."""


@dataclass(frozen=True)
class Kind:
    """A kind of child: its name and what it runs."""

    name: str
    parts: Sequence[Part]


KINDS = (
    Kind("people", (app.serve_office, app.serve_status, serve_management, partial(app.serve_metrics, role="operator"))),
    Kind("acme-1", (app.serve_acme,)),
    Kind("acme-2", (app.serve_acme,)),
    Kind("sign", (app.sign,)),
)
WORK = Kind("work", (app.work,))  # when all listen: its first jobs and its imports would only delay them


@dataclass
class Supervisor:
    """The children by pid, when each kind was last started, and how often in a row it could not."""

    settings: Settings
    postgres: EmbeddedPostgres
    children: dict[int, Kind] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    stopping: bool = False
    hurried: bool = False

    def start(self, kind: Kind) -> None:
        """A child of the kind runs. A signal waits meanwhile: for our handler here, or to end the child."""
        self.started[kind.name] = time.monotonic()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        pid = os.fork()
        if pid == 0:
            if self.postgres.lock is not None:
                os.close(self.postgres.lock)  # held by a dead server's processes, it says that they still end
            run_child(self.settings, kind, parent)
        self.children[pid] = kind
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

    def until_listening(self) -> None:
        """Every listener takes connections, or a signal asks for the end. Raises TimeoutError."""
        settings, until = self.settings, time.monotonic() + READY_PATIENCE
        listens = [settings.acme.listen, settings.office.listen, settings.status.listen, settings.management.listen]
        waiting = [(each.host, each.port) for each in listens if each is not None]
        while waiting and not self.stopping:
            self.reap()
            waiting = [each for each in waiting if not reachable(*each)]
            if time.monotonic() > until:
                raise TimeoutError(f"nobody listens at {waiting} after {READY_PATIENCE:.0f} s")
            time.sleep(0.01)

    def watch(self) -> None:
        """Children that die are started again, until a signal asks for the end."""
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
                self.note_failure(kind, status)
                print(f"keiyaku: {kind.name} ended with status {status}; starting it again", file=sys.stderr)
                time.sleep(max(0.0, RESTART_PAUSE - (time.monotonic() - self.started[kind.name])))
                self.start(kind)

    def note_failure(self, kind: Kind, status: int) -> None:
        """Counts failed starts in a row. Raises CannotStart: who was killed, or ran a while, may be started again."""
        young = time.monotonic() - self.started[kind.name] < YOUNG
        failed = young and os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
        self.failures[kind.name] = self.failures.get(kind.name, 0) + 1 if failed else 0
        if self.failures[kind.name] >= FAILURES_MAX:
            raise CannotStart(f"{kind.name} cannot start: what it said above must be put right first")

    def revive_postgres(self) -> None:
        """PostgreSQL runs again after it died; what was committed is there."""
        if self.postgres.process is not None and self.postgres.process.poll() is not None:
            print("keiyaku: PostgreSQL ended; starting it again", file=sys.stderr)
            self.postgres.start()
            self.failures.clear()  # who needed it meanwhile is not to blame

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
        for number in ENDINGS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
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
    gc.enable()
    for number in ENDINGS:
        signal.signal(number, supervisor.ask_to_stop)
    try:
        for kind in KINDS:
            supervisor.start(kind)
        supervisor.until_listening()
        if not supervisor.stopping:
            supervisor.start(WORK)
            ready()
        supervisor.watch()
    except CannotStart as reason:
        sys.exit(f"keiyaku: {reason}")
    finally:
        supervisor.stop()


def reachable(host: str, port: int) -> bool:
    """Whether a connection could be made."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
