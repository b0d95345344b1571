"""CRLs, OCSP, CA certificates and chains over plain http, on a listener of its own. RFC 5280 §4.2.1.13, §4.2.2.1."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256

from aiohttp import web

from acme_server.edge import ocsp
from acme_server.protocol.pem import pem_chain
from acme_server.use_cases.ocsp import Answers
from acme_server.use_cases.status import Published
from sql import Pool

PUBLISHED = web.AppKey("published", Published)
LONGEST = timedelta(hours=1)
REQUEST_MOST = 4096  # octets of an OCSP request
NUMBER = r"(?:0|[1-9][0-9]{0,3})"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status_application(pool: Pool, now: Callable[[], datetime], answers: Answers) -> web.Application:
    """The application of the status listener; the pool is of role keiyaku_status."""
    app = web.Application(middlewares=[problems], client_max_size=REQUEST_MOST)
    app[PUBLISHED], app[ocsp.ANSWERS] = Published(pool, now), answers
    app.add_routes(
        [
            web.get(f"/crl/{{issuer:{NUMBER}}}/{{shard:{NUMBER}}}.crl", crl),
            web.get(f"/issuer/{{issuer:{NUMBER}}}.cer", issuer),
            web.get(f"/chain/{{issuer:{NUMBER}}}.pem", chain),
            web.post(f"/ocsp/{{issuer:{NUMBER}}}", ocsp.post),
            web.get(f"/ocsp/{{issuer:{NUMBER}}}/{{request:.+}}", ocsp.get),
        ]
    )
    return app


async def crl(request: web.Request) -> web.StreamResponse:
    """The newest CRL of a shard, not to be kept beyond its nextUpdate. C-133."""
    path = request.match_info
    found = await request.app[PUBLISHED].crl(int(path["issuer"]), int(path["shard"]))
    if found is None:
        raise web.HTTPNotFound
    now = request.app[PUBLISHED].now()
    keep = max(timedelta(0), min(LONGEST, found.next_update - now))
    response = answer(request, found.der, "application/pkix-crl", now, keep)
    response.last_modified = found.this_update
    return response


async def issuer(request: web.Request) -> web.StreamResponse:
    """An issuer's own certificate, in DER: what caIssuers points to. C-104."""
    certificates = await request.app[PUBLISHED].chain(int(request.match_info["issuer"]))
    if not certificates:
        raise web.HTTPNotFound
    return answer(request, certificates[0], "application/pkix-cert", request.app[PUBLISHED].now(), LONGEST)


async def chain(request: web.Request) -> web.StreamResponse:
    """An issuer's certificate and those above it, the root last, in PEM."""
    certificates = await request.app[PUBLISHED].chain(int(request.match_info["issuer"]))
    if not certificates:
        raise web.HTTPNotFound
    return answer(
        request, pem_chain(certificates), "application/pem-certificate-chain", request.app[PUBLISHED].now(), LONGEST
    )


def answer(request: web.Request, body: bytes, content_type: str, now: datetime, keep: timedelta) -> web.Response:
    """The body, which a cache may keep for `keep`; 304 is left to `unmodified`."""
    response = web.Response(body=body, content_type=content_type)
    response.etag = sha256(body).hexdigest()[:32]
    response.headers["Cache-Control"] = f"public, max-age={int(keep.total_seconds())}"
    response.headers["Expires"] = format_datetime(now + keep, usegmt=True)
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """404, 405 and the like as problem documents; 304 for what the client has already. RFC 7807, RFC 9110 §13."""
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        body = json.dumps({"type": "about:blank", "title": refused.reason, "status": refused.status})
        allow = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
        return web.Response(text=body, status=refused.status, headers=allow, content_type="application/problem+json")
    return response if request.method == "POST" else unmodified(request, response)


def modified_since(request: web.Request) -> datetime | None:
    """The instant of If-Modified-Since; None for text that is none (RFC 9110 §13.1.3)."""
    try:
        return request.if_modified_since
    except (ValueError, OverflowError):
        return None


def unmodified(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """304 without a body when If-None-Match names the ETag, or, without that header, the copy is not older."""
    wanted, since, made = request.if_none_match, modified_since(request), response.last_modified
    if wanted is not None:
        same = any(tag.value in ("*", response.etag.value if response.etag else None) for tag in wanted)
    else:
        same = since is not None and made is not None and made <= since
    if not same:
        return response
    kept = {name: response.headers[name] for name in ("ETag", "Cache-Control", "Expires", "Last-Modified")
            if name in response.headers}  # fmt: skip
    return web.Response(status=304, headers=kept)
