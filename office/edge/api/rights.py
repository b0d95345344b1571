"""Who may do what: tokens, who left, and the quarterly reviews. T17-1; C-176.

Two people give a token, record who left and close a review by the decisions `token.issue`, `person.leave` and
`access_review.close`.
"""

from office.edge.api.calls import Body, Call, Operation, Paged, answer, done
from office.edge.api.roles import CA, COMPLIANCE, DESK, OPERATORS
from office.use_cases import audit, cursors, leavers, tenants, token_issue, tokens
from office.use_cases.idempotency import Answer


class Tokens(Paged, frozen=True, forbid_unknown_fields=True):
    """`all`: expired and withdrawn ones too."""

    all: bool = False


async def list_tokens(call: Call) -> Answer:
    """A page of tokens without their secrets, newest first."""
    query: Tokens = call.query
    rows = await tokens.listed(call.conn, query.all, call.now, tenants.id_after(query.cursor), query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def stop_token(call: Call) -> Answer:
    """No call is answered with that token from now on."""
    await token_issue.stop(call.conn, call.path["token"], call.person, call.proof, call.now)
    return done()


async def list_leavers(call: Call) -> Answer:
    """A page of people who left, the last first."""
    rows = await audit.leavers(call.conn, call.now, call.query.cursor, call.query.limit + 1)
    last = tenants.page(rows, call.query.limit, lambda each: cursors.of_instant_and_name(each.left_at, each.person))
    return answer(last)


async def removed(call: Call) -> Answer:
    """Somebody saw to it that every other access of who left is gone."""
    await leavers.removed(call.conn, call.path["person"], call.person, call.now)
    return done()


async def access(call: Call) -> Answer:
    """A page of who may do what."""
    found, last = await audit.access_page(call.conn, call.now, call.query.cursor, call.query.limit)
    return answer(tenants.Page(found, last))


async def digest(call: Call) -> Answer:
    """The digest of the whole list of who may do what: another one, as soon as the list is another one."""
    found = await audit.access(call.conn, call.now)
    return answer(audit.Digest(len(found), audit.digest_of(found)))


async def list_reviews(call: Call) -> Answer:
    """A page of reviews of who may do what, newest first."""
    rows = await audit.reviews(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


OPERATIONS = (
    Operation("listTokens", "GET", "/tokens", CA, list_tokens, query=Tokens, withheld=("customer",)),
    Operation("stopToken", "DELETE", "/tokens/{token}", CA, stop_token, person=True),
    Operation("listLeavers", "GET", "/leavers", CA, list_leavers, query=Paged),
    Operation(
        "recordRemoval", "POST", "/leavers/{person}/removal", DESK | COMPLIANCE | OPERATORS, removed, body=Body,
        person=True, once=True,
    ),
    Operation("listAccess", "GET", "/access", CA, access, query=Paged),
    Operation("showAccessDigest", "GET", "/access-digest", CA, digest),
    Operation("listAccessReviews", "GET", "/access-reviews", CA, list_reviews, query=Paged),
)  # fmt: skip
