"""pkilint in processes of its own, beside the signer: nothing of it is loaded where the keys are. C-064, C-067."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from ca.lint_report import Report

LOG = structlog.get_logger(__name__)
LENGTH_OCTETS = 4
REPORT_MAX = 2**20
END_SECONDS = 5.0
START_SECONDS = 60.0  # until a fresh process has made its validators
MODULE = "ca.pkilint_worker"


@dataclass
class Worker:
    """One process, started when it is needed, and again when it died or did not answer in time."""

    seconds: float
    process: Process | None = None
    answered: bool = False

    async def lint(self, tbs: Sequence[bytes]) -> list[Report | None]:
        """A report of each; None for those that are not answered, when the process is gone."""
        reports: list[Report | None] = []
        try:
            process = await self.running()
            assert process.stdin is not None
            process.stdin.writelines(one for each in tbs for one in (len(each).to_bytes(LENGTH_OCTETS, "big"), each))
            while len(reports) < len(tbs):
                async with asyncio.timeout(self.seconds if self.answered else START_SECONDS):
                    reports.append(await answer(process))
                self.answered = True
        except (OSError, EOFError, TimeoutError, RuntimeError, ValueError, msgspec.MsgspecError) as fault:
            LOG.error("linter_failed", reason=str(fault) or type(fault).__name__)
            await self.end()
        return reports + [None] * (len(tbs) - len(reports))

    async def running(self) -> Process:
        """The process. Raises OSError."""
        if self.process is None or self.process.returncode is not None:
            self.answered = False
            self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE)
        return self.process

    async def end(self, patience: float = 0.0) -> None:
        """The process has ended: its input does, and it is killed when it still runs `patience` seconds later."""
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def answer(process: Process) -> Report:
    """The next report. Raises EOFError, ValueError."""
    assert process.stdout is not None
    size = int.from_bytes(await process.stdout.readexactly(LENGTH_OCTETS), "big")
    if size > REPORT_MAX:
        raise ValueError(f"a report of {size} octets")
    return msgspec.json.decode(await process.stdout.readexactly(size), type=Report)


@dataclass
class PkilintPool:
    """So many processes, each with its share of what is asked. `ignored`: codes of findings that forbid nothing."""

    processes: int
    ignored: tuple[str, ...]
    seconds: float
    workers: list[Worker] = field(init=False)

    def __post_init__(self) -> None:
        self.workers = [Worker(self.seconds) for _ in range(self.processes)]

    async def start(self) -> None:
        """The processes begin to make their validators."""
        await asyncio.gather(*(worker.running() for worker in self.workers))

    async def lint(self, tbs: Sequence[bytes]) -> list[Report | None]:
        """A report of each, or None where no process could make one. One batch at a time."""
        shares = [tbs[number :: self.processes] for number in range(self.processes)]
        done = await asyncio.gather(*(w.lint(share) for w, share in zip(self.workers, shares, strict=True) if share))
        reports: list[Report | None] = [None] * len(tbs)
        for number, share in enumerate(done):
            reports[number :: self.processes] = share
        return [one and msgspec.structs.replace(one, ignored=self.ignored) for one in reports]

    async def close(self) -> None:
        """Every process has ended."""
        await asyncio.gather(*(worker.end(END_SECONDS) for worker in self.workers))
