"""Where status files are put for others to serve: a directory, or an S3-compatible bucket. Design §7.

What is put is there whole or not at all; putting it again changes nothing; an older CRL never replaces a newer one.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from acme_server.protocol.sigv4 import AccessKey, path_of, signed
from ca.crl import number_of

SECONDS = ClientTimeout(total=30)
NUMBER = "x-amz-meta-crl-number"
KEEP = "public, max-age=3600"


class ShelfAway(Exception):
    """Nothing was put, or nobody knows; says why. The same again is safe."""


class Shelf(Protocol):
    """One place."""

    @property
    def name(self) -> str:
        """What it is called in records."""

    async def put(self, path: str, body: bytes, content_type: str, number: int) -> None:
        """The body is there, or the CRL of a higher number. `number` 0: no CRL. Raises ShelfAway."""


class Directory:
    """A directory that a web server or a CDN reads."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"directory {folder}"

    async def put(self, path: str, body: bytes, content_type: str, number: int) -> None:
        """By a temporary file beside it, fsync and rename; the content type is its server's business."""
        try:
            await asyncio.to_thread(self._put, self.folder / path, body, number)
        except OSError as fault:
            raise ShelfAway(f"{fault.filename}: {fault.strerror}") from None

    def _put(self, file: Path, body: bytes, number: int) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if number and file.exists() and (number_of(file.read_bytes()) or 0) > number:
            return
        part = file.with_name(f".{file.name}.{uuid4().hex}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as made:
                made.write(body)
                made.flush()
                os.fsync(made.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """The names in the folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    """A bucket, asked by its path: `url` is the endpoint with the bucket's name, and a prefix if there is one."""

    def __init__(self, session: ClientSession, url: str, key: AccessKey, now: Callable[[], datetime]) -> None:
        self.session, self.url, self.key, self.now, self.name = session, url, key, now, f"bucket {url}"

    async def put(self, path: str, body: bytes, content_type: str, number: int) -> None:
        """Only if it is what it was when we looked: two nodes never undo each other's work."""
        url = f"{self.url}/{path}"
        status, found = await self._ask("HEAD", url, {}, b"")
        if status not in (200, 404):
            raise ShelfAway(f"HEAD {url}: status {status}")
        if status == 200 and number and int(found.get(NUMBER, "0")) > number:
            return
        headers = {"content-type": content_type, "cache-control": KEEP, NUMBER: str(number)}
        headers |= {"if-match": found["etag"]} if status == 200 and "etag" in found else {"if-none-match": "*"}
        status, _ = await self._ask("PUT", url, headers, body)
        if status not in (200, 201, 204):
            raise ShelfAway(f"PUT {url}: status {status}")

    async def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Status, and headers with their names in lower case. Redirects are not followed: they are not signed."""
        sent = signed(self.key, method, url, headers, body, self.now())
        target = URL(url).with_path(path_of(url), encoded=True)
        try:
            async with self.session.request(
                method, target, headers=sent, data=body or None, timeout=SECONDS, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status, {name.lower(): value for name, value in answer.headers.items()}
        except (ClientError, TimeoutError, OSError) as fault:
            raise ShelfAway(f"{method} {url}: {str(fault) or type(fault).__name__}") from None
