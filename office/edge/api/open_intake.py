"""Problem reports of anybody, day and night, without a token (C-161, C-162); so many an hour of one network.

So are proofs that a key is compromised, which are checked at once (C-163).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from office.edge.api import reading
from office.edge.api.calls import Body, Text, created
from office.edge.api.problems import Problem
from office.edge.api.revocation import Serials
from office.use_cases import compromise, reports
from office.use_cases.asked import Unfit
from office.use_cases.certificates import serial_of
from office.use_cases.idempotency import Answer, Open, answered, once_open
from sql import Conn, Pool

LARGEST = 32 * 1024
KEY = re.compile(r"[\x21-\x7e]{16,255}")  # nobody's by chance: two strangers do not come upon the same
Doing = Callable[[Conn, datetime], Awaitable[Answer]]


class NewReport(Body, frozen=True, forbid_unknown_fields=True):
    """C-161."""

    reporter: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    what: Text
    serials: Serials


class KeyCompromise(Body, frozen=True, forbid_unknown_fields=True):
    """C-163. Files in base64: a CSR with the fixed name, or a public key in PEM with its signature of the statement."""

    reporter: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=24_576)]
    signature: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)] | None = None


async def take(
    pool: Pool, clock: Callable[[], datetime], where: Callable[[web.Request], str], request: web.Request
) -> web.Response:
    """The report is on record and its 24 hours run."""
    octets = await reading.octets_of(request, LARGEST)
    new = reading.json_of(octets, request.content_type, NewReport)

    async def do(conn: Conn, now: datetime) -> Answer:
        wanted = reports.new(new.reporter, new.email, new.what, [serial_of(each) for each in new.serials], now)
        taken = await reports.take(conn, wanted, None, now)
        return created({"id": taken.id, "received_at": taken.received_at})

    return await once_of_network(pool, clock(), where(request), asked(request, octets), do)


async def prove(
    pool: Pool, clock: Callable[[], datetime], where: Callable[[web.Request], str], request: web.Request
) -> web.Response:
    """The key of the proof is blocked, and the revocation of its certificates decided."""
    octets = await reading.octets_of(request, LARGEST)
    new = reading.json_of(octets, request.content_type, KeyCompromise)

    async def do(conn: Conn, now: datetime) -> Answer:
        signature = file_of("signature", new.signature) if new.signature is not None else None
        proof = compromise.proof_of(file_of("proof", new.proof), signature)
        return created(await compromise.report(conn, proof, new.reporter, new.email, now))

    return await once_of_network(pool, clock(), where(request), asked(request, octets), do)


async def once_of_network(pool: Pool, now: datetime, network: str, call: Open | None, do: Doing) -> web.Response:
    """What is done, so often an hour of a network, or the answer that was given before to the same call (`call`).

    What is answered again is not counted; what is refused is, outside the transaction that its refusal takes back.
    """
    async with pool.acquire() as conn:
        if call is not None and (before := await answered(conn, call)):
            return response(before, replayed=True)
        if not await reports.may_report(conn, network, now):
            raise Problem("too-many", "write to the address in the CP/CPS, or try again later", {"Retry-After": "600"})
        if call is None:
            return response(await do(conn, now), replayed=False)
        made, again = await once_open(conn, call, partial(do, conn, now), now)
        return response(made, replayed=again)


def asked(request: web.Request, octets: bytes) -> Open | None:
    """The call under its Idempotency-Key; None without one, for nobody's report is refused for that. Raises Problem."""
    if (key := request.headers.get("Idempotency-Key")) is None:
        return None
    if not KEY.fullmatch(key):
        raise Problem("malformed", "send an Idempotency-Key of 16 to 255 visible characters, such as a UUID, or none")
    return Open(request.path, key, octets)


def file_of(what: str, text: str) -> bytes:
    """The octets of base64. Raises Unfit."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(f"'{what}' is not in base64: send the file as `base64 -w0 FILE` prints it") from None


def response(answer: Answer, *, replayed: bool) -> web.Response:
    """The answer as HTTP has it."""
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
