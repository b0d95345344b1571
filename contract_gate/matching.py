"""Which open invoices a receipt pays: virtual account, EDI, number, a dealer's sum, name with amount; else a person."""

import re
import string
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.formats.receipt import Receipt

How = Literal["virtual_account", "edi", "leading_number", "name", "dealer"]
REMEMBERED = 4096  # texts: each of a batch of lines is asked for several times
SHORTEST_NUMBER = 4  # digits that may stand for an invoice
NAME_CUT, NAME_CUT_WITH_EDI = 48, (26, 37)  # characters after which names are cut without notice

LARGE = str.maketrans("ァィゥェォッャュョヮー‐‑–—―−", "アイウエオツヤユヨワ" + "-" * 7)  # and one dash
# as they stand in names: ｶ)… at the beginning, …(ｶ at the end, …(ｶ)… inside
SHORT_FORMS = "カ|ユ|メ|シ|ド|イ|ザイ|シヤ|シユウ|ガク|フク|ソ|トクヒ|ドク|ダイ|エイ|シユツ|株|有|名|資|同"
ABBREVIATED = re.compile(rf"^(?:{SHORT_FORMS})\)|\((?:{SHORT_FORMS})\)|\((?:{SHORT_FORMS})$")
WRITTEN_OUT = re.compile(  # each has SHIYA or KAISHA in it
    "カブシキガイシヤ|カブシキカイシヤ|ユウゲンガイシヤ|ゴウドウガイシヤ|ゴウシガイシヤ|ゴウメイガイシヤ|株式会社|有限会社|合同会社|合資会社|合名会社"
)
NO_LETTER, LETTERS = re.compile("[^0-9A-Z]+"), str.maketrans("", "", string.ascii_uppercase)
ASCII_SIGNS = str.maketrans("", "", "".join(chr(each) for each in range(128) if not chr(each).isalnum()))
LEADING = re.compile(r"(\d{1,10}) *(\D.*)", re.DOTALL)


class OpenInvoice(msgspec.Struct, frozen=True, gc=False):
    """An invoice with an open rest. `dealer`: whose it is to collect (T8-16); None: nobody's."""

    id: UUID
    number: str
    contract_id: UUID
    contract_number: int
    customer_id: UUID
    open_yen: int
    due_on: date
    dealer: str | None = None


class Alias(msgspec.Struct, frozen=True, gc=False):
    """A name, normalised, under which a customer's invoices are paid, or those that a dealer collects."""

    customer_id: UUID | None
    key: str
    dealer: str | None = None


class Ledger(msgspec.Struct, frozen=True, gc=False):
    """What a receipt is held against; it may hold more than concerns the receipt. `virtual`: number to contract."""

    invoices: Sequence[OpenInvoice]
    aliases: Sequence[Alias]
    virtual: Mapping[str, UUID]


class Matched(msgspec.Struct, frozen=True, gc=False):
    """It pays this invoice. `known_payer`: the name is registered for the customer (T13-1)."""

    invoice: OpenInvoice
    how: How
    known_payer: bool


class Shared(msgspec.Struct, frozen=True, gc=False):
    """It pays these invoices of a dealer, all of each (T8-16)."""

    invoices: tuple[OpenInvoice, ...]


class Payers(msgspec.Struct, frozen=True, gc=False):
    """Whose names a receipt's remitter is."""

    customers: frozenset[UUID]
    dealers: frozenset[str]

    def know(self, invoice: OpenInvoice) -> bool:
        """Whether one of them pays the invoice."""
        return invoice.customer_id in self.customers or invoice.dealer in self.dealers


NOBODY = Payers(frozenset(), frozenset())


class Ambiguous(msgspec.Struct, frozen=True):
    """A person chooses among these."""

    candidates: tuple[str, ...]
    reason: str


class Unknown(msgspec.Struct, frozen=True):
    """A person finds out."""

    reason: str


Outcome = Matched | Shared | Ambiguous | Unknown


def match(receipt: Receipt, virtual_number: str, ledger: Ledger) -> Outcome:
    """In the order of business-formats §1.4; an amount alone never matches. T8-5, T8-16, T13-1.

    What a dealer sends may be one sum for many, of which it names one: only the exact amount makes that one the meant.
    """
    payers = payers_of(receipt, ledger.aliases)
    if (contract := ledger.virtual.get(virtual_number)) is not None:
        of_contract = [each for each in ledger.invoices if each.contract_id == contract]
        return _one_of(_exact(of_contract, receipt) or of_contract, "virtual_account", payers)
    for how, reference in (("edi", receipt.edi), ("leading_number", parted(receipt.remitter)[0])):
        if meant := [each for each in ledger.invoices if refers(reference, each.number)]:
            if not _exact(meant, receipt) and (sums := sums_of(payers.dealers, receipt.amount_yen, ledger.invoices)):
                return _one_sum(sums)
            return _one_of(meant, "edi" if how == "edi" else "leading_number", payers)
    if payers.dealers:
        return _of_dealers(receipt, payers, ledger)
    if not payers.customers:
        return Unknown("nobody has this name, and no reference is an open invoice")
    of_payers = [each for each in ledger.invoices if each.customer_id in payers.customers]
    if exact := _exact(of_payers, receipt):
        return _one_of(exact, "name", payers)
    if of_payers:
        return Ambiguous(_numbers(of_payers), "the name is known, no open invoice is over this amount")
    return Unknown("the name is known, its customer has no open invoice")


def payers_of(receipt: Receipt, aliases: Collection[Alias]) -> Payers:
    """Customers and dealers that have the remitter's name."""
    if not aliases:
        return NOBODY
    named = [alias for alias in aliases if names(receipt, alias.key)]
    customers = frozenset(alias.customer_id for alias in named if alias.customer_id is not None)
    return Payers(customers, frozenset(alias.dealer for alias in named if alias.dealer is not None))


def sums_of(dealers: Collection[str], yen: int, invoices: Sequence[OpenInvoice]) -> list[tuple[OpenInvoice, ...]]:
    """Which invoices of one of these dealers the amount pays in full: those due on one day, or all due up to one.

    Nothing else is tried: some invoices of many that happen to have that sum are a guess. T8-16.
    """
    found: dict[frozenset[UUID], tuple[OpenInvoice, ...]] = {}
    for dealer in sorted(dealers):
        up_to: list[OpenInvoice] = []
        theirs = sorted((each for each in invoices if each.dealer == dealer), key=lambda each: each.due_on)
        for _, due in groupby(theirs, key=lambda each: each.due_on):
            of_day = list(due)
            up_to += of_day
            for group in (of_day, up_to):
                if sum(each.open_yen for each in group) == yen:
                    found[frozenset(each.id for each in group)] = tuple(group)
    return list(found.values())


def _of_dealers(receipt: Receipt, payers: Payers, ledger: Ledger) -> Outcome:
    theirs = [each for each in ledger.invoices if payers.know(each)]
    if exact := _exact(theirs, receipt):
        return _one_of(exact, "dealer", payers)
    if sums := sums_of(payers.dealers, receipt.amount_yen, ledger.invoices):
        return _one_sum(sums)
    if theirs:
        return Ambiguous(_numbers(theirs), "a dealer's sum: its list says which it pays")
    return Unknown("the name is a dealer's, who has no open invoice")


def _one_sum(sums: Sequence[tuple[OpenInvoice, ...]]) -> Shared | Ambiguous:
    if len(sums) > 1:
        return Ambiguous(_numbers(each for group in sums for each in group), "a dealer's sum fits in several ways")
    return Shared(sums[0])


def _exact(invoices: Iterable[OpenInvoice], receipt: Receipt) -> list[OpenInvoice]:
    return [each for each in invoices if each.open_yen == receipt.amount_yen]


def _one_of(found: Sequence[OpenInvoice], how: How, payers: Payers) -> Matched | Ambiguous | Unknown:
    if not found:
        return Unknown("the contract of the virtual account has no open invoice")
    if len(found) > 1:
        return Ambiguous(_numbers(found), "several open invoices fit")
    return Matched(found[0], how, payers.know(found[0]))


def _numbers(invoices: Iterable[OpenInvoice]) -> tuple[str, ...]:
    return tuple(sorted({each.number for each in invoices}))


@lru_cache(REMEMBERED)
def parted(remitter: str) -> tuple[str, str]:
    """The number a payer put before the name, '' if none, and the name. §1.4."""
    found = LEADING.fullmatch(remitter) if remitter[:1].isdecimal() else None
    return (found[1], found[2]) if found else ("", remitter)


@lru_cache(REMEMBERED)
def key_of(name: str) -> str:
    """A name as it is compared: no legal form, no spaces, large kana, one dash, voiced marks as signs of their own.

    So that a name cut in the middle of a voiced sound is still the beginning of the whole one. §1.4
    """
    plain = unicodedata.normalize("NFKC", name).upper().translate(LARGE).strip()
    if "(" in plain or ")" in plain:
        plain = ABBREVIATED.sub("", plain)
    if "シヤ" in plain or "会社" in plain:
        plain = WRITTEN_OUT.sub("", plain)
    return unicodedata.normalize("NFD", "".join(plain.split()))


def names(receipt: Receipt, key: str) -> bool:
    """Whether the receipt's remitter is this name, or the beginning of it where the field was full. §1.4."""
    raw, written = receipt.remitter, key_of(parted(receipt.remitter)[1])
    cut = len(raw) >= NAME_CUT or (bool(receipt.edi) and len(raw) in NAME_CUT_WITH_EDI)
    return bool(written) and (key.startswith(written) if cut else key == written)


@lru_cache(REMEMBERED)
def whole(reference: str) -> str:
    """Letters and digits of a reference."""
    if reference.isascii():
        return reference.upper().translate(ASCII_SIGNS)
    return NO_LETTER.sub("", unicodedata.normalize("NFKC", reference).upper())


@lru_cache(REMEMBERED)
def digits(reference: str) -> str:
    """The digits of a reference."""
    return whole(reference).translate(LETTERS)


def refers(reference: str, number: str) -> bool:
    """Whether a payer's reference is the number of an invoice: all of it, or its digits when they are four or more."""
    said = whole(reference)
    return bool(said) and (said == whole(number) or (len(said) >= SHORTEST_NUMBER and said == digits(number)))
