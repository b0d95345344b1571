"""What the CA proposes to pay: a person answers the exclusions, the ceiling is computed (Article 25)."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_25_liability import EXCLUSIONS, Proposal, ceiling, proposal
from contract_gate.calendar import jst_date
from office.storage import liability, money_books, renewals
from office.storage.liability import NewProposal, Proposed
from office.use_cases import asked, renewal
from office.use_cases.asked import MOST, Unfit, one_of
from sql import Conn
from sql.evidence import append, entry

MOST_YEN = 10**15


async def propose(
    conn: Conn, contract: str, incident_on: date, damage_yen: int, applies: Collection[str],
    not_applies: Collection[str], person: str, now: datetime,
) -> Proposal:  # fmt: skip
    """The proposal, recorded with its inputs and who answered each of the eleven exclusions (T25-1 to T25-3).

    Raises Unfit.
    """
    answers = answered(applies, not_applies)
    if not 0 <= damage_yen <= MOST_YEN or incident_on > jst_date(now):
        raise Unfit("the damage is an amount of yen from 0 on, the incident no later than today")
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    ends_at = await renewal.term_end(conn, await renewals.line(conn, key.id), now)
    version = await liability.terms_version(conn, now)
    if ends_at is None or version is None:
        raise Unfit(f"contract '{contract}' has no certificate, so no term that counts")
    found, term_end = await money_books.settling(conn, key.id), jst_date(ends_at)
    received = found.received_fee_yen
    made = proposal(damage_yen, ceiling(received, found.term_months, incident_on, term_end), answers)
    new = NewProposal(
        key.id, incident_on, damage_yen, received, found.term_months, term_end, made.ceiling_yen, made.proposed_yen,
        list(made.excluded_by), version, who.id,
    )  # fmt: skip
    async with conn.transaction():
        await liability.insert(conn, new, now)
        inputs = {name: value for name, value in msgspec.structs.asdict(new).items() if name != "contract_id"}
        row = entry(
            "liability.proposed", asked.actor(who), now, contract_id=key.id, rule="T25-3", clause="A25.1", **inputs
        )
        await append(conn, row)
    return made


def answered(applies: Collection[str], not_applies: Collection[str]) -> dict[str, bool]:
    """What a person answered to every exclusion, each once. Raises Unfit."""
    for item in (*applies, *not_applies):
        one_of("exclusion", item, EXCLUSIONS)
    if set(applies) & set(not_applies):
        raise Unfit("an exclusion is answered once, with yes or no")
    answers = dict.fromkeys(applies, True) | dict.fromkeys(not_applies, False)
    if missing := [item for item in EXCLUSIONS if item not in answers]:
        raise Unfit(f"answer every exclusion with --applies or --not-applies: {', '.join(missing)}")
    return answers


async def listed(conn: Conn, contract: str | None, before: UUID | None = None, most: int = MOST) -> list[Proposed]:
    """Those of a contract, or all; newest first. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await liability.proposals(conn, key.id if key else None, most, before)
