"""A mail server: takes letters over SMTP, or refuses them as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailServer:
    """What it took, and what it answers to a recipient and to the letter."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    recipient_answer: str = "250 OK"
    letter_answer: str = "250 OK"
    after: "asyncio.Future[None] | None" = None  # it takes a letter and answers only then
    took: asyncio.Event = field(default_factory=asyncio.Event)  # a letter, for the first time
    secured: list[bool] = field(default_factory=list)  # whether each letter came over STARTTLS

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.letter_answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
            self.to += envelope.rcpt_tos
            self.secured.append(session.ssl is not None)
            self.took.set()
        if self.after is not None:
            await self.after
        return self.letter_answer


@asynccontextmanager
async def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """One that listens on a free port of loopback until the end; TLS is asked for in the session, or begins it."""
    simulator = MailServer()

    def session() -> SMTP:
        return SMTP(simulator, hostname="mx.test", tls_context=starttls, require_starttls=starttls is not None)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls)
    simulator.port = server.sockets[0].getsockname()[1]
    yield simulator
    server.close()
