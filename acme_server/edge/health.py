"""/healthz: the process answers. /readyz: it can do its work; or what is not ready, without hosts or addresses.

They belong to the listener, not to the application on it: on the ACME listener no nonce and no link goes with them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import msgspec
from aiohttp import web

Check = Callable[[], Awaitable[str | None]]  # None: ready; else what is wrong and what to do
PROBES = (ALIVE, READY) = ("/healthz", "/readyz")
PATIENCE = 2.0  # seconds for all checks
KEPT = 1.0  # seconds that an answer serves everybody who asks


class Health:
    """The checks of one listener, by the name of what each looks at."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.checks = checks
        self.known: tuple[float, Mapping[str, str]] | None = None
        self.looking = asyncio.Lock()

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a probe; None for any other request."""
        if request.path not in PROBES:
            return None
        if request.method not in ("GET", "HEAD"):
            return reply(405, {"status": "probes are read with GET"}, {"Allow": "GET, HEAD"})
        return reply(200, {"status": "alive"}) if request.path == ALIVE else await self.readiness()

    async def readiness(self) -> web.Response:
        """200, or 503 with what is not ready."""
        async with self.looking:
            if self.known is None or self.known[0] < time.monotonic() - KEPT:
                self.known = time.monotonic(), await self.look()
        faults = self.known[1]
        if faults:
            return reply(503, {"status": "not ready", "faults": faults}, {"Retry-After": "5"})
        return reply(200, {"status": "ready"})

    async def look(self) -> Mapping[str, str]:
        """What is not ready, with the reason."""
        said = await asyncio.gather(*(self.one(check) for check in self.checks.values()))
        return {name: fault for name, fault in zip(self.checks, said, strict=True) if fault is not None}

    async def one(self, check: Check) -> str | None:
        """What the check says, within PATIENCE."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await check()
        except TimeoutError:
            return "does not answer in time"


def reply(status: int, body: Mapping[str, object], headers: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    """A small JSON document that nobody keeps."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json",
        headers={"Cache-Control": "no-store", **headers},
    )  # fmt: skip
