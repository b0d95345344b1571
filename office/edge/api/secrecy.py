"""Who and what an auditor's token does not show: names, addresses and letters, as keiyaku_auditor reads none (T16-3).

In their place stands null, in pages always. One thing is shown whole to an auditor who says why: that is evidence.
"""

import msgspec
from aiohttp import web

from office.edge.api.calls import WHOLE, Call, Operation, Paged
from office.edge.api.problems import Problem
from office.edge.api.reading import strange
from office.use_cases import disclosures
from office.use_cases.idempotency import Answer
from office.use_cases.tokens import Caller

HEADER = "Disclosure-Reason"
LONGEST = 500


def reason_of(request: web.Request, operation: Operation, caller: Caller) -> str | None:
    """Why what is withheld must be shown; None: it is not asked for, or nothing is withheld. Raises Problem."""
    if caller.role != "auditor" or not disclosable(operation):
        return None
    reason = request.headers.get(HEADER, "").strip()
    if not reason:
        return None
    if len(reason) > LONGEST or strange(reason):
        raise Problem("malformed", f"{HEADER} is at most {LONGEST} characters in UTF-8")
    if caller.handle is None:
        raise Problem("forbidden", "a person must do this: the token is of a service")
    return reason


def disclosable(operation: Operation) -> bool:
    """Whether something is withheld of one thing; of pages, whose things are many, it always is."""
    return bool(operation.withheld) and not issubclass(operation.query, Paged)


async def seen(operation: Operation, call: Call, reason: str | None, answer: Answer) -> Answer:
    """The answer as this caller may see it; whole for a reason, once that is recorded. Raises Problem."""
    if call.caller.role != "auditor" or not operation.withheld:
        return answer
    if reason is None and operation.withheld == WHOLE:
        raise Problem("unfit", f"auditors see this for a reason alone: say it in {HEADER}, which is recorded")
    if reason is None:
        return msgspec.structs.replace(answer, body=msgspec.json.encode(without(answer.body, operation.withheld)))
    await disclosures.record(call.conn, call.person, operation.id, subject_of(call, answer), reason, call.now)
    return answer


def subject_of(call: Call, answer: Answer) -> str:
    """What was shown: its id, where the answer has one, else as the address names it."""
    said = msgspec.json.decode(answer.body) if answer.content_type == "application/json" else None
    return said["id"] if isinstance(said, dict) and "id" in said else " ".join(call.path.values())


def without(body: bytes, withheld: tuple[str, ...]) -> object:
    """The document with null for each field of these names, at any depth."""

    def hidden(value: object) -> object:
        match value:
            case dict():
                return {name: None if name in withheld else hidden(each) for name, each in value.items()}
            case list():
                return [hidden(each) for each in value]
            case _:
                return value

    return hidden(msgspec.json.decode(body))
