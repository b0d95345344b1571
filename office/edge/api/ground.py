"""The ground that money stands on: texts, tax rates, who issues invoices, bank accounts, names of dealers.

Articles 2 and 8. Nothing of it is changed afterwards: another version, rate or issuer is another row. Who issues
invoices two people decide (`invoice.issuer`), as they add or remove a tax rate and correct or close a bank account.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from contract_gate.formats.receipt import DateMode
from office.edge.api.bank import Payer
from office.edge.api.calls import Body, Call, Handle, Instant, Line, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, COMPLIANCE, OFFICERS, OPERATORS
from office.edge.api.service import Address, Digest, Version
from office.use_cases import bank, bank_desk, dealers, register, sellers, tax_rates, tenants
from office.use_cases.idempotency import Answer

Branch = Annotated[str, msgspec.Meta(pattern="^[0-9]{3}$")]


class NewText(Body, frozen=True, forbid_unknown_fields=True):
    """T2-1. `sha256`: of the text."""

    kind: Literal["terms", "cps"]
    version: Version
    sha256: Digest
    url: Address
    effective_at: Instant


class NewAccount(Body, frozen=True, forbid_unknown_fields=True):
    """T8-6. The first day that its data covers, and where from.

    `despite_overdue`: unpaid invoices from before that day need not be overdue.
    """

    account: Handle
    first_day: date
    source: Line
    despite_overdue: bool = False


class NewDialect(Body, frozen=True, forbid_unknown_fields=True):
    """T8-5. How the bank's files name the account; `virtual_branch` with `header` alone."""

    bank: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}$")]
    branch: Branch
    number: Annotated[str, msgspec.Meta(pattern="^[0-9]{7}$")]
    kind: Literal["1", "2", "4"] = "1"
    format: Literal["zengin-01", "zengin-03", "camt.054"] = "zengin-01"
    years: DateMode = "era"
    virtual_in: Literal["none", "header", "remitter_code"] = "none"
    virtual_branch: Branch | None = None


class NewDealerAlias(Body, frozen=True, forbid_unknown_fields=True):
    """T8-16. `dealer`: as the applications name it; `name`: kana as the bank writes them."""

    dealer: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    name: Payer


async def add_text(call: Call) -> Answer:
    """A version of the CP/CPS, or the first of the Terms; a text never changes."""
    new: NewText = call.body
    text = register.text(new.kind, new.version, bytes.fromhex(new.sha256), new.url, new.effective_at)
    return created(await register.add_text(call.conn, text, call.now))


async def list_rates(call: Call) -> Answer:
    """A page of rates of consumption tax, by their first day."""
    after = tenants.day_after(call.query.cursor)
    rows = [rate for rate in await tax_rates.listed(call.conn) if after is None or rate.effective_on > after]
    return answer(tenants.page(rows, call.query.limit, lambda each: each.effective_on))


async def list_issuers(call: Call) -> Answer:
    """A page of those who issued invoices, newest first."""
    before = tenants.instant_after(call.query.cursor)
    rows = await sellers.sellers(call.conn, before, call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: tenants.instant(each.effective_at)))


async def open_account(call: Call) -> Answer:
    """An account that invoices may be paid into."""
    new: NewAccount = call.body
    made = await bank.open_account(
        call.conn, new.account, new.first_day, new.source, call.now, new.despite_overdue
    )  # fmt: skip
    return created(made)


async def show_dialect(call: Call) -> Answer:
    """How the bank's files name the account."""
    return answer(await bank_desk.dialect(call.conn, call.path["account"]))


async def set_dialect(call: Call) -> Answer:
    """The account's files can be read from now on; told once for each account."""
    account: str = call.path["account"]
    told = bank_desk.told(account, **msgspec.structs.asdict(call.body))
    return created(await bank_desk.set_dialect(call.conn, account, told, call.now))


async def list_aliases(call: Call) -> Answer:
    """A page of names under which dealers pay."""
    rows = await dealers.aliases(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def add_alias(call: Call) -> Answer:
    """What the dealer collected is paid under this name."""
    return created(await dealers.add_alias(call.conn, call.body.dealer, call.body.name, call.person, call.now))


async def remove_alias(call: Call) -> Answer:
    """Receipts are not matched by this dealer's name any more."""
    await dealers.remove_alias(call.conn, call.path["alias"], call.now)
    return done()


DIALECT, DEALERS, ISSUERS = "/bank-accounts/{account}/dialect", "/dealer-aliases", "/invoice-issuers"
OPERATIONS = (
    Operation("addText", "POST", "/texts", OPERATORS | COMPLIANCE, add_text, body=NewText, person=True, once=True),
    Operation("listTaxRates", "GET", "/tax-rates", CA, list_rates, query=Paged),
    Operation("listIssuers", "GET", ISSUERS, CA, list_issuers, query=Paged),
    Operation("openBankAccount", "POST", "/bank-accounts", OFFICERS, open_account, body=NewAccount, person=True,
              once=True),
    Operation("showDialect", "GET", DIALECT, CA, show_dialect),
    Operation("setDialect", "POST", DIALECT, OFFICERS, set_dialect, body=NewDialect, person=True, once=True),
    Operation("listDealerAliases", "GET", DEALERS, CA, list_aliases, query=Paged, withheld=("key", "name")),
    Operation("addDealerAlias", "POST", DEALERS, OFFICERS, add_alias, body=NewDealerAlias, person=True, once=True),
    Operation("removeDealerAlias", "DELETE", DEALERS + "/{alias}", OFFICERS, remove_alias, person=True),
)  # fmt: skip
