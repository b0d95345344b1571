"""What is past its retention is destroyed and its record stays (T16-2)."""

from datetime import datetime

from contract_gate.articles.article_16_secrecy import RETENTION, Retention, kept_since
from office.storage import retention
from office.use_cases.notify import ACTOR
from sql import Pool
from sql.evidence import append_all, entry

AT_ONCE = 500


async def sweep(pool: Pool, now: datetime) -> int:
    """Every field past its retention is destroyed, with a record of each; says how many were."""
    return sum([await destroy(pool, field, now) for field in RETENTION])


async def destroy(pool: Pool, field: str, now: datetime) -> int:
    """How many rows lost this field by now."""
    done, full = 0, True
    while full:
        async with pool.acquire() as conn, conn.transaction():
            gone = await retention.destroy(conn, field, kept_since(field, now), now, AT_ONCE)
            proofs = [
                entry(
                    "personal_data.destroyed", ACTOR, now, contract_id=each.contract_id, rule="T16-2", clause="A16.3",
                    field=field, row=each.id,
                )
                for each in gone
            ]  # fmt: skip
            await append_all(conn, proofs)
        done, full = done + len(gone), len(gone) >= AT_ONCE
    return done


def table() -> list[Retention]:
    """Purpose and retention of every field."""
    return list(RETENTION.values())
