"""A deployment of real processes that a test can kill at any point: two ACME processes, a signer, a worker, PostgreSQL.

Nothing in the product knows of it: every link between processes runs through a relay of the test (`proxies.py`).
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from aiohttp import ClientError, ClientSession, TCPConnector

from acme_server.config import Settings
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.dev.prepare import prepare
from office.use_cases.demo import Demo
from sql import Conn
from tests.acceptance.names import look
from tests.acceptance.proxies import Relay, Trip
from tests.acme_server.client import Answer, Client

BASE = "https://acme.test"
PATIENCE = 30.0
SYNC = ("-c", "recovery_init_sync_method=syncfs")  # a start after a crash opens no file of every database for that
PROCESSES = ("sign", "acme-1", "acme-2", "work")
POSTGRES = "postgres"


async def until(found: Callable[[], Awaitable[bool]], what: str, patience: float = PATIENCE) -> None:
    """Returns once `found` says yes. Fails the test when it does not within `patience` seconds."""
    end = time.monotonic() + patience
    while not await found():
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        await asyncio.sleep(0.02)


@dataclass
class ChallengeServer:
    """Answers http-01 as it should, once `open` is set. `asked` tells that somebody looks."""

    port: int = 0
    thumbprint: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """Looks get no answer until `open` is set; the next one is told by `asked`."""
        self.open.clear()
        self.asked.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """On a free port of loopback."""
        self.open.set()
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One look."""
        try:
            line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            self.asked.set()
            await self.open.wait()
            body = f"{line.rpartition('/')[2]}.{self.thumbprint}"
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class Deployment:
    """The processes, by name: `sign`, `acme-1`, `acme-2`, `work`; and PostgreSQL, which is this process's child."""

    root: Path
    demo: Demo
    database: EmbeddedPostgres
    launcher: "subprocess.Popen[str]"
    challenges: ChallengeServer = field(default_factory=ChallengeServer)
    pids: dict[str, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)  # pids whose leases nobody will end
    ports: dict[str, socket.socket] = field(default_factory=dict)
    relays: dict[str, Relay] = field(default_factory=dict)
    idle: list[Conn] = field(default_factory=list)  # connections of the owner that nobody uses

    @classmethod
    def made(cls, root: Path) -> "Deployment":
        """A durable PostgreSQL runs and has everything in it; no process of ours runs yet."""
        data = root / "data"
        data.mkdir(mode=0o700)
        postgres = EmbeddedPostgres(root / "pg", durable=True, settings=SYNC)
        postgres.start()
        demo = prepare(Settings(data=data), postgres)
        launcher = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("launcher.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        return cls(root, demo, postgres, launcher)

    def unmade(self) -> None:
        """Nothing of it runs."""
        self.launcher.communicate()
        self.database.stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Deployment"]:
        """Every process runs."""
        async with self.challenges.running():
            for name in PROCESSES:
                await self.make_room(name)
            await self.revive()
            yield self
            known = await look(self.database.dsn())
            logs = [file.read_text() for file in self.root.glob("*.log")]
            assert (known.evidence, [known.in_text(text) for text in logs if known.in_text(text)]) == ([], [])  # T16-3
            await self.kill(*PROCESSES)
            for relay in self.relays.values():
                await relay.stop()
            for held in self.ports.values():
                held.close()

    async def make_room(self, name: str) -> None:
        """Relays, a reserved port and the settings of a process."""
        links = [Relay(f"{name}/postgres", self.root / name / ".s.PGSQL.5432", self.database.socket / ".s.PGSQL.5432")]
        if name != "sign":
            links.append(Relay(f"{name}/signer", self.root / name / "signer.sock", self.root / "signer.sock"))
        for relay in links:
            await relay.start()
            self.relays[relay.link] = relay
        # bound and not listening: nobody else gets the port, and the process can share it (SO_REUSEPORT)
        self.ports[name] = held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        signer = self.root / ("signer.sock" if name == "sign" else f"{name}/signer.sock")
        (self.root / f"{name}.toml").write_text(f"""
            data = "{self.root / "data"}"
            [acme]
            base_url = "{BASE}"
            listen = "127.0.0.1:{held.getsockname()[1]}"
            processing_deadline = "40s"
            inline_wait = "1s"
            [database]
            embedded = false
            url = "postgresql://{{role}}@/keiyaku?host={self.root / name}"
            [validation]
            http_port = {self.challenges.port}
            [signer]
            socket = "{signer}"
            [log]
            format = "json"
            """)

    async def start(self, name: str) -> None:
        """The process runs and answers."""
        assert self.launcher.stdin
        assert self.launcher.stdout
        kind = name.partition("-")[0]
        self.launcher.stdin.write(f"{kind} {self.root / name}.toml {self.root / name}.log\n")
        self.launcher.stdin.flush()
        self.pids[name] = int(await asyncio.to_thread(self.launcher.stdout.readline))

    async def revive(self) -> None:
        """Everything that is dead runs again, PostgreSQL first."""
        assert self.database.process
        if self.database.process.poll() is not None:
            self.database.start()
        dead = [name for name in PROCESSES if name not in self.pids or not alive(self.pids[name])]
        for name in dead:
            await self.start(name)
        for name in dead:
            await until(lambda name=name: self.answers(name), f"{name} answers")

    async def answers(self, name: str) -> bool:
        """Whether the process takes connections; a worker need only live. One that died at once is started again."""
        if not alive(self.pids[name]):
            await self.start(name)
        if name == "work":
            return True
        try:
            if name == "sign":
                _, writer = await asyncio.open_unix_connection(self.root / "signer.sock")
            else:
                _, writer = await asyncio.open_connection(*self.ports[name].getsockname())
        except OSError:
            return False
        writer.close()
        return True

    async def kill(self, *names: str) -> None:
        """`kill -9`: when it returns, they are gone, PostgreSQL with all its backends."""
        for name in names:
            if name == POSTGRES:
                assert self.database.process
                os.kill(self.database.process.pid, signal.SIGSTOP)  # it starts no further backend
                self.idle.clear()
                for pid in [*children(self.database.process.pid), self.database.process.pid]:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.database.process.wait()
            else:
                os.kill(self.pids[name], signal.SIGKILL)
                self.gone.add(self.pids[name])
                await until(lambda name=name: dead(self.pids[name]), f"{name} is dead")

    def pause(self, name: str) -> None:
        """SIGSTOP: the process goes on some day, not knowing how late it is. Its leases run out meanwhile."""
        os.kill(self.pids[name], signal.SIGSTOP)
        self.gone.add(self.pids[name])

    def go_on(self, name: str) -> None:
        """SIGCONT."""
        os.kill(self.pids[name], signal.SIGCONT)
        self.gone.discard(self.pids[name])

    def arm(self, link: str, text: str, moment: str, cut: bool = True) -> Trip:
        """The relay of the link will stop there."""
        trip = Trip(link, text.encode(), "before" if moment == "before" else "after", cut=cut)
        self.relays[link].trip = trip
        return trip

    @property
    def signed(self) -> list[bytes]:
        """Every certificate that the signer has sent towards its store."""
        return self.relays["sign/postgres"].signed

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Conn]:
        """A connection as the database's owner, past every relay; kept for the next one when nothing failed."""
        conn = self.idle.pop() if self.idle else await asyncpg.connect(self.database.dsn())
        try:
            yield conn
        except BaseException:
            conn.terminate()
            raise
        self.idle.append(conn)

    async def let_leases_end(self, *, of_all: bool = False) -> None:
        """What dead and paused processes (or all) hold is free: their leases have run out by the database's clock."""
        async with self.owner() as conn:
            await conn.execute(
                "UPDATE acme.jobs SET locked_until = now() - interval '1 second' WHERE locked_until > now()"
                " AND ($2 OR split_part(locked_by, '/', 2) = ANY ($1))", [str(pid) for pid in self.gone], of_all,
            )  # fmt: skip

    async def let_deadlines_pass(self) -> None:
        """What is in processing has been so for too long, by every clock."""
        async with self.owner() as conn:
            await conn.execute(
                """WITH late AS (
                    UPDATE acme.orders SET deadline_at = now() WHERE status = 'processing' RETURNING id
                ), jobs AS (
                    UPDATE acme.jobs j SET deadline_at = now() FROM late
                    WHERE j.kind = 'issue' AND j.subject = late.id::text
                )
                UPDATE ca.to_be_signed t SET deadline_at = now() FROM acme.issuances i, late
                WHERE t.id = i.to_be_signed_id AND i.order_id = late.id"""
            )

    @asynccontextmanager
    async def account(self) -> AsyncIterator["Persistent"]:
        """A client with an account bound to the demo contract, whose challenges the challenge server answers."""
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            client = Client(session, BASE, self.reach("acme-1"))
            key = (self.demo.admitted.kid, self.demo.admitted.hmac_key)
            while (found := await client.register(key)).status != 201:
                assert found.error == "badNonce", (
                    found.body
                )  # the nonces of a process that has not heard of the crash yet
            yield Persistent(self, client)

    def reach(self, name: str) -> str:
        """Where the process listens."""
        return f"http://127.0.0.1:{self.ports[name].getsockname()[1]}"


@dataclass
class Persistent:
    """A client that, like real ones, tries again when a server is gone, fails, or refuses a nonce."""

    deployment: Deployment
    client: Client

    def elsewhere(self, name: str) -> "Persistent":
        """The same account at another process, with nonces of its own."""
        other = self.client.another()
        other.key, other.kid = self.client.key, self.client.kid
        return Persistent(self.deployment, other).at(name)

    def at(self, name: str) -> "Persistent":
        """The next requests go to that process."""
        self.client.reach = self.deployment.reach(name)
        return self

    async def post(self, url: str, payload: "dict[str, object] | None" = None) -> Answer:
        """The answer of whichever process answers; leases of the dead run out meanwhile."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                found = await self.client.post(url, payload)
                if found.status < 500 and not (found.status == 400 and found.error == "badNonce"):
                    return found
                said = str(found.body)
            except (ClientError, OSError, AssertionError) as error:
                self.client.nonce, said = None, repr(error)
                self.at("acme-2" if self.client.reach == self.deployment.reach("acme-1") else "acme-1")
            assert time.monotonic() < end, said
            await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process is there."""
    return Path(f"/proc/{pid}").exists()


async def dead(pid: int) -> bool:
    """Whether the process is gone."""
    return not alive(pid)


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]
