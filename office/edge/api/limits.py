"""How often a contract may do something, where that differs from the settings."""

from typing import Annotated, Literal

import msgspec

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Instant, Line, Operation, Paged, answer, done
from office.edge.api.roles import CA, OFFICERS
from office.use_cases import limits, tenants
from office.use_cases.idempotency import Answer


class NewLimit(Body, frozen=True, forbid_unknown_fields=True):
    """`number` 0: no limit, null: as the settings say. From now on, unless given."""

    name: Literal["new_accounts", "orders_of_account", "orders_of_contract", "orders_of_names", "failed_validations"]
    number: Annotated[int, msgspec.Meta(ge=0, le=9_999_999)] | None
    reason: Line
    starts_at: Instant | None = None


async def list_limits(call: Call) -> Answer:
    """A page of numbers that were set for a contract, newest first; of each limit the first that has begun counts."""
    query: Paged = call.query
    after = tenants.id_after(query.cursor)
    rows = await limits.listed(call.conn, await the_contract(call), after, query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def set_limit(call: Call) -> Answer:
    """The contract has its own number of a limit, over the settings' span."""
    new: NewLimit = call.body
    await limits.set_limit(
        call.conn, await the_contract(call), new.name, new.number, new.starts_at or call.now, new.reason, call.person,
        call.now,
    )  # fmt: skip
    return done()


OPERATIONS = (
    Operation("listLimits", "GET", OF + "/limits", CA, list_limits, query=Paged),
    Operation("setLimit", "POST", OF + "/limits", OFFICERS, set_limit, body=NewLimit, person=True, once=True),
)
