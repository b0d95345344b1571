"""The door for people: pages that need no login."""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import Environment, PackageLoader, StrictUndefined

from contract_gate.calendar import JST, jst_date
from office.edge import supported
from office.edge.answers import answer_to
from office.edge.seal import SealPages
from office.use_cases import compromise, read_pages
from office.use_cases.read_pages import Paused
from sql import Pool
from sql.away import DATABASE_AWAY

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",  # the address of a help page is its secret
    "Server": "keiyaku",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
MAY_DIFFER = ("Content-Security-Policy", "Cross-Origin-Resource-Policy")  # where a handler says so
STATIC = Path(__file__).parent.parent / "static"
log = logging.getLogger(__name__)


def make_app(pool: Pool, clock: Callable[[], datetime], base_url: str) -> web.Application:
    """The pages, read through `pool`, whose role is keiyaku_office, at that address."""
    pages = Pages(pool, clock, base_url)
    app = web.Application(middlewares=[error_pages(pages)], client_max_size=1024)
    app.router.add_get("/help/{token}", pages.help)
    app.router.add_get("/resume/{token}", pages.resume)
    app.router.add_post("/resume/{token}", pages.resumed)
    app.router.add_get("/terms", pages.terms)
    app.router.add_get("/terms/{version}", pages.terms)
    app.router.add_get("/notices/{id}", pages.notice)
    app.router.add_get("/supported", pages.supported)
    app.router.add_get("/report", pages.report)
    seals = SealPages(pool, clock, pages)
    app.router.add_get("/seal/{token}", seals.page)
    app.router.add_get("/seal/{token}/image.svg", seals.image)
    app.router.add_get("/static/style.css", pages.style)
    app.on_response_prepare.append(add_headers)
    return app


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Every response forbids what no page of ours needs; caching only where a handler allowed it."""
    chosen = {name: response.headers[name] for name in MAY_DIFFER if name in response.headers}
    response.headers.update({**HEADERS, **chosen})
    response.headers.setdefault("Cache-Control", "no-store")


def error_pages(pages: "Pages") -> Middleware:
    """A middleware: whatever is not there looks the same; what went wrong is logged, not shown."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return pages.not_found()
        except web.HTTPException:
            raise
        except (*DATABASE_AWAY, TimeoutError):
            log.warning("the database is away")
            unavailable = pages.page("error.html", status=503)
            unavailable.headers["Retry-After"] = "5"
            return unavailable
        except Exception:
            log.exception("no answer to %s", request.match_info.handler.__name__)
            return pages.page("error.html", status=500)

    return middleware


class Pages:
    """A handler a page."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime], base_url: str) -> None:
        self.pool, self.clock, self.base_url = pool, clock, base_url
        self.templates = Environment(
            loader=PackageLoader("office"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    async def help(self, request: web.Request) -> web.Response:
        """The page a refusal points to. T0-1."""
        found = await read_pages.help_page(self.pool, request.match_info["token"])
        if found is None:
            return self.not_found()
        return self.page("help.html", answer=answer_to(found.gate, found.case))

    async def resume(self, request: web.Request) -> web.Response:
        """The page that a paused account is pointed to: reading it changes nothing."""
        found = await read_pages.paused(self.pool, request.match_info["token"])
        return self.not_found() if found is None else self.resuming(found)

    async def resumed(self, request: web.Request) -> web.Response:
        """Its button. The address is the secret that permits it; another site's page may not press it all the same."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return self.not_found()
        found = await read_pages.resume(self.pool, request.match_info["token"], self.clock())
        return self.not_found() if found is None else self.resuming(found)

    def resuming(self, found: Paused) -> web.Response:
        """The state, and the button while there is something to resume."""
        made = self.page("resume.html", found=found)
        made.headers["Content-Security-Policy"] = POLICY.replace("form-action 'none'", "form-action 'self'")
        return made

    async def terms(self, request: web.Request) -> web.Response:
        """A version of the Terms by its hash and address, or the one in force. T2-1, T20-2."""
        text = await read_pages.terms(self.pool, request.match_info.get("version"), self.clock())
        if text is None:
            return self.not_found()
        in_force_from = f"{text.effective_at.astimezone(JST):%Y-%m-%d %H:%M} JST"
        return self.page("terms.html", text=text, in_force_from=in_force_from)

    async def notice(self, request: web.Request) -> web.Response:
        """A notice posted on the web, at an address that stays. T5-4, A22.2."""
        found = await read_pages.notice(self.pool, request.match_info["id"])
        if found is None:
            return self.not_found()
        return self.page("notice.html", notice=found, posted_on=jst_date(found.queued_at))

    async def supported(self, request: web.Request) -> web.Response:
        """Supported servers and recommended clients. T7-1."""
        return self.page("supported.html", supported=supported)

    async def report(self, request: web.Request) -> web.Response:
        """How anybody reports a problem, or proves that a key is compromised (C-161)."""
        return self.page("report.html", proof=compromise.WANTED, address=self.base_url)

    async def style(self, request: web.Request) -> web.Response:
        """The one stylesheet."""
        css = (STATIC / "style.css").read_text(encoding="utf-8")
        return web.Response(text=css, content_type="text/css", headers={"Cache-Control": "public, max-age=86400"})

    def not_found(self) -> web.Response:
        """The same for an unknown token, version or path."""
        return self.page("not_found.html", status=404)

    def page(self, template: str, status: int = 200, **values: object) -> web.Response:
        """A template as a response."""
        html = self.templates.get_template(template).render(**values)
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")
