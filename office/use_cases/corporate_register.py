"""The corporate-number register (法人番号 Web-API, version 4): a look-up, bounded, over TLS that is verified."""

import ssl
from collections.abc import Sequence
from typing import Protocol

import aiohttp

from contract_gate.formats.corporations import Corporation, corporations

AT_ONCE = 10  # numbers a request
TIMEOUT = 20.0
LARGEST = 256 * 1024


class RegisterAway(Exception):
    """The register gave no answer. The text says why."""


class Register(Protocol):
    """Whoever answers for corporate numbers."""

    async def look(self, numbers: Sequence[str]) -> list[Corporation]:
        """The latest row of each number that there is; at most ten. Raises RegisterAway, AnswerRefused."""
        ...


class WebRegister:
    """The register's Web-API. `context`: whom TLS trusts; None: the system's authorities."""

    def __init__(self, base_url: str, application_id: str, context: ssl.SSLContext | None = None) -> None:
        self.url, self.application_id = f"{base_url.rstrip('/')}/4/num", application_id
        self.tls: ssl.SSLContext | bool = True if context is None else context

    async def look(self, numbers: Sequence[str]) -> list[Corporation]:
        """The latest row of each number that there is; at most ten. Raises RegisterAway, AnswerRefused."""
        asked = {"id": self.application_id, "number": ",".join(numbers[:AT_ONCE]), "type": "12", "history": "0"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.url, params=asked, ssl=self.tls, allow_redirects=False) as answer,
            ):
                body = await answer.content.read(LARGEST + 1)
                while body and not answer.content.at_eof() and len(body) <= LARGEST:
                    body += await answer.content.read(LARGEST + 1 - len(body))
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            raise RegisterAway(type(fault).__name__) from None  # its text would hold the application id
        if answer.status != 200:
            raise RegisterAway(f"status {answer.status}")
        if len(body) > LARGEST:
            raise RegisterAway(f"an answer of more than {LARGEST} octets")
        return corporations(body)
