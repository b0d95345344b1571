"""The management paths by which the clock of a whole `keiyaku dev --at` is read and set."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from acme_server.clock import CLOCK, ClockRefused, utc_now
from acme_server.use_cases import readiness
from sql import Pool
from sql.migrate import ensure_partitions

SEALED_WITHIN = 20.0  # seconds that the sealer has to reach a new instant: until then nothing is issued


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Body of /set-clock."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]


@dataclass(frozen=True)
class ClockPaths:
    """The handlers; `owner_dsn` is the database as its owner, who makes partitions."""

    pool: Pool
    owner_dsn: str

    async def read(self, _request: web.Request) -> web.Response:
        """What the clock reads, and how far it is ahead of the machine's."""
        return web.json_response({"now": utc_now().isoformat(), "ahead_seconds": CLOCK.ahead().total_seconds()})

    async def set(self, request: web.Request) -> web.Response:
        """Every process reads `at` from now on, and the months around it have partitions.

        Answers once certificates can be issued then: the evidence is sealed up to it.
        """
        try:
            at = msgspec.json.decode(await request.read(), type=Wanted).at
            CLOCK.check(at)
            await ensure_partitions(self.owner_dsn, at)
            CLOCK.set(at)
        except msgspec.DecodeError as fault:
            raise web.HTTPBadRequest(text=f'the body must be {{"at": "2028-02-29T09:00:00+09:00"}}: {fault}') from None
        except ClockRefused as refused:
            raise web.HTTPConflict(text=str(refused)) from None
        await self.until_sealed()
        return await self.read(request)

    async def until_sealed(self) -> None:
        """The sealer has reached the present instant. Raises HTTPServiceUnavailable when it takes too long."""
        try:
            async with asyncio.timeout(SEALED_WITHIN):
                while await readiness.seal(self.pool, utc_now()):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise web.HTTPServiceUnavailable(text="the clock is set, but evidence is not sealed yet") from None
