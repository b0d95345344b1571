"""The signer process (`keiyaku sign`): the only holder of keys. Design §8.

Of a request only the id is believed. Record and admission are read under the signer's own database role, checked
again, linted, signed by one thread, and stored with the record's change in one commit. Steps 5, 6 and 9 of issuance.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from ca.blocklist import Blocklist
from ca.ct_logs import Log
from ca.finishing import finish
from ca.keys import KeyAway, SigningKey
from ca.log_lists import LogLists
from ca.signer_crl import CrlMaker
from ca.signer_ct import begin_finals, finals_not_signed, load_held
from ca.signer_database import Database
from ca.signer_lines import LINE_MAX, Precertified, SignAnswer, Signed, SignerAway, SignRefused
from ca.signer_lint import NO_DEMANDS, Demands, look
from ca.signer_socket import BATCH_MAX, Waiting, answer_all, bound, converse
from ca.signer_store import store_all
from ca.signing import Authority, Certified, Held, Record, certify
from sql import Conn, statements
from sql.away import DATABASE_FAULTS

SQL = statements("ca/signer")
LOG = structlog.get_logger(__name__)
DOUBTFUL = SignRefused("may have been signed before: what came of it is unknown")
COPY = SignerAway("this database is a copy that was restored: run `keiyaku check --restored`")
MODULE_BATCH = 8  # with 500 ms a signature nobody waits 5 s for a batch that is not his own


async def serve(
    socket_path: Path, dsn: str, keys: Mapping[int, SigningKey], stop: asyncio.Event, now: Callable[[], datetime],
    blocklist: Blocklist | None = None, demands: Demands = NO_DEMANDS,
) -> None:  # fmt: skip
    """Signs what is asked for until `stop` is set; what was asked before is answered then. `keys` are by issuer id."""
    waiting, thread = Waiting(), ThreadPoolExecutor(1, "signing")
    signer = Signer(Database(dsn, keys), thread, now, blocklist, demands)
    maker = CrlMaker(Database(dsn, keys), thread, now)
    open_writers: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_unix_server(
        lambda reader, writer: converse(reader, writer, waiting, open_writers), sock=bound(socket_path), limit=LINE_MAX
    )
    work = asyncio.create_task(answer_all(waiting, signer, maker))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        if not work.done():
            await waiting.end()
        await work
    finally:
        for task in (work, stopped):
            task.cancel()
        server.close()
        for writer in list(open_writers):
            writer.close()
        socket_path.unlink(missing_ok=True)
        await maker.database.close()
        await signer.close()
        thread.shutdown()


@dataclass
class Signer:
    """One connection, and the one thread that signs: records only. CRLs have a connection of their own."""

    database: Database
    thread: ThreadPoolExecutor
    now: Callable[[], datetime]
    blocklist: Blocklist | None = None
    demands: Demands = NO_DEMANDS
    logs: LogLists = field(init=False)

    def __post_init__(self) -> None:
        self.logs = LogLists(self.demands.publisher)

    @property
    def batch_max(self) -> int:
        """How many records are signed before they are stored: fewer where each signature takes a module's time."""
        return BATCH_MAX if all(key.repeatable for key in self.database.keys.values()) else MODULE_BATCH

    async def sign(self, ids: Sequence[UUID]) -> Mapping[UUID, SignAnswer]:
        """An answer for every id. All certificates of a batch are stored in one commit, when each can be.

        A row that no process of ours would write (a date after the year 9999, say) spoils neither batch nor signer.
        """
        try:
            return await self._sign(await self.database.connection(), ids)
        except DATABASE_FAULTS as fault:
            return dict.fromkeys(ids, self.database.away(fault))
        except Exception as fault:
            LOG.exception("batch_not_signed", records=len(ids))
            away = self.database.away(fault)
        if len(ids) == 1:
            return {ids[0]: away}
        return {each: answer for one in ids for each, answer in (await self.sign([one])).items()}

    async def _sign(self, conn: Conn, ids: Sequence[UUID]) -> Mapping[UUID, SignAnswer]:
        answers: dict[UUID, SignAnswer] = dict.fromkeys(ids, SignRefused("no such record"))
        records = [Record(**row) for row in await conn.fetch(SQL["load_records"], ids, self.now())]
        answers |= {record.id: Signed() for record in records if record.state == "signed"}
        open_records = [record for record in records if record.state != "signed"]
        if open_records and not await self.database.is_accepted(conn):  # they may have been signed since the backup
            return answers | {record.id: COPY for record in open_records}
        held = await load_held(conn, open_records)
        answers |= {record.id: Precertified() for record in open_records if waits(record, held)}
        open_records = [record for record in open_records if not waits(record, held)]
        listed = await self.logs.refresh(conn) if held else None
        authorities = {
            number: await self.database.authority(conn, number)
            for number in {record.issuer_id for record in open_records}
        }
        now = self.now()
        reports, unfit = await look(conn, self.demands, [one for one in open_records if one.id not in held], now)
        open_records = [record for record in open_records if record.id not in unfit]
        begun, doubtful = await begin(conn, open_records, held, authorities, now)
        answers |= unfit | dict.fromkeys(doubtful, DOUBTFUL)
        open_records = [record for record in open_records if record.id not in doubtful]
        task = Task(held, listed.by_id if listed else {}, authorities, self.blocklist, now)
        outcomes = await asyncio.get_running_loop().run_in_executor(
            self.thread, lambda: [attempt(record, task) for record in open_records]
        )
        certified = []
        for record, outcome in zip(open_records, outcomes, strict=True):
            match outcome:
                case Certified():
                    certified.append(msgspec.structs.replace(outcome, report=reports.get(record.id)))
                case SignRefused() | SignerAway():
                    answers[record.id] = outcome
        if unsigned := begun - {one.record.id for one in certified}:
            await not_signed(conn, unsigned, held)
        return answers | await store_all(conn, certified, now)

    async def close(self) -> None:
        """Connection and linter have ended."""
        await self.database.close()
        if self.demands.linter is not None:
            await self.demands.linter.close()


async def begin(
    conn: Conn, records: Sequence[Record], held: Mapping[UUID, Held], authorities: Mapping[int, Authority | None],
    now: datetime,
) -> tuple[set[UUID], set[UUID]]:  # fmt: skip
    """Records whose signature could not be made a second time: those marked as begun by this commit, and those that
    had been begun before and are still neither signed nor known to be unsigned. Design §4.5.

    The certificate that goes with a precertificate has a mark of its own.
    """
    once = {record.id for record in records if once_only(authorities[record.issuer_id]) and record.state == "admitted"}
    if not once:
        return set(), set()
    first, finals = list(once - held.keys()), list(once & held.keys())
    begun = {row["id"] for row in await conn.fetch(SQL["begin_signing"], first, now)} if first else set()
    begun |= await begin_finals(conn, finals, now)
    return begun, once - begun


async def not_signed(conn: Conn, ids: set[UUID], held: Mapping[UUID, Held]) -> None:
    """No signature was made of these: their marks are gone."""
    if first := list(ids - held.keys()):
        await conn.execute(SQL["not_signed"], first)
    if finals := list(ids & held.keys()):
        await finals_not_signed(conn, finals)


def once_only(authority: Authority | None) -> bool:
    """Whether there is a key here that signs the same bytes differently each time."""
    return authority is not None and not authority.key.repeatable


def waits(record: Record, held: Mapping[UUID, Held]) -> bool:
    """Whether its precertificate is stored, and the certificate that goes with it must be recorded first."""
    return record.state == "admitted" and record.id in held and held[record.id].final is None


class Task(NamedTuple):
    """What the records of a batch are signed with."""

    held: Mapping[UUID, Held]
    logs: Mapping[bytes, Log]
    authorities: Mapping[int, Authority | None]
    blocklist: Blocklist | None
    now: datetime


def attempt(record: Record, task: Task) -> Certified | SignRefused | SignerAway:
    """The record's certificate, or why there is none. A fault of ours ends neither the batch nor the signer."""
    authority = task.authorities[record.issuer_id]
    if authority is None:  # the key may come back with the next start; until then the deadline bounds it
        return SignerAway(f"no key of issuer {record.issuer_id} here")
    try:
        if held := task.held.get(record.id):
            return finish(record, held, authority, task.logs, task.blocklist, task.now)
        return certify(record, authority, task.now, task.blocklist)
    except KeyAway as fault:
        return SignerAway(f"key: {fault}")
    except Exception as fault:
        LOG.exception("record_not_signed", record=str(record.id))
        return SignerAway(f"fault of the signer: {type(fault).__name__}")
