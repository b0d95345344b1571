"""Who issues invoices, and which account they name to be paid into: two people set both (A8.1)."""

import re
from datetime import datetime

import msgspec

from contract_gate.registration import of_corporation, well_formed
from office.storage import bank, bank_files
from office.storage import sellers as stored
from office.storage.sellers import KINDS, Issuer, PayInto
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit, checked_text
from sql import Conn
from sql.evidence import append, entry

NAME = 100  # characters of the name of a bank, a branch or a holder
DIGITS = {"bank": "[0-9]{4}", "branch": "[0-9]{3}", "kind": "[124]", "number": "[0-9]{7}"}


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What people tell of an account to pay into: one of ours by its handle, or another by its digits."""

    account: str | None = None
    bank: str | None = None
    bank_name: str
    branch: str | None = None
    branch_name: str
    kind: str | None = None
    number: str | None = None
    holder: str

    @property
    def digits(self) -> tuple[str | None, str | None, str | None, str | None]:
        """Which account of which bank it is."""
        return self.bank, self.branch, self.kind, self.number


class NewSeller(msgspec.Struct, frozen=True):
    """Who is to issue invoices. `registration_number`: 登録番号, T and 13 digits. `pay_into`: 振込先."""

    name: str
    address: str
    registration_number: str
    pay_into: Told | None


class Seller(msgspec.Struct, frozen=True):
    """Who issues invoices; `of_corporation` false: the number is no corporate number, which is worth a second look."""

    name: str
    registration_number: str
    of_corporation: bool
    pay_into: PayInto | None


async def set_seller(conn: Conn, new: NewSeller, first: str, second: str, now: datetime) -> Seller:
    """Invoices made from now on name this issuer, and the account to pay into (A8.1). Raises Unfit."""
    number = new.registration_number
    if not well_formed(number):
        raise Unfit(f"'{number}' is no registration number: write T and 13 digits, the first not 0")
    one, two = await asked.two_persons(conn, first, second)
    name, address = checked_text("name", new.name), checked_text("address", new.address)
    async with conn.transaction():
        into = await fitting(conn, new.pay_into) if new.pay_into else None
        if not await stored.insert(conn, name, address, number, into, one.id, two.id, now):
            raise Unfit("another issuer was set at this instant: try again")
        proof = entry(
            "invoice.seller_set", asked.actor(one), now, rule="T8-3", clause="A8.1", number=number,
            pay_into=msgspec.to_builtins(into), second=asked.actor(two),
        )  # fmt: skip
        await append(conn, proof)
    return Seller(name, number, of_corporation(number), into)


async def fitting(conn: Conn, told: Told) -> PayInto:
    """The account with all its digits: those of one of ours are as its files name it. Raises Unfit."""
    for what in ("bank_name", "branch_name", "holder"):
        checked_text(what, getattr(told, what), NAME)
    found = told.digits if told.account is None else await _of_ours(conn, told)
    for (what, pattern), value in zip(DIGITS.items(), found, strict=True):
        if not re.fullmatch(pattern, value or ""):
            raise Unfit(
                f"{what} '{value or ''}': an account is a bank of four digits, a branch of three, a kind"
                f" ({', '.join(KINDS)}) and a number of seven; or name one of ours"
            )
    bank_code, branch, kind, number = (value or "" for value in found)
    return PayInto(
        told.account, bank_code, told.bank_name.strip(), branch, told.branch_name.strip(), kind, number,
        told.holder.strip(),
    )  # fmt: skip


async def _of_ours(conn: Conn, told: Told) -> tuple[str, str, str, str]:
    assert told.account is not None  # the caller looked
    held = await bank.lock_account(conn, told.account)
    found = next((each for each in await bank_files.dialects(conn) if each.handle == told.account), None)
    if held is None or found is None:
        raise Unfit(f"nobody told how files name an account '{told.account}': `keiyaku bank dialect` does")
    if held.closed_from is not None:
        raise Unfit(f"bank account '{told.account}' is closed from {held.closed_from}: name another")
    ours = (found.bank, found.branch, found.kind, found.number)
    if any(told.digits) and told.digits != ours:
        raise Unfit(f"bank account '{told.account}' is {' '.join(ours)} in its files: tell its handle alone")
    return ours


async def sellers(conn: Conn, before: datetime | None = None, most: int = MOST) -> list[Issuer]:
    """Who issued invoices, newest first; those set before an instant."""
    return await stored.sellers(conn, before, most)
