"""Who will be blocked, by which gate, if nothing changes (design §5)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from ca.profiles import Profile, lifetime
from contract_gate.calendar import DAY, jst_date
from contract_gate.decision import Gate, Refused, Request
from contract_gate.facts import LoadedFacts
from contract_gate.gate import decide
from contract_gate.storage import facts_of_contracts
from office.storage import money_books
from office.storage.money_books import Running
from office.use_cases.asked import Unfit
from sql import Conn

PAGE = 200
MOST_NAMES = 100
HELD = "hold"  # G7 tells neither clause nor reason (T13-3)


class Blocked(msgspec.Struct, frozen=True):
    """A contract that the gate will refuse, and the gate it will name."""

    contract: str
    gate: str
    case: str


async def forecast(conn: Conn, at: datetime, now: datetime, profile: Profile) -> AsyncIterator[Blocked]:
    """Contracts to which the gate refuses that profile at a later instant by what is known now, by their numbers.

    The bank's data is taken to go on without a payment, up to the day before. Raises Unfit.
    """
    if at < now:
        raise Unfit("a forecast looks ahead: for the past `keiyaku gate explain --at` replays the rules")
    after = 0
    while page := await money_books.running(conn, after, PAGE):
        for blocked in await of_contracts(conn, page, at, profile):
            yield blocked
        after = page[-1].number


async def some(
    conn: Conn, at: datetime, now: datetime, profile: Profile, after: int, most: int
) -> tuple[list[Blocked], int | None]:
    """The same for the next so many contracts, and the number after which others follow. Raises Unfit."""
    if at < now:
        raise Unfit("a forecast looks ahead: choose an instant to come")
    page = await money_books.running(conn, after, most + 1)
    return await of_contracts(conn, page[:most], at, profile), page[most - 1].number if len(page) > most else None


async def of_contracts(conn: Conn, page: Sequence[Running], at: datetime, profile: Profile) -> list[Blocked]:
    """Those of them that something will stop. Raises Unfit."""
    try:
        longest = lifetime(profile, at)
    except ValueError as error:
        raise Unfit(str(error)) from error
    asked = [(contract.id, contract.names[:MOST_NAMES]) for contract in page]
    found = zip(page, asked, await facts_of_contracts(conn, asked, at), strict=True)
    return [
        blocked
        for contract, (_, names), loaded in found
        if (blocked := _blocked(contract, loaded, Request(tuple(names), None, None, longest), at))
    ]


def _blocked(contract: Running, loaded: LoadedFacts, wanted: Request, at: datetime) -> Blocked | None:
    answer = decide(gone_on(loaded, at), wanted, at)
    if not isinstance(answer, Refused):
        return None
    return Blocked(contract.handle, answer.gate.value, HELD if answer.gate is Gate.G7 else answer.case.value)


def assumed_by(at: datetime) -> str:
    """What `gone_on` takes to be so, in words."""
    return f"bank data goes on to {jst_date(at) - DAY} and shows no payment, letters of formation have left"


def gone_on(loaded: LoadedFacts, at: datetime) -> LoadedFacts:
    """The same facts when the bank's data came in every day and showed nothing, and notices of formation left."""
    known, yesterday = loaded.facts, jst_date(at) - DAY
    through = known.bank_data_through and max(known.bank_data_through, yesterday)
    return LoadedFacts(msgspec.structs.replace(known, bank_data_through=through, untold=False), loaded.raw)
