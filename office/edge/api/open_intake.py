"""Problem reports of anybody, day and night, without a token (C-161, C-162); so many an hour of one network."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from office.edge.api import reading
from office.edge.api.calls import Body, Text, answer
from office.edge.api.problems import Problem
from office.edge.api.revocation import Serials
from office.use_cases import reports
from office.use_cases.certificates import serial_of
from sql import Pool

LARGEST = 32 * 1024


class NewReport(Body, frozen=True, forbid_unknown_fields=True):
    """C-161."""

    reporter: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    what: Text
    serials: Serials


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
    body = answer({"id": taken.id, "received_at": taken.received_at}, 201).body
    return web.Response(body=body, status=201, content_type="application/json")
