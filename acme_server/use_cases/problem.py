"""Problem documents that are stored: the error of a challenge or an order, rendered when it happens."""

from collections.abc import Sequence

import msgspec

from acme_server.protocol.errors import ErrorType, Subproblem
from acme_server.protocol.identifiers import identifier_of

URN = "urn:ietf:params:acme:error:"
EXPIRED = "This order expired before it was finalized. Place a new order."
ENDED = "An authorization of this order has expired or was deactivated. Place a new order."


def stored_problem(type: ErrorType, detail: str, subproblems: Sequence[Subproblem] = ()) -> bytes:
    """A problem document (RFC 8555 §6.7) as JSON; `identifier` only inside subproblems (A-065)."""
    document: dict[str, object] = {"type": URN + type.value, "detail": detail}
    if subproblems:
        document["subproblems"] = [subproblem(each) for each in subproblems]
    return msgspec.json.encode(document)


def subproblem(each: Subproblem) -> dict[str, object]:
    """One identifier's problem (RFC 8555 §6.7.1)."""
    kind, value = identifier_of(each.name)
    return {"type": URN + each.type.value, "detail": each.detail, "identifier": {"type": kind, "value": value}}
