"""Who is told that CAA forbade a certificate: RFC 8659 §4.4, C-050. The row is written with the refusal."""

from datetime import datetime
from uuid import UUID

from acme_server.protocol.errors import AcmeError
from acme_server.protocol.requests import contacts
from acme_server.storage import caa_reports
from acme_server.validation.outcome import NotProven
from contract_gate.public_suffix import is_public_suffix
from sql import Conn


def address_of(failed: NotProven) -> str | None:
    """The first mail address that the records ask to tell and that belongs to their own domain.

    Whoever can write a zone can name any address in it: one elsewhere is written to by nobody here.
    """
    if failed.forbidden_by is None:
        return None
    for url in failed.forbidden_by.iodef:
        try:
            [contact] = contacts([url])
        except AcmeError:
            continue
        address = contact.removeprefix("mailto:")
        if akin(address.rpartition("@")[2].lower(), failed.forbidden_by.domain):
            return address
    return None


def akin(one: str, other: str) -> bool:
    """Whether they are the same domain, or one lies below the other and the upper one is nobody else's too."""
    upper, lower = sorted((one, other), key=len)
    return lower == upper or (lower.endswith(f".{upper}") and not is_public_suffix(upper))


async def record(conn: Conn, account_id: UUID, failed: NotProven, now: datetime) -> None:
    """A report is due, if the records ask for one; in the transaction that records the refusal."""
    if failed.forbidden_by is not None and (address := address_of(failed)):
        await caa_reports.insert(conn, account_id, failed.forbidden_by.domain, address, now)
