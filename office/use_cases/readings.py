"""Readings of the Terms: what was adopted, since when, changed by two people only (articles.md §0.3)."""

from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.readings import (
    CHOICES,
    DEFAULTS,
    LIFE_DEFAULTS,
    NOTICE_DEFAULTS,
    Reading,
    archive_of,
    choice,
    days_of,
    grace_of,
    notice_reading,
    of_contract,
    of_invoice,
    window_of,
)
from office.storage import readings, vouched
from office.use_cases import asked
from office.use_cases.asked import Unfit, actor, one_of
from sql import Conn
from sql.evidence import append, entry

ADOPTED = {
    **DEFAULTS,
    **LIFE_DEFAULTS,
    **{key: str(value) for key, value in NOTICE_DEFAULTS.items()},
    **{key: values[0] for key, values in CHOICES.items()},
}
KEYS = tuple(sorted(ADOPTED))


class Adopted(msgspec.Struct, frozen=True):
    """A reading. `since`: None for a default that nobody set; `to_come`: not effective yet."""

    key: str
    value: str
    since: datetime | None
    to_come: bool


async def listed(conn: Conn, now: datetime) -> list[Adopted]:
    """Every key with what is in force, then what is to come."""
    rows = {row.key: row for row in await readings.in_force(conn, now)}
    found = [
        Adopted(key, rows[key].value, rows[key].effective_at, False)
        if key in rows else Adopted(key, ADOPTED[key], None, False) for key in KEYS
    ]  # fmt: skip
    return found + [Adopted(row.key, row.value, row.effective_at, True) for row in await readings.to_come(conn, now)]


def fit(key: str, value: str, effective_at: datetime, now: datetime) -> Reading:
    """The key's value from that instant on; never for what was before. Raises Unfit."""
    one_of("reading", key, KEYS)
    row = Reading(key, effective_at, value)
    check(row)
    if effective_at < now:
        raise Unfit("a reading changes from now on or later: what was decided under the old one stays")
    return row


async def set_reading(
    conn: Conn, key: str, value: str, effective_at: datetime, first: str, second: str, now: datetime,
    proposal: UUID | None = None,
) -> None:  # fmt: skip
    """From that instant on the key has this value. Raises Unfit.

    `proposal`: that for which both vouched with their tokens, as the database wants it of the office.
    """
    row = fit(key, value, effective_at, now)
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        made = vouched.set_reading(conn, proposal) if proposal else readings.insert(conn, row, one.id, two.id)
        if not await made:
            raise Unfit(f"'{key}' has a value from that very instant on already: `keiyaku reading list` shows it")
        proof = entry(
            "reading.set", actor(one), now, rule="T20-3", key=key, value=value, effective_at=effective_at,
            second=actor(two),
        )  # fmt: skip
        await append(conn, proof)


def check(row: Reading) -> None:
    """The key can have that value. Raises Unfit."""
    try:
        if row.key in DEFAULTS:
            of_contract([row], row.effective_at, row.effective_at)
            of_invoice([row], row.effective_at)
        elif row.key == "review.rejected_docs":
            archive_of(row.value)
        elif row.key == "nonpayment.revoke":
            grace_of(row.value)
        elif row.key in ("renewal.issues", "renewal.opens"):
            window_of(row.key, row.value)
        elif row.key in LIFE_DEFAULTS:
            days_of(row.key, row.value)
        elif row.key in CHOICES:
            choice(row.key, row.value)
        else:
            notice_reading(row.key, row.value)
    except ValueError as error:
        raise Unfit(f"'{row.key}' cannot be '{row.value}': {error}") from error
