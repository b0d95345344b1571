"""Limits of a contract that differ from the settings': dated rows, with their reason."""

from datetime import datetime
from uuid import UUID

from office.storage import limits
from office.storage.limits import Override
from office.use_cases import asked
from office.use_cases.asked import Unfit, checked_text
from sql import Conn
from sql.evidence import append, entry

NAMES = ("new_accounts", "orders_of_account", "orders_of_contract", "orders_of_names", "failed_validations")
MOST = 9_999_999


async def set_limit(
    conn: Conn, contract: str, name: str, number: int | None, starts_at: datetime, reason: str, person: str,
    now: datetime,
) -> None:  # fmt: skip
    """The contract may do it so often from `starts_at` on; 0: no limit, None: as the settings say. Raises Unfit."""
    checked_text("reason", reason)
    if starts_at < now:
        raise Unfit(f"{starts_at.isoformat()} lies in the past: what was refused then stays refused")
    key, officer = await asked.contract(conn, contract), await asked.person(conn, person)
    async with conn.transaction():
        await limits.insert_override(conn, key.id, name, number, starts_at, reason, officer.id, now)
        row = entry(
            "limit.set", asked.actor(officer), now, contract_id=key.id, name=name, number=number, starts_at=starts_at,
            reason=reason,
        )  # fmt: skip
        await append(conn, row)


async def listed(
    conn: Conn, contract: str, after: UUID | None = None, most: int = asked.MOST
) -> list[Override]:  # fmt: skip
    """Numbers that were set for the contract, newest first; those behind one. Raises Unfit."""
    key = await asked.contract(conn, contract)
    return await limits.overrides(conn, key.id, most, after)
