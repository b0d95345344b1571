"""The seal: its image on the contract's hosts, and the page that says whether it is valid (T4-10, T19-1, T19-2)."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from aiohttp import web

from office.use_cases import seal
from office.use_cases.seal import Answer
from sql import Pool

IMAGE = """<svg xmlns="http://www.w3.org/2000/svg" width="160" height="56" role="img" aria-label="valid">
<metadata>著作権は認証局に属し、複製・改変を禁じます（利用規約第18条・第21条）。
The CA holds the copyright: no copying, no alteration (Terms A18, A21).</metadata>
<rect width="159" height="55" x=".5" y=".5" rx="6" fill="#fff" stroke="#0a5"/>
<path d="M18 28l8 8 14-16" fill="none" stroke="#0a5" stroke-width="5"/>
<text x="52" y="26" font-family="sans-serif" font-size="13">TLS サーバ認証</text>
<text x="52" y="43" font-family="sans-serif" font-size="10">organisation validated</text>
</svg>
"""


class Shows(Protocol):
    """What renders pages."""

    def page(self, template: str, status: int = 200, **values: object) -> web.Response: ...

    def not_found(self) -> web.Response: ...


class SealPages:
    """A handler each for image and page."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime], pages: Shows) -> None:
        self.pool, self.clock, self.pages = pool, clock, pages

    async def image(self, request: web.Request) -> web.Response:
        """The image, to hosts of the contract while the seal is valid; else there is none. T4-10, T19-1."""
        answer = await self._look(request)
        if answer is None or not answer.on_host or not answer.valid:
            return kept(self.pages.not_found(), 0)
        made = web.Response(text=IMAGE, content_type="image/svg+xml", charset="utf-8")
        made.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other hosts' pages show it
        return kept(made, answer.keep_seconds)

    async def page(self, request: web.Request) -> web.Response:
        """Whether it is valid; never so where it was followed from a host of somebody else. T19-1, T19-2."""
        answer = await self._look(request)
        if answer is None:
            return self.pages.not_found()
        shown = answer.valid and (answer.host is None or answer.on_host)
        return kept(self.pages.page("seal.html", valid=shown, foreign=answer.valid and not shown), answer.keep_seconds)

    async def _look(self, request: web.Request) -> Answer | None:
        page = request.headers.get("Origin") or request.headers.get("Referer")
        return await seal.look(self.pool, request.match_info["token"], page, self.clock())


def kept(made: web.Response, seconds: int) -> web.Response:
    """The response, kept by the browser alone, so long, for the same page. T19-2."""
    made.headers["Cache-Control"] = f"private, max-age={seconds}" if seconds else "no-store"
    made.headers["Vary"] = "Origin, Referer"
    return made
