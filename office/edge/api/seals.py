"""The seal (Web ステッカー): asked for and given back by the customer. T1-3, T4-5, Article 19."""

from typing import Annotated

import msgspec

from office.edge.api.applications import FILLERS, OF, the_contract
from office.edge.api.calls import Body, Call, Operation, Paged, Query, answer, created, done
from office.edge.api.roles import CA, EVERYBODY
from office.use_cases import seal, tenants
from office.use_cases.idempotency import Answer


class OnPage(Query, frozen=True, forbid_unknown_fields=True):
    """T4-10. The address of a page that would show it."""

    page: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None


async def request(call: Call) -> Answer:
    """The seal is on; the addresses of its page and its image."""
    token = await seal.request(call.conn, await the_contract(call), call.person, call.now)
    page = f"{call.house.access.portal.rstrip('/')}/seal/{token}"
    return created({"page": page, "image": f"{page}/image.svg"})


async def withdraw(call: Call) -> Answer:
    """The seal is off; asked for again, it comes back at the same addresses."""
    await seal.withdraw(call.conn, await the_contract(call), call.person, call.now)
    return done()


async def show(call: Call) -> Answer:
    """The seal of a contract, if it was ever asked for."""
    return answer(tenants.Page(await seal.listed(call.conn, await the_contract(call)), None))


async def check(call: Call) -> Answer:
    """Whether the seal is valid now, and would be shown on that page; nothing is recorded (T19-2)."""
    return answer(await seal.check(call.conn, await the_contract(call), call.query.page, call.now))


async def list_all(call: Call) -> Answer:
    """A page of seals, by contract."""
    rows = await seal.listed(call.conn, None, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.contract))


OPERATIONS = (
    Operation("requestSeal", "POST", OF + "/seal", FILLERS, request, body=Body, person=True, once=True),
    Operation("withdrawSeal", "DELETE", OF + "/seal", FILLERS, withdraw, person=True),
    Operation("showSeal", "GET", OF + "/seal", EVERYBODY, show),
    Operation("checkSeal", "GET", OF + "/seal/validity", EVERYBODY, check, query=OnPage),
    Operation("listSeals", "GET", "/seals", CA, list_all, query=Paged),
)
