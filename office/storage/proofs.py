"""How the names of a certificate were proven, and when CAA was asked, by evidence, which never changes as rows do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from sql import Conn, statements

SQL = statements("office/proofs")


class Seen(msgspec.Struct, frozen=True):
    """What a look found; `detail` has a part `caa` when CAA was asked, too."""

    detail: dict[str, Any] = {}


class Validated(msgspec.Struct, frozen=True):
    """A validation: the name as an order has it, and whether it covers names below. `at`: when it was recorded."""

    name: str
    domain: str
    subdomains: bool
    method: str
    outcome: str
    seen: Seen


class Proof(msgspec.Struct, frozen=True):
    """An authorization that an order relied on. None: there is no evidence of its validation."""

    authorization_id: str
    validated: Validated | None
    at: datetime | None


class Looked(msgspec.Struct, frozen=True):
    """A look at CAA for these names, which permitted all of them."""

    at: datetime
    names: frozenset[str]


async def proofs(conn: Conn, serial: bytes) -> list[Proof]:
    """What the order of the certificate relied on."""
    return [
        Proof(str(row["authorization_id"]), validated_of(row["content"]), row["recorded_at"])
        for row in await conn.fetch(SQL["proofs"], serial)
    ]


def validated_of(content: bytes | None) -> Validated | None:
    """The validation in that evidence."""
    return None if content is None else msgspec.json.decode(content, type=Validated)


async def caa_checks(
    conn: Conn, serial: bytes, contract_id: object, since: datetime, until: datetime, names: Sequence[str]
) -> list[Looked]:
    """Looks at CAA for orders of the certificate's account, from `since` to `until`, at one of these names at least."""
    rows = await conn.fetch(SQL["caa_checks"], serial, contract_id, since, until, [name.encode() for name in names])
    return [Looked(row["recorded_at"], frozenset(msgspec.json.decode(row["content"])["seen"])) for row in rows]
