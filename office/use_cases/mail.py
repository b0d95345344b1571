"""A letter as a mail message, and its hand-off to the mail server that the settings name (RFC 5322, RFC 5321)."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

import aiosmtplib
import idna
import msgspec

from contract_gate.calendar import JST
from office.storage.notices import Claimed

ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@(?P<domain>[^@\s\x00-\x20\"<>,;:\\()\[\]]{1,253})"
)
SEND_TIMEOUT = 60.0  # of one message, connection included; far below a lease
LONGEST_REASON = 500


class Mail(msgspec.Struct, frozen=True):
    """The mail server that letters are handed to. `own_relay`: the CA runs it, so acceptance is not delivery (T5-3).

    `folder`, in development: no server is asked, letters become files there.
    """

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"]
    own_relay: bool
    user: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None
    per_minute: int = 60
    folder: Path | None = None


class Posting(msgspec.Struct, frozen=True):
    """How this deployment posts notices. `mail` None: e-mail waits. `proxy`: through which its pages are looked at."""

    mail: Mail | None
    base_url: str
    officers: str
    proxy: str | None = None

    @property
    def domain(self) -> str:
        """The right part of Message-IDs."""
        return self.mail.sender.rpartition("@")[2] if self.mail else "notices.invalid"


class Failed(msgspec.Struct, frozen=True):
    """It was not handed off. `permanent`: trying again will not help; `recipient`: the address is at fault."""

    reason: str
    permanent: bool = False
    recipient: bool = False


def routable(address: str) -> str | None:
    """The address as SMTP takes it, an international domain in its ASCII form; None for what is no address."""
    if not (parts := ADDRESS.fullmatch(address)):
        return None
    try:
        domain = idna.encode(parts["domain"], uts46=True).decode()
    except idna.IDNAError:
        return None
    return f"{parts['local']}@{domain}"


def message(letter: Claimed, sender: str, to: str, now: datetime) -> bytes:
    """The message; with the same Message-ID and body at each try. Header fields hold no line break (RFC 5322 §2.2)."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, letter.subject
    made["Date"], made["Message-ID"] = format_datetime(now.astimezone(JST)), letter.message_id
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers
    made["X-Keiyaku-Clause"] = letter.clause
    made.set_content(letter.body, charset="utf-8", cte="base64")
    return made.as_bytes()


@asynccontextmanager
async def connected(mail: Mail) -> AsyncIterator[aiosmtplib.SMTP]:
    """A session with the mail server; without the security asked for there is none."""
    client = aiosmtplib.SMTP(
        hostname=mail.host, port=mail.port, timeout=SEND_TIMEOUT / 4, use_tls=mail.security == "tls",
        start_tls=mail.security == "starttls", tls_context=mail.context,
        username=mail.user or None, password=mail.password or None,
    )  # fmt: skip
    async with client:
        yield client


async def hand_over(mail: Mail, letter: Claimed, now: datetime) -> Failed | None:
    """The server has accepted the letter, or why not. Bounded in time."""
    to = routable(letter.address)
    if to is None:
        return Failed("the registered address is no e-mail address", permanent=True, recipient=True)
    content = message(letter, mail.sender, to, now)
    if mail.folder is not None:
        return await asyncio.to_thread(written, mail.folder / f"{letter.id}.eml", content)
    try:
        async with asyncio.timeout(SEND_TIMEOUT), connected(mail) as client:
            reports = client.supports_extension("dsn")  # RFC 3461: an own relay tells when the next server took it
            mail_options = ["RET=HDRS", f"ENVID={letter.id}"] if reports else []
            rcpt_options = ["NOTIFY=SUCCESS,FAILURE"] if reports else []
            await client.sendmail(mail.sender, [to], content, mail_options=mail_options, rcpt_options=rcpt_options)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        first = refused.recipients[0]
        return Failed(said(first), permanent=first.code >= 500, recipient=first.code >= 500)
    except aiosmtplib.SMTPResponseException as refused:
        return Failed(said(refused), permanent=refused.code >= 500 and not isinstance(refused, AT_START))
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as fault:
        return Failed(f"{type(fault).__name__}: {fault}"[:LONGEST_REASON])
    return None


def written(file: Path, content: bytes) -> Failed | None:
    """The letter lies there, or why not."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as fault:
        return Failed(f"{type(fault).__name__}: {fault}"[:LONGEST_REASON])
    return None


AT_START = (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPHeloError)  # not the letter


def said(refused: aiosmtplib.SMTPResponseException) -> str:
    """What the server said, in one bounded line."""
    return " ".join(f"{refused.code} {refused.message}".split())[:LONGEST_REASON]
