"""What `keiyaku dev` shows of its demo's keys."""

from collections.abc import Sequence

from sql import Conn, statements

SQL = statements("office/demo")


async def secrets_of(conn: Conn, kids: Sequence[str]) -> dict[str, bytes]:
    """HMAC keys by kid, of the binding keys there are."""
    return {row["kid"]: row["hmac_key"] for row in await conn.fetch(SQL["secrets"], list(kids))}
