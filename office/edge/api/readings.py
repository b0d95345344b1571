"""Readings of the Terms, as they are and were; two people set one by the decision `reading.set`. articles.md §0.3."""

from office.edge.api.calls import Call, Operation, Paged, answer
from office.edge.api.roles import CA
from office.use_cases import audit, cursors, readings, tenants
from office.use_cases.idempotency import Answer


async def list_readings(call: Call) -> Answer:
    """Each reading that has a key, with the value in force, then those to come."""
    return answer({"items": await readings.listed(call.conn, call.now), "next": None})


async def list_changes(call: Call) -> Answer:
    """A page of values that two people gave to readings, newest first."""
    rows = await audit.readings(call.conn, call.query.cursor, call.query.limit + 1)
    last = tenants.page(rows, call.query.limit, lambda each: cursors.of_instant_and_name(each.effective_at, each.key))
    return answer(last)


OPERATIONS = (
    Operation("listReadings", "GET", "/readings", CA, list_readings),
    Operation("listReadingChanges", "GET", "/reading-changes", CA, list_changes, query=Paged),
)
