"""Decisions of two persons: proposed by one, confirmed by another."""

from typing import Any

import msgspec

from office.edge.api.calls import Body, Call, Name, Operation, Paged, answer, created
from office.edge.api.roles import AUDITORS, COMPLIANCE, DESK, OPERATORS
from office.use_cases import proposals
from office.use_cases.idempotency import Answer

DECIDERS = DESK | COMPLIANCE | OPERATORS


class NewProposal(Body, frozen=True, forbid_unknown_fields=True):
    """`arguments`: as the kind demands."""

    kind: Name
    arguments: dict[str, Any]


async def propose(call: Call) -> Answer:
    """A decision is proposed."""
    new: NewProposal = call.body
    made = await proposals.propose(call.conn, call.caller, new.kind, new.arguments, call.now, call.proof)
    return created(written(made))


async def list_proposals(call: Call) -> Answer:
    """A page of proposals that concern the caller's role, newest first."""
    page = await proposals.listed(call.conn, call.caller, call.query.cursor, call.query.limit, call.now)
    return answer({"items": [written(each) for each in page.items], "next": page.next})


async def show(call: Call) -> Answer:
    """A proposal."""
    return answer(written(await proposals.named(call.conn, call.caller, call.path["proposal"], call.now)))


async def confirm(call: Call) -> Answer:
    """Another person confirms it, and it is decided."""
    found = await proposals.confirm(
        call.conn, call.caller, call.path["proposal"], call.house.access, call.now, call.proof
    )
    return answer(written(found))


async def withdraw(call: Call) -> Answer:
    """Who proposed it takes it back."""
    return answer(written(await proposals.withdraw(call.conn, call.caller, call.path["proposal"], call.now)))


def written(found: proposals.Proposal) -> object:
    """A proposal with its arguments as JSON."""
    return {**msgspec.structs.asdict(found), "arguments": msgspec.Raw(found.arguments.encode())}


OPERATIONS = (
    Operation("propose", "POST", "/proposals", DECIDERS, propose, body=NewProposal, person=True, once=True),
    Operation("listProposals", "GET", "/proposals", DECIDERS | AUDITORS, list_proposals, query=Paged,
              withheld=("arguments",)),
    Operation("showProposal", "GET", "/proposals/{proposal}", DECIDERS | AUDITORS, show, withheld=("arguments",)),
    Operation(
        "confirmProposal", "POST", "/proposals/{proposal}/confirm", DECIDERS, confirm, body=Body, person=True, once=True
    ),
    Operation(
        "withdrawProposal", "POST", "/proposals/{proposal}/withdraw", DECIDERS, withdraw, body=Body, person=True,
        once=True,
    ),
)  # fmt: skip
