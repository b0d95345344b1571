"""Submission to logs: RFC 6962 §4.2, the same for logs with static tiles. Step 7 of issuance; its only IO is HTTP."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from ca.ct_logs import Log, chosen, next_to_ask
from ca.sct import Sct, SctError, fault, parse

ANSWER_MAX = 16 * 1024
ADD_PRE_CHAIN = "ct/v1/add-pre-chain"
SHOWN = 200


class LogFailed(Exception):
    """A log has given no SCT that counts; says why."""


class TooFew(Exception):
    """The logs have not given SCTs that are enough; says what each of them did."""


class Answer(msgspec.Struct):
    """What add-pre-chain answers."""

    sct_version: int
    id: str
    timestamp: int
    extensions: str
    signature: str


class Entry(msgspec.Struct, frozen=True):
    """A stored precertificate with its chain, and what logs sign of it."""

    chain: tuple[bytes, ...]
    issuer_key_hash: bytes
    tbs: bytes
    signed_at: datetime


class Given(msgspec.Struct, frozen=True):
    """A log's SCT, verified."""

    log: Log
    sct: Sct


Submit = Callable[[Log], Awaitable[Sct]]


async def submit(session: ClientSession, log: Log, entry: Entry, seconds: float, now: Callable[[], datetime]) -> Sct:
    """The log's SCT for the entry, verified (C-127). Raises LogFailed."""
    body = msgspec.json.encode({"chain": [b64encode(der).decode() for der in entry.chain]})
    try:
        async with session.post(
            log.url + ADD_PRE_CHAIN, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False,
            timeout=ClientTimeout(total=seconds),
        ) as answer:  # fmt: skip
            content = await bounded(answer)
            if answer.status != 200:
                said = " ".join(content[:SHOWN].decode("utf-8", "replace").split())
                raise LogFailed(f"answered {answer.status}: {said}")
    except TimeoutError:
        raise LogFailed(f"no answer within {seconds:g} s") from None
    except (ClientError, OSError) as away:
        raise LogFailed(f"away: {str(away) or type(away).__name__}") from None
    sct = sct_of(content)
    if reason := fault(sct, log.id, log.key, entry.issuer_key_hash, entry.tbs, entry.signed_at, now()):
        raise LogFailed(f"SCT refused: {reason}")
    return sct


async def bounded(answer: ClientResponse) -> bytes:
    """The body. Raises LogFailed when it is longer than any SCT."""
    content = b""
    async for chunk in answer.content.iter_chunked(ANSWER_MAX):
        content += chunk
        if len(content) > ANSWER_MAX:
            raise LogFailed("answered more than an SCT")
    return content


def sct_of(content: bytes) -> Sct:
    """The SCT of an answer. Raises LogFailed."""
    try:
        answer = msgspec.json.decode(content, type=Answer)
        fields = [b64decode(text, validate=True) for text in (answer.id, answer.extensions, answer.signature)]
        log_id, extensions, signature = fields
        raw = bytes((answer.sct_version,)) + log_id + answer.timestamp.to_bytes(8, "big")
        return parse(raw + len(extensions).to_bytes(2, "big") + extensions + signature)
    except (msgspec.MsgspecError, SctError, ValueError, OverflowError, RecursionError) as refused:
        raise LogFailed(f"no SCT: {refused}") from None


@dataclass
class Gathering:
    """What came of each log so far. `ask` is called once for a log at most."""

    ask: Submit
    candidates: Sequence[Log]
    number: int
    got: dict[Log, Sct] = field(default_factory=dict)
    failed: dict[Log, str] = field(default_factory=dict)
    running: dict[asyncio.Task[Sct], Log] = field(default_factory=dict)

    async def done(self, patience: float) -> list[Given]:
        """SCTs that are enough, in the order of the candidates. Raises TooFew when no log is left."""
        while (some := chosen([log for log in self.candidates if log in self.got], self.number)) is None:
            self.start(max(1, self.number - len(self.got)))
            if not self.running:
                raise TooFew(self.told())
            await self.step(patience)
        return [Given(log, self.got[log]) for log in some]

    def start(self, most: int) -> None:
        """Up to `most` logs are being asked."""
        while len(self.running) < most:
            asked = [*self.got, *self.running.values()]
            left = [log for log in self.candidates if log not in self.failed]
            if (log := next_to_ask(left, asked)) is None:
                return
            self.running[asyncio.ensure_future(self.ask(log))] = log

    async def step(self, patience: float) -> None:
        """A log has answered or failed; or none did within `patience` seconds, and one more is being asked."""
        done, _ = await asyncio.wait(self.running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            self.start(len(self.running) + 1)
        for task in done:
            log = self.running.pop(task)
            try:
                self.got[log] = task.result()
            except LogFailed as reason:
                self.failed[log] = str(reason)

    async def end(self) -> None:
        """Nobody is being asked any more."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def told(self) -> str:
        """How many SCTs there are, and what became of the other logs."""
        reasons = [f"{log.description}: {reason}" for log, reason in self.failed.items()]
        reasons += [f"{log.description}: no answer in time" for log in self.running.values()]
        have = f"{len(self.got)} SCTs are not enough" if self.got else "no SCT"
        return f"{have}: {'; '.join(reasons) or 'no log takes this certificate'}"


async def gather(ask: Submit, candidates: Sequence[Log], number: int, patience: float, seconds: float) -> list[Given]:
    """So many SCTs that are enough. Raises TooFew after `seconds`, or when no log is left.

    As many logs as are needed are asked at once; another one for each that fails, or while none answers.
    """
    gathering = Gathering(ask, candidates, number)
    try:
        async with asyncio.timeout(seconds):
            return await gathering.done(patience)
    except TimeoutError:
        raise TooFew(gathering.told()) from None
    finally:
        await gathering.end()
