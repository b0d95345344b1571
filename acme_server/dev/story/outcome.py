"""What came of a story: every contract, invoice, certificate and notice, as lines that can be compared and read."""

from datetime import date, datetime

import msgspec

from acme_server.clock import utc_now
from contract_gate.calendar import JST
from office.storage.contracts import Contract
from office.storage.money import Invoice
from office.storage.notices import Delivery
from office.storage.revocations import Certificate, Scope
from office.use_cases import certificates, contracts, notices, payments
from sql import Conn

NEVER = "-"


class Outcome(msgspec.Struct, frozen=True):
    """Lines of four tables: contracts by number, the rest by day."""

    contracts: list[str]
    invoices: list[str]
    certificates: list[str]
    notices: list[str]


async def outcome_of(conn: Conn) -> Outcome:
    """The tables, as of now."""
    known = await contracts.listed(conn)
    issued = [one for each in known for one in await certificates.listed(conn, Scope(each.id), utc_now(), True)]
    return Outcome(
        contracts=[of_contract(each) for each in known],
        invoices=[of_invoice(each) for each in sorted(await payments.listed(conn, None, False), key=made)],
        certificates=[of_certificate(each) for each in sorted(issued, key=begun)],
        notices=sorted(of_notice(each) for each in await notices.listed(conn, None, None)),
    )


def made(invoice: Invoice) -> tuple[date, str]:
    """The order of invoices."""
    return invoice.issued_on, invoice.number


def begun(certificate: Certificate) -> tuple[datetime, str]:
    """The order of certificates."""
    return certificate.not_before, certificate.contract or NEVER


def of_contract(contract: Contract) -> str:
    """Handle, state, first certificate, end."""
    state = f"ended({contract.end_cause})" if contract.ended_at else contract.state
    return f"{contract.handle} {state} issued {day(contract.first_certificate_at)} ended {day(contract.ended_at)}"


def of_invoice(invoice: Invoice) -> str:
    """Number, contract, kind, dates and money."""
    return (
        f"{invoice.number} {invoice.contract} {invoice.kind} issued {invoice.issued_on} due {invoice.due_on} "
        f"total {invoice.total_yen} open {invoice.open_yen}"
    )


def of_certificate(certificate: Certificate) -> str:
    """Contract, days in Japan of issuance and of the last second, and when and why it was revoked."""
    code = NEVER if certificate.reason is None else certificate.reason
    return (
        f"{certificate.contract} issued {day(certificate.not_before)} until {day(certificate.not_after)} "
        f"revoked {day(certificate.revoked_at)} code {code}"
    )


def of_notice(notice: Delivery) -> str:
    """The day on which its cause happened, contract, kind, to whom, and how far it came."""
    return f"{day(notice.queued_at)} {notice.contract or NEVER} {notice.kind} {notice.address} {notice.state}"


def day(at: datetime | None) -> str:
    """The day in Japan."""
    return NEVER if at is None else f"{at.astimezone(JST):%Y-%m-%d}"
