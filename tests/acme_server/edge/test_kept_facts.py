"""Facts that a process keeps admit nothing once one of them has changed, whoever changed it."""

from uuid import UUID

import pytest

from acme_server.use_cases.context import Context
from contract_gate.kept import KeptFacts
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run
from tests.acme_server.edge.gate_cases import FAULTS, Fault

NAME = "www.demo.test"
NOT_OF_A_STARTED_CONTRACT = ("G1 not accepted", "G1 term over", "G10 too short")
CHANGES = {name: fault for name, fault in FAULTS.items() if name not in NOT_OF_A_STARTED_CONTRACT}


async def is_kept(served: Served, context: Context) -> bool:
    """Whether the facts for newOrder and for finalize are kept."""
    row = await served.owner.fetchrow("SELECT id, contract_id FROM gate.binding_keys WHERE kid = 'demo'")
    keys: list[tuple[UUID, UUID | None]] = [(row["id"], None), (row["id"], row["contract_id"])]
    now = await served.owner.fetchval("SELECT now()")
    current = {row["revision"] for row in await served.owner.fetch("SELECT revision FROM gate.revisions")}
    return all(context.kept.facts(key, [NAME], now, current) is not None for key in keys)


@pytest.mark.rule("T0-5", "T8-7", "T3-2")
@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in CHANGES.items()])
async def test_a_change_counts_for_the_next_request_in_a_process_that_kept_the_facts(
    served: Served, fault: Fault
) -> None:
    client = await served.registered()
    for _ in range(2):  # the first certificate of the contract is a change itself
        await client.certificate(NAME)
    _, order = await ready(client, NAME)
    assert await is_kept(served, served.context)
    await run(served, *fault.come)
    placed = await client.order(NAME)
    finalized = await client.finalize(order)
    assert [(each.status, each.error) for each in (placed, finalized)] == [(fault.status, fault.type)] * 2


async def test_two_processes_decide_alike(served: Served) -> None:
    """What one process has kept and another has not makes no difference to what is recorded."""
    client = await served.registered()
    for _ in range(2):
        await client.certificate(NAME)
    await client.certificate(NAME)
    served.context.kept = KeptFacts()
    await client.certificate(NAME)
    rows = await served.owner.fetch(
        "SELECT convert_from(facts, 'UTF8')::jsonb AS facts FROM gate.decisions ORDER BY id"
    )
    assert len({row["facts"] for row in rows[-4:]}) == 1
