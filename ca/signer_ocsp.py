"""OCSP in the signer process: answers signed with the key of a responder that the issuing CA has certified.

That key is made here, stays in this process's memory, and is made anew before its certificate ends; so no request ever
reaches the CA's key (C-150). Answers that are due are signed ahead, some hundreds at a time, and stored; one with a
nonce is signed when it is asked for. On a socket of its own, so that no certificate waits for answers. Lines:

    due <issuer>                                      signed <count>       failed <reason>
    nonce <issuer> <serial> <sha1|sha256> <nonce>     answer <base64>      unknown              failed <reason>
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import asyncpg
import msgspec
import structlog

from ca import keys, ocsp, responder_certificate, storage
from ca.certificate import Issuer, assemble
from ca.issuance import new_serial
from ca.keys import FileKey, KeyAway, SigningKey
from ca.linting import LintError
from ca.ocsp import Digest, Status
from ca.ocsp_client import LINE_MAX
from ca.signer_socket import bound
from sql import SERVER_SETTINGS, Conn, evidence, statements
from sql.away import DATABASE_FAULTS
from sql.ids import uuid7

SQL = statements("ca/signer_ocsp")
LOG = structlog.get_logger(__name__)
ACTOR = "process:signer"
AT_ONCE = 200
CONNECT_SECONDS, STATEMENT_SECONDS = 5.0, 30.0
DUE = re.compile(r"due (0|[1-9][0-9]{0,4})\n")
NONCE = re.compile(r"nonce (0|[1-9][0-9]{0,4}) ((?:[0-9a-f]{2}){1,32}) (sha1|sha256) ((?:[0-9a-f]{2}){16,32})\n")


class Responder(msgspec.Struct, frozen=True):
    """A responder's key, with the certificate that the issuer gave it."""

    key: FileKey
    certificate: bytes
    not_after: datetime


async def serve(
    socket_path: Path, dsn: str, held: Mapping[int, SigningKey], held_by: str, stop: asyncio.Event,
    now: Callable[[], datetime],
) -> None:  # fmt: skip
    """Answers on the socket until `stop` is set. `held` are the keys of issuers by id; `held_by` names this process."""
    signer, writers = OcspSigner(dsn, held, held_by, now), set[asyncio.StreamWriter]()
    server = await asyncio.start_unix_server(
        lambda reader, writer: converse(reader, writer, signer, writers), sock=bound(socket_path), limit=LINE_MAX
    )
    try:
        await stop.wait()
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        socket_path.unlink(missing_ok=True)
        await signer.close()


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, signer: "OcspSigner", writers: set[asyncio.StreamWriter]
) -> None:
    """Each line of a connection has its answer, in order."""
    writers.add(writer)
    try:
        while line := await reader.readline():
            writer.write(f"{await signer.answer(line.decode('ascii', 'replace'))}\n".encode())
            await writer.drain()
    except (ValueError, ConnectionError) as fault:  # also a line longer than LINE_MAX
        LOG.warning("ocsp_connection", fault=str(fault))
    finally:
        writers.discard(writer)
        writer.close()


@dataclass
class OcspSigner:
    """One database connection, used by one request at a time, and a responder for each issuer."""

    dsn: str
    held: Mapping[int, SigningKey]
    held_by: str
    now: Callable[[], datetime]
    conn: "asyncpg.Connection[asyncpg.Record] | None" = None
    responders: dict[int, Responder] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, line: str) -> str:
        """The answer to a line. A fault of ours ends neither the connection nor the process."""
        async with self.turn:
            try:
                return await self._answer(line)
            except DATABASE_FAULTS as fault:
                if self.conn is not None:
                    self.conn.terminate()
                    self.conn = None
                return f"failed database: {' '.join(str(fault).split())}"
            except (KeyAway, LintError) as fault:
                return f"failed {' '.join(str(fault).split())}"

    async def _answer(self, line: str) -> str:
        if found := DUE.fullmatch(line):
            return await self._due(int(found[1]))
        if found := NONCE.fullmatch(line):
            digest: Digest = "sha1" if found[3] == "sha1" else "sha256"
            return await self._nonced(int(found[1]), bytes.fromhex(found[2]), digest, bytes.fromhex(found[4]))
        raise ValueError("expected 'due <issuer>' or 'nonce <issuer> <serial> <digest> <nonce>'")

    async def _due(self, issuer_id: int) -> str:
        """Answers that are due, at most AT_ONCE, are signed and stored in one commit. C-147, C-148."""
        conn = await self._connection()
        issuer, responder = await self._of(conn, issuer_id)
        now = self.now()
        async with conn.transaction():
            await conn.execute(SQL["end_expired"], issuer_id, now)
            serials = [row["serial"] for row in await conn.fetch(SQL["take_due"], issuer_id, now, AT_ONCE)]
            if serials:
                revoked = await conn.fetch(SQL["revoked_of"], serials)
                statuses = {row["serial"]: Status(row["since"], row["reason"]) for row in revoked}
                this_update = now.replace(microsecond=0)
                both = await asyncio.to_thread(sign_all, issuer, responder, serials, statuses, this_update)
                await conn.execute(
                    SQL["store_answers"], serials, *both, this_update, this_update + ocsp.LIFETIME,
                    this_update + ocsp.REFRESH_AFTER,
                )  # fmt: skip
        return f"signed {len(serials)}"

    async def _nonced(self, issuer_id: int, serial: bytes, digest: Digest, nonce: bytes) -> str:
        """The answer of this moment, with the nonce; only about what was issued and has not ended. C-149, C-155."""
        conn = await self._connection()
        now = self.now()
        row = await conn.fetchrow(SQL["status_of"], issuer_id, serial, now)
        if row is None:
            return "unknown"
        issuer, responder = await self._of(conn, issuer_id)
        status, at = Status(row["since"], row["reason"]), now.replace(microsecond=0)
        return f"answer {b64encode(signed(issuer, responder, serial, digest, status, at, nonce)).decode()}"

    async def _of(self, conn: Conn, issuer_id: int) -> tuple[Issuer, Responder]:
        """The issuer and its responder, made anew when the one at hand ends soon. Raises KeyAway."""
        issuer = await storage.issuing_ca(conn, issuer_id)
        key = await asyncio.to_thread(self.held.get, issuer_id) if issuer is not None else None
        if issuer is None or key is None or key.spki != issuer.spki:
            raise KeyAway(f"no key of issuer {issuer_id} here")
        now, found = self.now(), self.responders.get(issuer_id)
        if found is None or not now < found.not_after - responder_certificate.RENEW_BEFORE:
            found = await self._new_responder(conn, issuer, key, now.replace(microsecond=0))
            self.responders[issuer_id] = found
        return issuer, found

    async def _new_responder(self, conn: Conn, issuer: Issuer, key: SigningKey, now: datetime) -> Responder:
        """A key nobody else has, and its certificate, which is stored before it is used. C-118."""
        made, serial = keys.generate(), new_serial()
        tbs = responder_certificate.to_be_signed(issuer, made.spki, serial, now)
        responder_certificate.lint(issuer, made.spki, serial, tbs, now)
        certificate = assemble(tbs, await asyncio.to_thread(key.sign, tbs))
        ends = now + responder_certificate.LIFETIME - responder_certificate.SECOND
        proof = evidence.entry(
            "responder.made", ACTOR, now, issuer_id=issuer.id, serial=serial.hex(), held_by=self.held_by,
            sha256=sha256(certificate).hexdigest(),
        )  # fmt: skip
        await conn.execute(
            SQL["store_responder"], uuid7(now), issuer.id, serial, self.held_by, certificate, now, ends, now,
            sha256(made.spki).digest(), proof.id, proof.kind, ACTOR, proof.content,
        )  # fmt: skip
        return Responder(made, certificate, ends)

    async def _connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self.conn is None or self.conn.is_closed():
            self.conn = await asyncpg.connect(
                self.dsn, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=SERVER_SETTINGS
            )
        return self.conn

    async def close(self) -> None:
        """The connection has ended."""
        if self.conn is not None:
            await self.conn.close(timeout=CONNECT_SECONDS)


def signed(
    issuer: Issuer, responder: Responder, serial: bytes, digest: Digest, status: Status, at: datetime,
    nonce: bytes | None = None,
) -> bytes:  # fmt: skip
    """One answer, in DER."""
    tbs = ocsp.to_be_signed(issuer, responder.key.spki, serial, digest, status, at, nonce)
    return ocsp.assemble(tbs, responder.key.sign(tbs), responder.certificate)


def sign_all(
    issuer: Issuer, responder: Responder, serials: Sequence[bytes], statuses: Mapping[bytes, Status], at: datetime
) -> tuple[list[bytes], list[bytes]]:
    """The answers about each serial number, asked by SHA-1 and by SHA-256."""
    good = Status()

    def by(digest: Digest) -> list[bytes]:
        return [signed(issuer, responder, each, digest, statuses.get(each, good), at) for each in serials]

    return by("sha1"), by("sha256")
