"""What worker and status service have instead of a responder's key: the OCSP socket of the signer process."""

import asyncio
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path

from ca.ocsp import Digest
from ca.signer_lines import SignerAway

LINE_MAX = 16 * 1024


@dataclass
class OcspClient:
    """One connection, one question at a time; made when needed, and again when lost."""

    socket_path: Path
    streams: "tuple[asyncio.StreamReader, asyncio.StreamWriter] | None" = field(default=None, init=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def due(self, issuer_id: int, timeout: float) -> int | SignerAway:
        """How many answers that were due are signed and stored now; there may be more."""
        word, _, rest = (await self._ask(f"due {issuer_id}\n", timeout)).partition(" ")
        return int(rest) if word == "signed" else SignerAway(rest)

    async def nonced(
        self, issuer_id: int, serial: bytes, digest: Digest, nonce: bytes, timeout: float
    ) -> bytes | SignerAway | None:
        """An answer with this nonce; None when nothing is known of the serial number."""
        question = f"nonce {issuer_id} {serial.hex()} {digest} {nonce.hex()}\n"
        word, _, rest = (await self._ask(question, timeout)).partition(" ")
        if word == "answer":
            return b64decode(rest)
        return None if word == "unknown" else SignerAway(rest)

    async def close(self) -> None:
        """The connection has ended."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

    async def _ask(self, question: str, timeout: float) -> str:
        try:
            async with asyncio.timeout(timeout), self.turn:
                return await self._asked(question)
        except (TimeoutError, OSError, ValueError) as fault:
            return f"failed {str(fault) or type(fault).__name__}"

    async def _asked(self, question: str) -> str:
        if self.streams is None:
            self.streams = await asyncio.open_unix_connection(self.socket_path, limit=LINE_MAX)
        reader, writer = self.streams
        try:
            writer.write(question.encode())
            line = await reader.readline()
            if not line:
                raise ConnectionError("the connection was lost")
        except BaseException:  # an answer that comes late must not be taken for the next one's
            await self.close()
            raise
        return line.decode().rstrip("\n")
