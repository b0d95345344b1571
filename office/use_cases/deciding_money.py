"""What money comes in by, decided by two persons: who issues invoices, at which tax, accounts that change or close."""

from collections.abc import Awaitable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from contract_gate.formats.receipt import DateMode
from contract_gate.money import WHOLE, TaxRate
from office.use_cases import bank, bank_desk, sellers, tax_rates
from office.use_cases.kinds import APPROVERS, DESK, Deciding, Given, Kind
from office.use_cases.sellers import NewSeller, Told
from sql import Conn


class NewIssuer(Given, frozen=True, forbid_unknown_fields=True):
    """Who issues invoices from the confirmation on, and the account they name (T8-3)."""

    name: str
    address: str
    registration_number: str
    pay_into: Told | None = None


class Corrected(Given, frozen=True, forbid_unknown_fields=True):
    """How a bank's files to come name the account (T8-5)."""

    account: str
    bank: str
    branch: str
    number: str
    reason: str
    kind: Literal["1", "2", "4"] = "1"
    format: Literal["zengin-01", "zengin-03", "camt.054"] = "zengin-01"
    years: DateMode = "era"
    virtual_in: Literal["none", "header", "remitter_code"] = "none"
    virtual_branch: str | None = None


class Closing(Given, frozen=True, forbid_unknown_fields=True):
    """From which day on an account is not there any more; open invoices may name it still, if so said (T8-6)."""

    account: str
    closed_from: date
    reason: str
    though_named: bool = False


class NewRate(Given, frozen=True, forbid_unknown_fields=True):
    """The rate of services complete from a day to come on; 1000 basis points are 10 % (T8-8)."""

    effective_on: date
    basis_points: Annotated[int, msgspec.Meta(ge=0, le=WHOLE)]


class RateRemoval(NewRate, frozen=True, forbid_unknown_fields=True):
    """Which rate to come, as both see it, is none (T8-8)."""

    reason: str


async def issuer_fits(conn: Conn, given: NewIssuer, now: datetime) -> Given:
    """With the digits of the account, which both see. Raises Unfit."""
    if given.pay_into is None:
        return given
    into = await sellers.fitting(conn, given.pay_into)
    return msgspec.structs.replace(given, pay_into=Told(**msgspec.structs.asdict(into)))


def set_issuer(d: Deciding) -> Awaitable[object]:
    """T8-3."""
    g: NewIssuer = d.given
    return sellers.set_seller(
        d.conn, NewSeller(g.name, g.address, g.registration_number, g.pay_into), d.first, d.second, d.now
    )  # fmt: skip


def correct(d: Deciding) -> Awaitable[object]:
    """T8-5."""
    g: Corrected = d.given
    values = bank_desk.told(
        g.account, bank=g.bank, branch=g.branch, kind=g.kind, number=g.number, format=g.format, years=g.years,
        virtual_in=g.virtual_in, virtual_branch=g.virtual_branch,
    )  # fmt: skip
    return bank_desk.correct_dialect(d.conn, g.account, values, g.reason, d.first, d.second, d.now)


def close(d: Deciding) -> Awaitable[object]:
    """T8-6."""
    g: Closing = d.given
    return bank.close_account(d.conn, g.account, g.closed_from, g.reason, d.first, d.second, d.now, g.though_named)


def add_rate(d: Deciding) -> Awaitable[object]:
    """T8-8."""
    return tax_rates.add(d.conn, TaxRate(d.given.effective_on, d.given.basis_points), d.first, d.second, d.now)


def remove_rate(d: Deciding) -> Awaitable[object]:
    """T8-8."""
    g: RateRemoval = d.given
    rate = TaxRate(g.effective_on, g.basis_points)
    return tax_rates.remove(d.conn, rate, g.reason, d.first, d.second, d.now)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bank.close": Kind(Closing, DESK, APPROVERS, close),
        "bank.correct": Kind(Corrected, DESK, APPROVERS, correct),
        "invoice.issuer": Kind(NewIssuer, DESK, APPROVERS, set_issuer, fit=issuer_fits),
        "tax_rate.add": Kind(NewRate, DESK, APPROVERS, add_rate),
        "tax_rate.remove": Kind(RateRemoval, DESK, APPROVERS, remove_rate),
    }
)
