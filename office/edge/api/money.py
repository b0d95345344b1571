"""Invoices, receipts, bank files and the queue of lines that wait for a person. Article 8."""

from datetime import date
from typing import Literal

from office.edge.api.applications import OF, the_contract
from office.edge.api.calls import WHOLE, Body, Call, Instant, Line, Name, Operation, Paged, Query, Yen, answer, created
from office.edge.api.roles import CA, EVERYBODY, OFFICERS, OPERATORS
from office.use_cases import bank_import, credit_invoices, invoices, payments, settlement, tenants
from office.use_cases.bank_desk import match_line
from office.use_cases.idempotency import Answer

LARGEST_FILE = 8 * 2**20


class NewPayment(Body, frozen=True, forbid_unknown_fields=True):
    """T8-5."""

    invoice: Name
    amount_yen: Yen
    value_on: date
    remitter: Name
    source: Line


class Ending(Query, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """T9-1. `at`: now, unless given."""

    cause: Literal["cancelled", "rescinded", "revoked", "lapsed", "service_ended", "cause_of_ca"]
    at: Instant | None = None


class NewMatch(Body, frozen=True, forbid_unknown_fields=True):
    """T13-1."""

    invoice: Name


async def list_invoices(call: Call) -> Answer:
    """A page of invoices, newest first."""
    return answer(await tenants.invoices(call.conn, call.customer, call.query.cursor, call.query.limit))


async def show_invoice(call: Call) -> Answer:
    """An invoice and what of it is open."""
    await tenants.invoice(call.conn, call.customer, call.path["number"])
    return answer(await payments.invoice(call.conn, call.path["number"]))


async def show_paper(call: Call) -> Answer:
    """The qualified invoice as it was made."""
    await tenants.invoice(call.conn, call.customer, call.path["number"])
    return answer(await invoices.paper(call.conn, call.path["number"]))


async def show_page(call: Call) -> Answer:
    """The same as a page that prints well."""
    await tenants.invoice(call.conn, call.customer, call.path["number"])
    return Answer(200, (await invoices.page(call.conn, call.path["number"])).encode(), "text/html")


async def list_credits(call: Call) -> Answer:
    """A page of credit invoices of a contract, newest first."""
    query: Paged = call.query
    rows = await credit_invoices.listed(call.conn, await the_contract(call), query.cursor, query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.number))


async def show_credit(call: Call) -> Answer:
    """A credit invoice as it was made."""
    await tenants.credit(call.conn, call.customer, call.path["credit"])
    return answer(await credit_invoices.paper(call.conn, call.path["credit"]))


async def show_credit_page(call: Call) -> Answer:
    """The same as a page that prints well."""
    await tenants.credit(call.conn, call.customer, call.path["credit"])
    return Answer(200, (await credit_invoices.page(call.conn, call.path["credit"])).encode(), "text/html")


async def list_tax_credits(call: Call) -> Answer:
    """Tax above what the rates in force ask, that two people did not decide about, oldest first, by page."""
    rows = await credit_invoices.waiting(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def foretell_settlement(call: Call) -> Answer:
    """What an early end makes of the fee (A9.1); nothing moves."""
    query: Ending = call.query
    contract = await the_contract(call)
    return answer(await settlement.settlement_of(call.conn, contract, query.cause, query.at or call.now))


async def list_settlements(call: Call) -> Answer:
    """A page of settlements that two people recorded, newest first."""
    rows = await settlement.listed(call.conn, call.query.cursor, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.contract))


async def pay(call: Call) -> Answer:
    """Money came in for an invoice: the block it causes ends in this transaction (T8-15)."""
    new: NewPayment = call.body
    payment = payments.Payment(new.amount_yen, new.value_on, new.remitter, new.source)
    return created(await payments.record_payment(call.conn, new.invoice, payment, call.now, call.caller.handle))


async def list_receipts(call: Call) -> Answer:
    """A page of receipts, newest first."""
    return answer(await tenants.receipts(call.conn, call.query.cursor, call.query.limit))


async def list_waiting(call: Call) -> Answer:
    """A page of bank lines that wait for a person, oldest first."""
    return answer(await tenants.waiting(call.conn, call.query.cursor, call.query.limit))


async def match(call: Call) -> Answer:
    """A line pays an invoice."""
    line = tenants.line(call.path["line"])
    return created(await match_line(call.conn, line, call.body.invoice, call.person, call.now))


async def import_bank_file(call: Call) -> Answer:
    """A bank file is imported whole; the same file again does nothing."""
    return answer(await bank_import.import_octets(call.conn, call.body, call.caller.handle, call.now))


OPERATIONS = (
    Operation("listInvoices", "GET", "/invoices", EVERYBODY, list_invoices, query=Paged),
    Operation("showInvoice", "GET", "/invoices/{number}", EVERYBODY, show_invoice),
    Operation("showInvoicePaper", "GET", "/invoices/{number}/paper", EVERYBODY, show_paper,
              withheld=("buyer", "payer")),
    Operation("showInvoicePage", "GET", "/invoices/{number}/page", EVERYBODY, show_page, withheld=WHOLE),
    Operation("listCredits", "GET", OF + "/credits", CA, list_credits, query=Paged),
    Operation("showCredit", "GET", "/credits/{credit}", EVERYBODY, show_credit, withheld=("buyer", "payer")),
    Operation("showCreditPage", "GET", "/credits/{credit}/page", EVERYBODY, show_credit_page, withheld=WHOLE),
    Operation("listTaxCredits", "GET", "/tax-credits", CA, list_tax_credits, query=Paged),
    Operation("foretellSettlement", "GET", OF + "/settlement", CA, foretell_settlement, query=Ending),
    Operation("listSettlements", "GET", "/settlements", CA, list_settlements, query=Paged),
    Operation("recordPayment", "POST", "/payments", OFFICERS, pay, body=NewPayment, once=True),
    Operation("listReceipts", "GET", "/receipts", CA, list_receipts, query=Paged, withheld=("remitter",)),
    Operation("listBankQueue", "GET", "/bank-queue", CA, list_waiting, query=Paged, withheld=("edi", "remitter")),
    Operation(
        "matchBankLine", "POST", "/bank-queue/{line}/match", OFFICERS, match, body=NewMatch, person=True, once=True
    ),
    Operation(
        "importBankFile", "POST", "/bank-files", OFFICERS | OPERATORS, import_bank_file, body=bytes,
        largest=LARGEST_FILE,
    ),
)  # fmt: skip
