"""Problem reports of anybody, day and night, without a token (C-161, C-162); so many an hour of one network.

So are proofs that a key is compromised, which are checked at once (C-163).
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from office.edge.api import reading
from office.edge.api.calls import Body, Text, answer
from office.edge.api.problems import Problem
from office.edge.api.revocation import Serials
from office.use_cases import compromise, reports
from office.use_cases.asked import Unfit
from office.use_cases.certificates import serial_of
from sql import Pool

LARGEST = 32 * 1024


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
    new = reading.json_of(await reading.octets_of(request, LARGEST), request.content_type, NewReport)
    now = clock()
    async with pool.acquire() as conn:
        if not await reports.may_report(conn, where(request), now):
            raise Problem("too-many", "write to the address in the CP/CPS, or try again later", {"Retry-After": "600"})
        wanted = reports.new(new.reporter, new.email, new.what, [serial_of(each) for each in new.serials], now)
        taken = await reports.take(conn, wanted, None, now)
    return created({"id": taken.id, "received_at": taken.received_at})


async def prove(
    pool: Pool, clock: Callable[[], datetime], where: Callable[[web.Request], str], request: web.Request
) -> web.Response:
    """The key of the proof is blocked, and the revocation of its certificates decided."""
    new = reading.json_of(await reading.octets_of(request, LARGEST), request.content_type, KeyCompromise)
    now = clock()
    async with pool.acquire() as conn:
        if not await reports.may_report(conn, where(request), now):
            raise Problem("too-many", "write to the address in the CP/CPS, or try again later", {"Retry-After": "600"})
        signature = file_of("signature", new.signature) if new.signature is not None else None
        proof = compromise.proof_of(file_of("proof", new.proof), signature)
        found = await compromise.report(conn, proof, new.reporter, new.email, now)
    return created(found)


def file_of(what: str, text: str) -> bytes:
    """The octets of base64. Raises Unfit."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(f"'{what}' is not in base64: send the file as `base64 -w0 FILE` prints it") from None


def created(document: object) -> web.Response:
    """201 with the document."""
    return web.Response(body=answer(document, 201).body, status=201, content_type="application/json")
