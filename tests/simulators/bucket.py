"""An S3-compatible bucket over HTTP that verifies each signature from what it received, and keeps objects in memory."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from aiohttp import web

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), "
    r"Signature=([0-9a-f]{64})"
)


@dataclass
class Bucket:
    """Objects by path, each with what came with it; refuses what is not signed with its key."""

    id: str = "AKIDEXAMPLE"
    secret: str = "not a secret"
    region: str = "ap-northeast-1"
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    answer: int | None = None  # what every PUT is answered instead

    def app(self) -> web.Application:
        made = web.Application(client_max_size=2**26)
        made.router.add_route("*", "/{path:.*}", self.handle)
        return made

    async def handle(self, request: web.Request) -> web.Response:
        """HEAD and PUT, with the conditions of RFC 9110 §13.1."""
        body = await request.read()
        path = unquote(request.rel_url.raw_path)
        self.asked.append((request.method, path))
        if not self.is_signed(request, body):
            return web.Response(status=403)
        found = self.objects.get(path)
        if request.method == "HEAD":
            return web.Response(headers=found[1]) if found else web.Response(status=404)
        if self.answer is not None:
            return web.Response(status=self.answer)
        etag = found[1]["ETag"] if found else None
        if request.headers.get("If-None-Match") == "*" and found:
            return web.Response(status=412)
        if request.headers.get("If-Match", etag) != etag:
            return web.Response(status=412)
        kept = {n: v for n, v in request.headers.items() if n.lower().startswith(("x-amz-meta-", "cache-control"))}
        kept |= {"Content-Type": request.headers["Content-Type"], "ETag": f'"{hashlib.md5(body).hexdigest()}"'}
        self.objects[path] = (body, kept)
        return web.Response()

    def is_signed(self, request: web.Request, body: bytes) -> bool:
        """Whether all that was received, body and every header of Amazon's included, is signed with the key."""
        found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if not found or found[1] != self.id or found[3] != self.region:
            return False
        names = found[4].split(";")
        theirs = {name.lower() for name in request.headers if name.lower().startswith("x-amz-")}
        if names != sorted(names) or not {"host", *theirs} <= set(names):
            return False
        digest = hashlib.sha256(body).hexdigest()
        if request.headers["x-amz-content-sha256"] != digest or request.headers["x-amz-date"][:8] != found[2]:
            return False
        lines = [f"{name}:{request.headers[name].strip()}" for name in names]
        path = quote(unquote(request.rel_url.raw_path), safe="/-_.~")
        canonical = "\n".join([request.method, path, request.rel_url.raw_query_string, *lines, "", found[4], digest])
        scope = f"{found[2]}/{found[3]}/s3/aws4_request"
        date = request.headers["x-amz-date"]
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), found[5])
