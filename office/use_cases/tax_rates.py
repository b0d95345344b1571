"""Rates of consumption tax to come: two people add one, and may remove it until it counts (T8-8)."""

from datetime import datetime

from contract_gate.calendar import jst_date
from contract_gate.money import WHOLE, TaxRate
from office.storage import tax_rates as stored
from office.storage.tax_rates import Added
from office.use_cases import asked
from office.use_cases.asked import Unfit, checked_text
from sql import Conn
from sql.evidence import append, entry

INSTEAD = (
    "add the right one from a later day on (`keiyaku invoice rate-add`): what was billed too little is claimed then,"
    " what was billed too much waits for two people (`keiyaku invoice tax-credits`)"
)


async def add(conn: Conn, rate: TaxRate, first: str, second: str, now: datetime) -> TaxRate:
    """A rate that takes effect on a day that is to come in Japan, by two people. T8-8. Raises Unfit."""
    day = rate.effective_on
    if not 0 <= rate.basis_points <= WHOLE:
        raise Unfit("a rate is 0 to 10000 basis points: 1000 is 10 %")
    if day <= jst_date(now):
        raise Unfit(f"a rate is added before it takes effect; {day} is not to come")
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        if not await stored.add(conn, rate, one.id, two.id, now):
            raise Unfit(
                f"{day} has a rate already: `keiyaku invoice rates` shows it, and two people remove it with"
                " `keiyaku invoice rate-remove` unless something was billed with it"
            )
        proof = entry(
            "tax_rate.added", asked.actor(one), now, rule="T8-8", clause="A8.1", effective_on=day,
            basis_points=rate.basis_points, second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return rate


async def remove(conn: Conn, rate: TaxRate, reason: str, first: str, second: str, now: datetime) -> TaxRate:
    """Nothing is billed by a rate to come any more, if nothing was; by two people. T8-8. Raises Unfit."""
    day, why = rate.effective_on, checked_text("reason", reason)
    if day <= jst_date(now):
        raise Unfit(f"what is in force stays, and {day} is not to come: {INSTEAD}")
    one, two = await asked.two_persons(conn, first, second)
    async with conn.transaction():
        found = await stored.remove(conn, rate, one.id, two.id, now)
        if found is None:
            raise Unfit(
                f"no rate of {rate.basis_points} basis points begins on {day}: `keiyaku invoice rates` shows them"
            )
        if found.billed:
            raise Unfit(f"the rate of {day} stays: invoices or credits made with it are {found.billed}; {INSTEAD}")
        if found.underway:
            raise Unfit(
                f"contracts whose first certificate is being issued, billed with the rate of {day}: {found.underway}."
                " Try again in a minute; it stays if they are issued"
            )
        proof = entry(
            "tax_rate.removed", asked.actor(one), now, rule="T8-8", clause="A8.1", effective_on=day,
            basis_points=rate.basis_points, reason=why, second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return rate


async def listed(conn: Conn) -> list[Added]:
    """Every rate that stands, by its first day."""
    return await stored.listed(conn)
