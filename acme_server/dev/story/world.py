"""The world that a story is played in: a database, a CA with its signer, the office, and a clock that jumps.

All of it is the product's own. Played are only those outside: mail servers, the bank, customers and their machines.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import asyncpg

from acme_server import app, evidence_key, sealer, worker
from acme_server.clock import CLOCK, FILE, utc_now
from acme_server.composed import context_of
from acme_server.config import Settings, load
from acme_server.database import dsn_of, make_pool, within
from acme_server.dev.prepare import make_ca
from acme_server.dev.story.bank_file import Credit
from acme_server.dev.story.machine import Machine
from acme_server.dev.story.mailbox import mailbox
from acme_server.dev.story.telling import Line, Telling
from acme_server.sealer import Sealer
from acme_server.storage import jobs
from acme_server.use_cases.context import Context
from contract_gate.calendar import JST
from office import worker as office
from office.use_cases import deliver, replacement, revocations
from office.use_cases.mail import Mail, Posting
from sql import Conn, Pool
from sql.migrate import ensure_partitions, let_run_ahead

MORNING = time(6)
SIGNER_STARTS = 30.0  # seconds
LEASE = 60.0
SETTINGS = {"VALIDATION__MODE": "always_valid", "ACME__REQUIRE_BINDING": "true", "ACME__INLINE_WAIT": "5s"}


def settings_of(folder: Path, **more: str) -> Settings:
    """Settings of a story in the folder: nothing listens, and whoever is asked for a challenge has answered it."""
    given = {"DATA": str(folder), **SETTINGS, **more}
    return load(None, {f"KEIYAKU_{name}": value for name, value in given.items()})


@dataclass
class World:
    """The parts that acts work with. `tell` takes each line as it happens."""

    settings: Settings
    context: Context
    conn: Conn  # as keiyaku_operator
    office: Pool
    posting: Posting
    sealer: Sealer
    tell: Callable[[Line], None]
    telling: Telling = field(default_factory=Telling)
    machines: dict[str, Machine] = field(default_factory=dict)  # of customers, by contract
    credits: list[Credit] = field(default_factory=list)  # paid in, not yet in a file of the bank
    bank_through: date = date.max  # what its files have told; until there is an account, nothing is to come
    notes: dict[str, str] = field(default_factory=dict)  # what one act leaves for a later one

    @property
    def now(self) -> datetime:
        """What the clock reads."""
        return utc_now()

    def set(self, day: date, at: time, later: timedelta = timedelta(0)) -> None:
        """It is that time of that day in Japan, or so much later."""
        CLOCK.set(datetime.combine(day, at, JST) + later)

    async def seal(self) -> None:
        """The evidence is sealed up to now: without that nothing is issued (design §6)."""
        await self.sealer.run_once(self.now)

    async def soon(self) -> None:
        """What the product does by itself within seconds: letters leave, revocations are executed and published."""
        await replacement.sweep(self.office, self.now)
        for _ in range(2):  # who is told before waits until the letter has left (T11-5)
            await deliver.address_notices(self.office, self.now, posting=self.posting)
            await deliver.hand_off(self.office, self.now, posting=self.posting)
            await revocations.sweep(self.office, self.now)
        await self.work()
        await revocations.sweep(self.office, self.now)
        await self.narrate()

    async def work(self) -> None:
        """The worker's jobs are done: certificates that a request could not wait for, and CRLs."""
        while taken := await jobs.claim(self.context.pool, 16, self.context.worker, LEASE, ["issue", "crl"]):
            for job in taken:
                await worker.work(self.context, job)

    async def daily(self) -> None:
        """The office's jobs at a day's end, one after the other."""
        for _, sweep in office.sweeps(self.posting):
            await sweep(self.office, self.now)
        if await self.narrate():
            await self.soon()

    async def narrate(self) -> bool:
        """Whatever the evidence says anew is told; whether there was anything."""
        lines = await self.telling.news(self.conn, self.now)
        for line in lines:
            self.tell(line)
        return bool(lines)


@asynccontextmanager
async def world(
    settings: Settings, owner_dsn: str, first_day: date, months: int, tell: Callable[[Line], None]
) -> AsyncIterator[World]:
    """A world on a fresh database that is migrated; its clock stands at the first morning."""
    begins = datetime.combine(first_day, MORNING, JST)
    with CLOCK.set_meanwhile(settings.data / FILE, begins):
        await let_run_ahead(owner_dsn, CLOCK.furthest())
        await ensure_partitions(owner_dsn, begins, months + 1)
        await make_ca(settings, owner_dsn, utc_now())
        key_file = within(settings, settings.evidence.key_file)
        evidence_key.create(key_file)
        async with AsyncExitStack() as stack:
            stop = asyncio.Event()
            signing = asyncio.create_task(app.sign(settings, stop))
            stack.push_async_callback(ended, signing, stop)
            await listening(within(settings, settings.signer.socket), signing)
            pool = await stack.enter_async_context(await make_pool(settings, "acme", size=4))
            people = await stack.enter_async_context(await make_pool(settings, "office", size=4))
            context = await stack.enter_async_context(context_of(settings, pool, "story"))
            conn = await asyncpg.connect(dsn_of(settings, "operator"))
            stack.push_async_callback(conn.close)
            port = await stack.enter_async_context(mailbox())
            mail = Mail("127.0.0.1", port, "notices@ca.keiyaku.test", "none", own_relay=False, per_minute=100_000)
            posting = Posting(mail, str(settings.office.base_url), "officers@ca.keiyaku.test")
            sealing = await stack.enter_async_context(sealed(settings))
            yield World(settings, context, conn, people, posting, sealing, tell)


async def listening(socket: Path, signing: "asyncio.Task[None]") -> None:
    """The signer takes connections. Raises what ended it before."""
    async with asyncio.timeout(SIGNER_STARTS):
        while not socket.exists():
            if signing.done():
                signing.result()
            await asyncio.sleep(0.01)


async def ended(signing: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    """The signer has ended."""
    stop.set()
    await signing


@asynccontextmanager
async def sealed(settings: Settings) -> AsyncIterator[Sealer]:
    """The sealer of this world."""
    key = evidence_key.load(within(settings, settings.evidence.key_file))
    conn = await asyncpg.connect(dsn_of(settings, "seal"))
    try:
        found = await sealer.take_over(conn, key, within(settings, settings.evidence.checkpoint_file))
        assert found is not None  # nobody else has this database
        yield found
    finally:
        await conn.close()
