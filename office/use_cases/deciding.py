"""What two persons may decide through a proposal: what each kind needs, who proposes, who confirms, the one use case.

Kinds of `deciding_house` are those that the database writes for two people's tokens alone.
"""

from collections.abc import Awaitable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

import msgspec

from office.use_cases import (
    acceptance,
    application,
    asked,
    case_decisions,
    cases,
    credit_invoices,
    deciding_house,
    deciding_money,
    documents,
    ending,
    holds,
    incidents,
    ledger,
    payments,
    service_end,
    settlement,
)
from office.use_cases.asked import Unfit, checked_text
from office.use_cases.kinds import APPROVERS, COMPLIANCE, DESK, SERVICE, Deciding, Given, Kind
from sql import Conn

Yen = Annotated[int, msgspec.Meta(ge=0, le=payments.GREATEST)]


class OfContract(Given, frozen=True, forbid_unknown_fields=True):
    """Which application is accepted."""

    contract: str


class Rejection(Given, frozen=True, forbid_unknown_fields=True):
    """Which application is rejected, by which reason code (T4-7)."""

    contract: str
    reason: str


class Rescission(Given, frozen=True, forbid_unknown_fields=True):
    """Which contract is rescinded, under which clause (T13-2)."""

    contract: str
    clause: str


class Transfer(Given, frozen=True, forbid_unknown_fields=True):
    """To whom a contract passes, by the written consent handed in as that document (T15-1)."""

    contract: str
    customer: str
    document: str


class Settling(Given, frozen=True, forbid_unknown_fields=True):
    """What of the fee of a contract that ended goes back (T9-5)."""

    contract: str
    cause: str
    returned_yen: Yen
    reason: str


class OfHold(Given, frozen=True, forbid_unknown_fields=True):
    """Which hold."""

    hold: str


class OfCase(Given, frozen=True, forbid_unknown_fields=True):
    """Which case of revocation, and why it is decided so."""

    case: str
    reason: str


class Materiality(Given, frozen=True, forbid_unknown_fields=True):
    """Which case is a material breach, and the deadline that both saw, to the hour, as of the proposal (T11-12)."""

    case: str
    reason: str
    deadline_at: Annotated[datetime, msgspec.Meta(tz=True)]


class Crediting(Given, frozen=True, forbid_unknown_fields=True):
    """What is taken off an invoice, tax included, at the rate of a line; out of which receipt it goes back."""

    invoice: str
    amount_yen: Yen
    rate: Yen
    reason: str
    receipt: str | None = None


class TaxCrediting(Given, frozen=True, forbid_unknown_fields=True):
    """Of which fee the tax is credited that a lower rate made too much (T8-11)."""

    invoice: str
    reason: str
    receipt: str | None = None


class OfInvoice(Given, frozen=True, forbid_unknown_fields=True):
    """Which invoice, and why it is decided so."""

    invoice: str
    reason: str


class Refunding(Given, frozen=True, forbid_unknown_fields=True):
    """What of a receipt goes back."""

    receipt: str
    amount_yen: Yen
    reason: str


class Recovering(Given, frozen=True, forbid_unknown_fields=True):
    """Which receipt pays which invoice that two people had written off (T8-5)."""

    invoice: str
    receipt: str
    reason: str


class ServiceEnd(Given, frozen=True, forbid_unknown_fields=True):
    """When the service ends, why, and what becomes of certificates (T23-1)."""

    cause: str
    ends_on: date
    certificates: str


class Beginning(Given, frozen=True, forbid_unknown_fields=True):
    """Which incident is carried out, or rehearsed, and at which pace after which wait (C-166)."""

    incident: str
    reason: str
    per_second: Annotated[int, msgspec.Meta(ge=1, le=incidents.MOST_A_SECOND)] = 20
    wait_seconds: Annotated[int, msgspec.Meta(ge=0, le=432_000)] = 21_600


def accept(d: Deciding) -> Awaitable[object]:
    """T4-5."""
    return acceptance.accept(d.conn, d.given.contract, d.first, d.second, d.access, d.now)


def reject(d: Deciding) -> Awaitable[object]:
    """T4-7."""
    return acceptance.reject(d.conn, d.given.contract, d.given.reason, d.first, d.second, d.now)


def rescind(d: Deciding) -> Awaitable[object]:
    """T13-2."""
    return ending.rescind(d.conn, d.given.contract, d.given.clause, d.first, d.second, d.now)


async def assign(d: Deciding) -> None:
    """T15-1."""
    g: Transfer = d.given
    kept = {str(each.id): each.sha256 for each in await documents.listed(d.conn, g.contract) if not each.destroyed_at}
    if (consent := kept.get(g.document)) is None:
        raise Unfit(f"there is no document '{g.document}' of '{g.contract}': hand the written consent in first")
    await application.assign(d.conn, g.contract, g.customer, consent, d.first, d.second, d.now)


def settle(d: Deciding) -> Awaitable[object]:
    """T9-5."""
    g: Settling = d.given
    return settlement.settle(d.conn, g.contract, g.cause, g.returned_yen, g.reason, d.first, d.second, d.now)


def confirm_hold(d: Deciding) -> Awaitable[object]:
    """T3-4, T13-2."""
    return holds.confirm(d.conn, d.given.hold, d.first, d.second, d.now)


def lift_hold(d: Deciding) -> Awaitable[object]:
    """T3-4."""
    return holds.lift(d.conn, d.given.hold, d.first, d.second, d.now)


def decide_case(d: Deciding) -> Awaitable[object]:
    """T11-7."""
    return case_decisions.decide(d.conn, d.given.case, d.first, d.second, d.given.reason, d.now)


def record_material(d: Deciding) -> Awaitable[object]:
    """T11-12."""
    g: Materiality = d.given
    return case_decisions.confirm_material(
        d.conn, g.case, d.first, d.second, g.reason, g.deadline_at, d.proposed_at, d.now
    )


def withdraw_case(d: Deciding) -> Awaitable[object]:
    """T11-12."""
    return case_decisions.withdraw(d.conn, d.given.case, d.first, d.second, d.given.reason, d.now)


def credit(d: Deciding) -> Awaitable[object]:
    """T8-5."""
    g: Crediting = d.given
    return credit_invoices.credit(
        d.conn, g.invoice, g.amount_yen, g.rate, g.receipt, g.reason, d.first, d.second, d.now
    )  # fmt: skip


def credit_tax(d: Deciding) -> Awaitable[object]:
    """T8-11."""
    g: TaxCrediting = d.given
    return credit_invoices.credit_tax(d.conn, g.invoice, g.receipt, g.reason, d.first, d.second, d.now)


def decline_tax(d: Deciding) -> Awaitable[object]:
    """T8-11."""
    return credit_invoices.decline_tax(d.conn, d.given.invoice, d.given.reason, d.first, d.second, d.now)


def write_off(d: Deciding) -> Awaitable[object]:
    """T8-15."""
    return ledger.write_off(d.conn, d.given.invoice, "write_off", d.given.reason, d.first, d.second, d.now)


def forgive(d: Deciding) -> Awaitable[object]:
    """T8-15."""
    return ledger.write_off(d.conn, d.given.invoice, "small_difference", d.given.reason, d.first, d.second, d.now)


def refund(d: Deciding) -> Awaitable[object]:
    """T8-5."""
    g: Refunding = d.given
    return ledger.refund(d.conn, g.receipt, g.amount_yen, g.reason, d.first, d.second, d.now)


def recover(d: Deciding) -> Awaitable[object]:
    """T8-5."""
    g: Recovering = d.given
    return ledger.recover(d.conn, g.receipt, g.invoice, g.reason, d.first, d.second, d.now)


def end_service(d: Deciding) -> Awaitable[object]:
    """T23-1."""
    g: ServiceEnd = d.given
    return service_end.decide(d.conn, g.cause, g.ends_on, g.certificates, d.first, d.second, d.now)


def begin(d: Deciding) -> Awaitable[object]:
    """T11-7, C-166."""
    g: Beginning = d.given
    pace = incidents.Pace(g.per_second, timedelta(seconds=g.wait_seconds))
    return incidents.begin(d.conn, g.incident, d.first, d.second, g.reason, pace, d.now)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "contract.accept": Kind(OfContract, DESK, APPROVERS, accept),
        "contract.assign": Kind(Transfer, DESK, APPROVERS, assign),
        "contract.reject": Kind(Rejection, DESK, APPROVERS, reject),
        "contract.rescind": Kind(Rescission, DESK, APPROVERS, rescind),
        "contract.settle": Kind(Settling, DESK, APPROVERS, settle),
        "hold.confirm": Kind(OfHold, COMPLIANCE, COMPLIANCE, confirm_hold, secret=True),
        "hold.lift": Kind(OfHold, COMPLIANCE, COMPLIANCE, lift_hold, secret=True),
        "incident.begin": Kind(Beginning, SERVICE, APPROVERS | COMPLIANCE, begin),
        "invoice.credit": Kind(Crediting, DESK, APPROVERS, credit),
        "invoice.credit_tax": Kind(TaxCrediting, DESK, APPROVERS, credit_tax),
        "invoice.leave_tax": Kind(OfInvoice, DESK, APPROVERS, decline_tax),
        "invoice.recover": Kind(Recovering, DESK, APPROVERS, recover),
        "invoice.small_difference": Kind(OfInvoice, DESK, APPROVERS, forgive),
        "invoice.write_off": Kind(OfInvoice, DESK, APPROVERS, write_off),
        "payment.refund": Kind(Refunding, DESK, APPROVERS, refund),
        "revocation.decide": Kind(OfCase, DESK, APPROVERS, decide_case),
        "revocation.material": Kind(Materiality, DESK, APPROVERS, record_material),
        "revocation.withdraw": Kind(OfCase, DESK, APPROVERS, withdraw_case),
        "service.end": Kind(ServiceEnd, DESK, APPROVERS, end_service),
        **deciding_house.KINDS,
        **deciding_money.KINDS,
    }
)


def converted(kind: type[Given], arguments: object) -> Given:
    """The arguments of a kind, each text a line. Raises Unfit."""
    try:
        given = msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        raise Unfit(f"the arguments do not fit: {error}") from error
    for name in given.__struct_fields__:
        if isinstance(text := getattr(given, name), str):
            checked_text(name, text)
    return given


async def contract_of(conn: Conn, given: Given) -> UUID | None:
    """The contract that is decided about, if it is one. Raises Unfit for a thing that is not there."""
    match given:
        case OfContract() | Rejection() | Rescission() | Transfer() | Settling():
            return (await asked.contract(conn, given.contract)).id
        case OfHold():
            return (await holds.found(conn, given.hold))[1].id
        case OfCase() | Materiality():
            return (await cases.case_named(conn, given.case)).contract_id
        case Crediting() | TaxCrediting() | OfInvoice() | Recovering():
            return (await payments.invoice(conn, given.invoice)).contract_id
        case _:
            return None
