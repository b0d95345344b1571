"""A mail server: takes letters over SMTP, or refuses them as it is told."""

import asyncio
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
        if self.after is not None:
            await self.after
        return self.letter_answer


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """One that listens on a free port of loopback until the end."""
    simulator = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(simulator, hostname="mx.test"), "127.0.0.1", 0)
    simulator.port = server.sockets[0].getsockname()[1]
    yield simulator
    server.close()
