"""Certificates for download and when to renew them. RFC 8555 §7.4.2, RFC 9773."""

from datetime import datetime
from uuid import UUID

import msgspec

from acme_server.protocol import certid
from acme_server.protocol.jws import Signed
from acme_server.protocol.objects import Account
from acme_server.protocol.renewal import Window, suggested_window
from acme_server.storage import certificates
from acme_server.use_cases import authenticate
from acme_server.use_cases.context import Context
from ca import storage as ca


class Renewal(msgspec.Struct, frozen=True):
    """When to renew a certificate, and the page that says why, if an operator moved the window."""

    window: Window
    explanation_url: str | None


async def renewal_of(context: Context, text: str, now: datetime) -> Renewal | None:
    """The suggested window (A-214 to A-220); None when this CA has no such certificate."""
    key_id, serial = certid.parse(text)
    facts = await certificates.renewal_facts(context.pool, serial)
    if facts is None or facts.issuer_key_id != key_id:
        return None
    override = Window(facts.starts_at, facts.ends_at) if facts.starts_at and facts.ends_at else None
    window = suggested_window(facts.not_before, facts.not_after, facts.revoked_at, override, now, serial=facts.serial)
    return Renewal(window, facts.explanation_url)


async def read_own(
    context: Context, signed: Signed, url: str, now: datetime, id: UUID
) -> tuple[Account, list[list[bytes]]]:
    """Who signed the request, and every chain of the certificate in DER, the default one first (A-175).

    No chain when the certificate is not that account's.
    """
    account, found = await authenticate.to_read(context, signed, url, now, certificates.spend_and_read, id)
    above = await chains_above(context, found.issuer_id, now) if found else []
    return account, [[found.der, *chain] for chain in above] if found else []


async def chains_above(context: Context, issuer_id: int, now: datetime) -> list[list[bytes]]:
    """What certifies the issuer's certificates: an issuer that signs no more keeps its own chains (A-174, A-177)."""
    if issuer_id == context.issuer.id:
        return context.chains
    async with context.pool.acquire() as conn:
        return await ca.chains_above(conn, issuer_id, now)
