"""The accountants' work by hand: money without an invoice, what it does not pay after all, claims, closed months."""

from datetime import date

import msgspec

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import Body, Call, Line, Name, Operation, Yen, answer, created, done
from office.edge.api.roles import OFFICERS
from office.use_cases import bank_desk, ledger, payments, tenants
from office.use_cases.idempotency import Answer


class NewReceipt(Body, frozen=True, forbid_unknown_fields=True):
    """T8-5. Money that nothing explains yet."""

    amount_yen: Yen
    value_on: date
    remitter: Name
    source: Line


class Matching(Body, frozen=True, forbid_unknown_fields=True):
    """T8-5. Which invoice the receipt pays, or does not."""

    invoice: Name


class Reopened(msgspec.Struct, frozen=True):
    """What of an invoice is open again because a receipt does not pay it."""

    invoice: str
    reopened_yen: int


class Dismissal(Body, frozen=True, forbid_unknown_fields=True):
    """Why a bank line needs nothing more."""

    reason: Line


class NewClaim(Body, frozen=True, forbid_unknown_fields=True):
    """T9-4. `evidence`: where the grounds and their figures are."""

    amount_yen: Yen
    evidence: Line


class Default(Body, frozen=True, forbid_unknown_fields=True):
    """T8-16. Where the dealer's statement is."""

    evidence: Line


class Month(Body, frozen=True, forbid_unknown_fields=True):
    """By its first day."""

    month: date


async def receive(call: Call) -> Answer:
    """Money came in that nothing explains yet (仮受金)."""
    new: NewReceipt = call.body
    received = payments.Payment(new.amount_yen, new.value_on, new.remitter, new.source)
    return created({"id": await payments.record_unexplained(call.conn, received, call.now, call.caller.handle)})


async def match(call: Call) -> Answer:
    """What is left of a receipt pays an invoice; the block it causes ends in this transaction (T8-15)."""
    return created(await payments.match(call.conn, call.path["receipt"], call.body.invoice, call.now, call.person))


async def unmatch(call: Call) -> Answer:
    """A receipt does not pay this invoice after all: it is open again, the money unexplained."""
    invoice: str = call.body.invoice
    yen = await ledger.unmatch(call.conn, call.path["receipt"], invoice, call.person, call.now)
    return answer(Reopened(invoice, yen))


async def cancel(call: Call) -> Answer:
    """The bank took the money back (取消): what it paid is open again."""
    await payments.cancel(call.conn, call.path["receipt"], call.now, call.person)
    return done()


async def dismiss(call: Call) -> Answer:
    """A line of the bank's queue needs nothing more; its receipt, if it has one, stays."""
    line = tenants.line(call.path["line"])
    await bank_desk.dismiss(call.conn, line, call.body.reason, call.person, call.now)
    return done()


async def claim(call: Call) -> Answer:
    """A claim for damage above the fee that stays with the CA (A9.2): evidence alone, no money moves."""
    contract, new = await the_contract(call), call.body
    await ledger.claim(call.conn, contract, new.amount_yen, new.evidence, call.person, call.now)
    return done()


async def state_default(call: Call) -> Answer:
    """The dealer states that the customer has not paid: from now on the invoice can block."""
    await tenants.invoice(call.conn, None, call.path["number"])
    await ledger.state_default(call.conn, call.path["number"], call.body.evidence, call.person, call.now)
    return done()


async def close_month(call: Call) -> Answer:
    """Nothing is dated in that month any more: later corrections are dated in the month open then."""
    await ledger.close(call.conn, call.body.month, call.person, call.now)
    return created(call.body)


RECEIPT = "/receipts/{receipt}"
OPERATIONS = (
    Operation("recordReceipt", "POST", "/receipts", OFFICERS, receive, body=NewReceipt, once=True),
    Operation("matchReceipt", "POST", RECEIPT + "/match", OFFICERS, match, body=Matching, person=True, once=True),
    Operation("unmatchReceipt", "POST", RECEIPT + "/unmatch", OFFICERS, unmatch, body=Matching, person=True, once=True),
    Operation("cancelReceipt", "POST", RECEIPT + "/cancel", OFFICERS, cancel, body=Body, person=True, once=True),
    Operation(
        "dismissBankLine", "POST", "/bank-queue/{line}/dismiss", OFFICERS, dismiss, body=Dismissal, person=True,
        once=True,
    ),
    Operation("recordClaim", "POST", OF + "/claims", OFFICERS, claim, body=NewClaim, person=True, once=True),
    Operation(
        "stateDefault", "POST", "/invoices/{number}/default", OFFICERS, state_default, body=Default, person=True,
        once=True,
    ),
    Operation("closeMonth", "POST", "/closed-months", OFFICERS, close_month, body=Month, person=True, once=True),
)  # fmt: skip
