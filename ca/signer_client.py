"""The signer's client: what web processes and workers have instead of a key."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import structlog

from ca.signer_lines import (
    LINE_MAX,
    CrlAnswer,
    CrlMade,
    Precertified,
    SignAnswer,
    Signed,
    SignerAway,
    SignRefused,
    answer_of,
    name_of,
)

__all__ = ["CrlAnswer", "CrlMade", "Precertified", "SignAnswer", "SignRefused", "Signed", "SignerAway", "SignerClient"]

log = structlog.get_logger()


@dataclass
class SignerClient:
    """One connection to a signer, for any number of requests at once; made when needed, and again when lost."""

    socket_path: Path
    writer: asyncio.StreamWriter | None = field(default=None, init=False)
    listener: "asyncio.Task[None] | None" = field(default=None, init=False)
    pending: "dict[str, asyncio.Future[SignAnswer | CrlAnswer]]" = field(default_factory=dict, init=False)
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def sign(self, record_id: UUID, timeout: float) -> SignAnswer:
        """The record is signed and stored, or why not, within `timeout` seconds."""
        answer = await self._ask(f"sign {record_id}", name_of(record_id), timeout)
        return SignerAway("answered another question") if isinstance(answer, CrlMade) else answer

    async def crl(self, issuer_id: int, shard: int, timeout: float) -> CrlAnswer:
        """A new CRL of the shard is stored, or why not, within `timeout` seconds."""
        answer = await self._ask(f"crl {issuer_id} {shard}", name_of((issuer_id, shard)), timeout)
        return SignerAway("answered another question") if isinstance(answer, Signed | Precertified) else answer

    async def close(self) -> None:
        """The connection has ended; what is pending is answered `SignerAway`."""
        if self.writer is not None:
            self.writer.close()
        if self.listener is not None:
            await self.listener

    async def _ask(self, question: str, name: str, timeout: float) -> SignAnswer | CrlAnswer:
        try:
            async with asyncio.timeout(timeout):
                writer = await self._connection()
                if name not in self.pending:
                    self.pending[name] = asyncio.get_running_loop().create_future()
                    writer.write(f"{question}\n".encode())
                return await asyncio.shield(self.pending[name])
        except TimeoutError:
            return SignerAway(f"no answer within {timeout} s")
        except OSError as fault:
            return SignerAway(f"signer: {fault.strerror or fault}")

    async def _connection(self) -> asyncio.StreamWriter:
        async with self.connecting:
            if self.writer is None or self.writer.is_closing():
                reader, self.writer = await asyncio.open_unix_connection(self.socket_path, limit=LINE_MAX)
                self.listener = asyncio.create_task(self._listen(reader, self.writer))
            return self.writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hands answers out until the connection ends; then nobody waits on it any more."""
        try:
            while line := await reader.readline():
                name, answer = answer_of(line)
                if future := self.pending.pop(name, None):
                    future.set_result(answer)
        except (ValueError, OSError) as fault:
            log.warning("signer connection", fault=str(fault))
        finally:
            writer.close()
            lost, self.pending = self.pending, {}
            for future in lost.values():
                future.set_result(SignerAway("connection lost"))
