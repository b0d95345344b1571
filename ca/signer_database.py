"""The signer and the database: records and CRLs each have a connection, with the issuers that there are keys of."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg

from ca import storage
from ca.keys import SigningKey
from ca.signer_lines import SignerAway
from ca.signing import Authority
from sql import SERVER_SETTINGS, Conn, statements

SQL = statements("ca/signer")
CONNECT_SECONDS, STATEMENT_SECONDS = 5.0, 30.0


@dataclass
class Database:
    """One connection, made when needed and again after a fault, and the issuers known by it. `keys` are by their id."""

    dsn: str
    keys: Mapping[int, SigningKey]
    conn: "asyncpg.Connection[asyncpg.Record] | None" = None
    authorities: dict[int, Authority] = field(default_factory=dict)
    accepted: bool = False

    async def connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        """The connection, which works as far as is known."""
        if self.conn is None or self.conn.is_closed():
            self.authorities.clear()
            self.accepted = False
            self.conn = await asyncpg.connect(
                self.dsn, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=SERVER_SETTINGS
            )
        return self.conn

    async def is_accepted(self, conn: Conn) -> bool:
        """Whether it is the cluster that the operators know, and no copy that was restored since. A connection ends
        before its cluster becomes another.
        """
        self.accepted = self.accepted or bool(await conn.fetchval(SQL["is_accepted"]))
        return self.accepted

    async def authority(self, conn: Conn, issuer_id: int) -> Authority | None:
        """The issuing CA with its key; None when there is no such CA, or the key is not here."""
        if issuer_id not in self.authorities:
            if (issuer := await storage.issuing_ca(conn, issuer_id)) is None:
                return None
            key = await asyncio.to_thread(self.keys.get, issuer_id)
            if key is None or key.spki != issuer.spki:
                return None
            self.authorities[issuer_id] = Authority(issuer, key)
        return self.authorities[issuer_id]

    def away(self, fault: BaseException) -> SignerAway:
        """After any fault the next request gets a fresh connection."""
        if self.conn is not None:
            self.conn.terminate()
            self.conn = None
        return SignerAway(f"database: {fault}")

    async def close(self) -> None:
        """The connection has ended."""
        if self.conn is not None:
            await self.conn.close(timeout=CONNECT_SECONDS)
