"""OCSP over plain http, GET and POST. RFC 6960 appendix A, RFC 9919 §5, §6."""

import binascii
from base64 import b64decode
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import unquote

from aiohttp import web

from acme_server.use_cases.ocsp import MALFORMED, Answered, Answers

ANSWERS = web.AppKey("answers", Answers)
LONGEST = timedelta(hours=1)  # what is revoked meanwhile must not be hidden for long
PATH_MOST = 1024  # far above the 255 octets that must be answered, C-146


async def get(request: web.Request) -> web.StreamResponse:
    """The request is the rest of the path: base64, escaped. C-146."""
    text = unquote(request.match_info["request"])
    try:
        der = b64decode(text.encode("ascii"), validate=True) if len(text) <= PATH_MOST else b""
    except (binascii.Error, ValueError):
        der = b""
    return await answer(request, der)


async def post(request: web.Request) -> web.StreamResponse:
    """The request is the body."""
    return await answer(request, await request.read())


async def answer(request: web.Request, der: bytes) -> web.Response:
    """The answer, with how long it may be kept."""
    answers = request.app[ANSWERS]
    found = await answers.about(int(request.match_info["issuer"]), der) if der else MALFORMED
    response = web.Response(body=found.der, content_type="application/ocsp-response")
    keep(response, found, answers)
    return response


def keep(response: web.Response, found: Answered, answers: Answers) -> None:
    """Caches may keep what is signed for everybody, for an hour and never beyond its nextUpdate. C-154."""
    if found.this_update is None or found.next_update is None:
        response.headers["Cache-Control"] = "no-store"
        return
    age = max(timedelta(0), min(LONGEST, found.next_update - answers.now()))
    response.etag = sha256(found.der).hexdigest()[:32]
    response.last_modified = found.this_update
    response.headers["Expires"] = format_datetime(found.next_update, usegmt=True)
    seconds = int(age.total_seconds())
    response.headers["Cache-Control"] = f"max-age={seconds}, public, no-transform, must-revalidate"
