"""How a call is answered: token, role, body, then one use case; every error leaves as a problem document.

`/api/openapi.json` and the intake of problem reports and of proofs that a key is compromised are open to everybody.
"""

import logging
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256
from uuid import uuid4

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from office.edge.api import cursors, open_intake, problems, reading, secrecy
from office.edge.api.calls import Call, Cursored, House, Operation
from office.edge.api.description import description
from office.edge.api.operations import OPERATIONS
from office.edge.api.problems import Problem
from office.edge.app import POLICY
from office.use_cases import papers, tokens
from office.use_cases.idempotency import Answer, Keyed, once
from office.use_cases.tokens import Caller
from sql import Conn, Pool
from sql.evidence import through

log = logging.getLogger(__name__)
STYLE = b64encode(sha256(papers.style().encode()).digest()).decode()
PAPER_POLICY = POLICY.replace("style-src 'self'", f"style-src 'sha256-{STYLE}'")  # its stylesheet is in it
Clock = Callable[[], datetime]
Where = Callable[[web.Request], str]  # the network of a client, of which limits count


def make_api(pool: Pool, clock: Clock, house: House, where: Where) -> web.Application:
    """The API, read and written through `pool`, whose role is keiyaku_office."""
    app = web.Application(middlewares=[answered])
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, partial(run, pool, clock, house, operation))
    app.router.add_get("/openapi.json", described)
    app.router.add_post("/problem-reports", partial(open_intake.take, pool, clock, where))
    app.router.add_post("/key-compromises", partial(open_intake.prove, pool, clock, where))
    return app


async def described(request: web.Request) -> web.Response:
    """The description of the API."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return web.Response(body=description(), content_type="application/json", headers=headers)


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer has an id; what went wrong and nobody expected is logged whole and told bare."""
    request_id = str(uuid4())
    try:
        response = await handler(request)
    except Exception as error:
        problem = problems.of(error, request.match_info.values())
        if problem is None:
            log.exception("no answer to request %s", request_id)
            problem = Problem("failed", "tell us the instance of this problem")
        response = problems.response(problem, request_id)
    response.headers["Request-Id"] = request_id
    return response


async def run(pool: Pool, clock: Clock, house: House, operation: Operation, request: web.Request) -> web.Response:
    """The operation for the holder of the token, as of the moment when all of the call is here."""
    secret = reading.token_of(request)
    async with pool.acquire() as conn:
        caller = await tokens.caller_of(conn, secret, clock())
    permitted(operation, caller)
    assert caller is not None  # permitted
    reason = secrecy.reason_of(request, operation, caller)
    key, query = reading.key_of(request, operation), reading.query_of(request, operation.query)
    octets = await reading.octets_of(request, operation.largest)
    body = reading.body_of(octets, request.content_type, operation)
    path = {name: checked(value) for name, value in request.match_info.items()}
    async with pool.acquire() as conn:
        call = Call(conn, caller, caller.customer_id, path, query, body, house, clock(), tokens.proof_of(secret))
        with through(caller.id):
            if key is None:
                answer = await run_paged(secret, operation, call, request.path)
                return linked(request, await secrecy.seen(operation, call, reason, answer))
            asked = sha256(f"{request.method} {request.raw_path}\n".encode() + octets).digest()
            return await run_once(conn, Keyed(caller.id, secret, key, asked), operation, call)


async def run_paged(secret: str, operation: Operation, call: Call, path: str) -> Answer:
    """The operation; of a page it takes the place that the cursor stands for, and its next place becomes a cursor."""
    if not isinstance(call.query, Cursored):
        return await operation.run(call)
    listing = cursors.Listing(secret, path, call.query)
    answer = await operation.run(msgspec.structs.replace(call, query=cursors.opened(listing)))
    return cursors.sealed(listing, answer)


async def run_once(conn: Conn, keyed: Keyed, operation: Operation, call: Call) -> web.Response:
    """The operation, or the answer that was given before to the same call under the same key."""
    answer, before = await once(conn, keyed, partial(operation.run, call), call.now)
    made = response(answer)
    if before:
        made.headers["Idempotent-Replayed"] = "true"
    return made


def permitted(operation: Operation, caller: Caller | None) -> None:
    """Nothing, for a caller whose role may do it. Raises Problem."""
    if caller is None:
        raise reading.unauthenticated("the token is unknown, withdrawn or expired")
    if caller.role not in operation.roles:
        raise Problem("forbidden", f"this is for {', '.join(sorted(operation.roles))}; the token is of {caller.role}")
    if operation.person and caller.handle is None:
        raise Problem("forbidden", "a person must do this: the token is of a service")


def checked(value: str) -> str:
    """A part of the path that may be looked up. Raises Problem."""
    if len(value) > 100 or reading.strange(value):
        raise Problem("not-found", "there is no such thing, or it is not yours to see")
    return value


def linked(request: web.Request, answer: Answer) -> web.Response:
    """An answer; of a part of a file, with the address of the next one (RFC 8288)."""
    made = response(answer)
    if answer.next is not None:
        made.headers["Link"] = f'<{request.rel_url.update_query(cursor=answer.next)}>; rel="next"'
    return made


def response(answer: Answer) -> web.Response:
    """An answer as HTTP has it."""
    if answer.status == 204:
        return web.Response(status=204)
    charset = "utf-8" if answer.content_type.startswith("text/") else None
    made = web.Response(body=answer.body, status=answer.status, content_type=answer.content_type, charset=charset)
    if answer.content_type == "text/html":
        made.headers["Content-Security-Policy"] = PAPER_POLICY
    return made
