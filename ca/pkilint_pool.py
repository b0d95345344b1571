"""pkilint in processes of its own, beside the signer: nothing of it is loaded where the keys are. C-064, C-067."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec
import structlog

from ca.lint_report import Finding, Report

LOG = structlog.get_logger(__name__)
LENGTH_OCTETS = 4
REPORT_MAX = 2**20
END_SECONDS = 5.0
START_SECONDS = 60.0  # until a fresh process has made its validators
PAUSE_SECONDS = 1.0  # until a process that did not start is started again
STILL_SECONDS = 1.0  # with no report from anybody for so long, those that are there are not held up any longer
TRIES = 2
LATE_MAX = 1000
MODULE = "ca.pkilint_worker"
SILENT = "keiyaku.linter_silent"


@dataclass(eq=False)
class Subject:
    """Bytes to lint. `late`: whoever asked first did not wait for it, and hears of it when it is asked for again."""

    tbs: bytes
    report: "asyncio.Future[Report | None]"
    tries: int = 0
    late: bool = False


@dataclass
class Worker:
    """One process, started when it is needed, and again when it died or did not answer in time."""

    seconds: float
    process: Process | None = None
    ready: bool = False

    async def begun(self) -> Process:
        """The process, which may yet be making its validators. Raises OSError."""
        if self.process is None or self.process.returncode is not None:
            self.ready = False
            self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE)
        return self.process

    async def running(self) -> Process:
        """The process, which has made its validators. Raises OSError, EOFError, TimeoutError."""
        process = await self.begun()
        if not self.ready:
            async with asyncio.timeout(START_SECONDS):
                await message(process)
            self.ready = True
        return process

    async def ask(self, process: Process, tbs: bytes) -> Report:
        """Its report. Raises OSError, EOFError, TimeoutError, ValueError."""
        assert process.stdin is not None
        process.stdin.writelines((len(tbs).to_bytes(LENGTH_OCTETS, "big"), tbs))
        async with asyncio.timeout(self.seconds):
            return msgspec.json.decode(await message(process), type=Report)

    async def end(self, patience: float = 0.0) -> None:
        """The process has ended: its input does, and it is killed when it still runs `patience` seconds later."""
        process, self.process, self.ready = self.process, None, False
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):  # it ended just now
                process.kill()
            await process.wait()


async def message(process: Process) -> bytes:
    """What the process says next; empty when it is ready. Raises EOFError, ValueError."""
    assert process.stdout is not None
    size = int.from_bytes(await process.stdout.readexactly(LENGTH_OCTETS), "big")
    if size > REPORT_MAX:
        raise ValueError(f"a report of {size} octets")
    return await process.stdout.readexactly(size)


@dataclass
class PkilintPool:
    """So many processes, which take what waits one after the other. `ignored`: codes of findings that forbid nothing.

    `patience`: how long nobody has a report until those who ask get what is there; None: they wait for all.
    Bytes that no process answers for in `seconds` are tried once more behind all others, and then refused for good. Who
    restarts tries them anew, until the record's deadline.
    """

    processes: int
    ignored: tuple[str, ...]
    seconds: float
    patience: float | None = STILL_SECONDS
    workers: list[Worker] = field(init=False)
    waiting: "asyncio.Queue[Subject]" = field(default_factory=asyncio.Queue)
    late: dict[bytes, Subject] = field(default_factory=dict)
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workers = [Worker(self.seconds) for _ in range(self.processes)]

    async def start(self) -> None:
        """The processes begin to make their validators. Raises OSError."""
        if not self.tasks:
            await asyncio.gather(*(worker.begun() for worker in self.workers))
            self.tasks = [asyncio.create_task(self._work(worker)) for worker in self.workers]

    async def lint(self, tbs: Sequence[bytes]) -> list[Report | None]:
        """A report of each; None where no process could make one, or none has yet: then it may be asked for again."""
        await self.start()
        subjects = [self._subject(each) for each in tbs]
        await self._reports(subjects)
        return [self._taken(each) for each in subjects]

    async def close(self) -> None:
        """Every process has ended."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end(END_SECONDS) for worker in self.workers))

    def _subject(self, tbs: bytes) -> Subject:
        if (found := self.late.get(sha256(tbs).digest())) is None:
            found = Subject(tbs, asyncio.get_running_loop().create_future())
            self.waiting.put_nowait(found)
        return found

    async def _reports(self, subjects: Sequence[Subject]) -> None:
        """All are there, or nothing more comes soon; what is late already is not waited for."""
        while pending := {each.report for each in subjects if not each.late and not each.report.done()}:
            done, _ = await asyncio.wait(pending, timeout=self.patience, return_when=asyncio.FIRST_COMPLETED)
            if not done and any(worker.ready for worker in self.workers):
                break

    def _taken(self, subject: Subject) -> Report | None:
        """The report, if it is there; else the subject is late. That it is refused for good is not forgotten."""
        digest = sha256(subject.tbs).digest()
        if not subject.report.done() or subject.tries >= TRIES:
            subject.late, self.late[digest] = True, subject
            if len(self.late) > LATE_MAX:
                del self.late[next(iter(self.late))]
        else:
            self.late.pop(digest, None)
        report = subject.report.result() if subject.report.done() else None
        return report and msgspec.structs.replace(report, ignored=self.ignored)

    async def _work(self, worker: Worker) -> None:
        """One subject after the other, until cancelled; none is taken before there is a process to ask."""
        while True:
            process = await self._ready(worker)
            if process is None and any(other.ready for other in self.workers):
                await asyncio.sleep(PAUSE_SECONDS)  # the others answer meanwhile
                continue
            subject = await self.waiting.get()
            if process is None:
                subject.report.set_result(None)
                continue
            if process.returncode is not None:  # it died while there was nothing to do
                self.waiting.put_nowait(subject)
                continue
            try:
                subject.report.set_result(await worker.ask(process, subject.tbs))
            except Exception as fault:  # whatever it was, the subject is answered and the worker goes on
                LOG.error("linter_failed", reason=str(fault) or type(fault).__name__)
                await worker.end()
                self._again(subject)

    def _again(self, subject: Subject) -> None:
        """It is tried behind all others, or refused for good: a process that works did not answer for it, twice."""
        subject.tries += 1
        if subject.tries < TRIES:
            self.waiting.put_nowait(subject)
        else:
            silent = Finding("FATAL", SILENT, f"no answer within {self.seconds:g} s, {TRIES} times")
            subject.report.set_result(Report("pkilint", (silent,)))

    async def _ready(self, worker: Worker) -> Process | None:
        """The worker's process; None when it does not start."""
        try:
            return await worker.running()
        except (OSError, EOFError, TimeoutError, ValueError) as fault:
            LOG.error("linter_failed", reason=str(fault) or type(fault).__name__)
            await worker.end()
            return None
