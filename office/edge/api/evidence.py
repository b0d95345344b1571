"""What auditors read of evidence: all of it, its checkpoints, and whether the records of one are whole."""

from office.edge.api.calls import Call, Operation, Paged, answer
from office.edge.api.roles import AUDITORS
from office.use_cases import evidence_check
from office.use_cases.idempotency import Answer


async def list_all(call: Call) -> Answer:
    """A page of all evidence, newest first."""
    return answer(await evidence_check.listed(call.conn, call.query.cursor, call.query.limit))


async def list_checkpoints(call: Call) -> Answer:
    """A page of checkpoints, newest first; each signs the one before it and its records."""
    return answer(await evidence_check.checkpoints(call.conn, call.query.cursor, call.query.limit))


async def compare(call: Call) -> Answer:
    """A checkpoint, compared with the one before it and with its records as they are now."""
    return answer(await evidence_check.compared(call.conn, call.path["checkpoint"]))


OPERATIONS = (
    Operation("listAllEvidence", "GET", "/evidence", AUDITORS, list_all, query=Paged),
    Operation("listCheckpoints", "GET", "/checkpoints", AUDITORS, list_checkpoints, query=Paged),
    Operation("compareCheckpoint", "GET", "/checkpoints/{checkpoint}/comparison", AUDITORS, compare),
)
