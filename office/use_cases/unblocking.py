"""Who settles the last overdue invoice of a contract is told that certificates are issued again (T8-15).

Both steps belong to the transaction that settles, under the contracts' locks: `blocked` before, `tell` after.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_08_payment import unblocked
from contract_gate.facts import Facts
from contract_gate.storage import facts_of_contracts
from office.storage import unblocking
from office.use_cases.notify import notify
from sql import Conn


async def blocked(conn: Conn, invoices: Sequence[UUID], now: datetime) -> list[Facts]:
    """What is known of each contract that one of these invoices may block.

    Where invoices of other contracts block too, two payments at one moment would each see the other's unpaid.
    """
    found = await unblocking.perhaps_blocking(conn, invoices)
    if customers := {each.customer_id for each in found if each.whole_customer}:
        await unblocking.hold_customers(conn, sorted(customers))
    asked = [(each.contract_id, ()) for each in found]
    return [loaded.facts for loaded in await facts_of_contracts(conn, asked, now)]


async def tell(conn: Conn, before: Sequence[Facts], settled: Mapping[str, int], now: datetime) -> None:
    """A notice of each contract whose block ended by yen settled of invoices, by their numbers: of the contract whose
    invoices they are, and of each other of its customer that they blocked (R-13).
    """
    for facts in before:
        if facts.contract is not None and unblocked(facts, settled, now):
            paid = [each.number for each in facts.invoices if each.number in settled]
            await notify(conn, "payment_unblocked", now, contract_id=facts.contract.id, invoice=", ".join(paid))
