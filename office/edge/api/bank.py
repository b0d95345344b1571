"""Bank accounts, and what tells whose a receipt is: days by hand, payers' names, virtual accounts. Article 8."""

from datetime import date
from typing import Annotated

import msgspec

from office.edge.api.calls import Body, Call, Handle, Line, Name, Operation, Paged, answer, created, done
from office.edge.api.roles import CA, OFFICERS
from office.use_cases import bank, bank_desk, bank_import, tenants
from office.use_cases.idempotency import Answer

Payer = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Number = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,10}$")]


class Days(Body, frozen=True, forbid_unknown_fields=True):
    """T8-6. Both included; one day, unless `last` is given. `source`: how it was confirmed."""

    first: date
    source: Line
    last: date | None = None


class Aliases(Paged, frozen=True, forbid_unknown_fields=True):
    """Of one customer, or of all."""

    customer: Handle | None = None


class NewAlias(Body, frozen=True, forbid_unknown_fields=True):
    """T13-1. `name`: kana as the bank writes them."""

    customer: Handle
    name: Payer


class NewVirtual(Body, frozen=True, forbid_unknown_fields=True):
    """T8-5. The number as the bank's files show it."""

    account: Handle
    number: Number
    contract: Name


async def list_accounts(call: Call) -> Answer:
    """What the data of each account covers."""
    return answer(tenants.Page(await bank.accounts(call.conn), None))


async def list_files(call: Call) -> Answer:
    """A page of imported files, newest first; one without an instant of booking must be imported again."""
    rows = await bank_import.files(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def add_days(call: Call) -> Answer:
    """Days whose bank data is complete, confirmed by a person; beyond a gap they wait."""
    new: Days = call.body
    account, last = call.path["account"], new.last or new.first
    return created(await bank.add_days(call.conn, account, new.first, last, new.source, call.person, call.now))


async def list_aliases(call: Call) -> Answer:
    """A page of names under which customers pay."""
    query: Aliases = call.query
    rows = await bank_desk.aliases(call.conn, query.customer, tenants.id_after(query.cursor), query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.id))


async def add_alias(call: Call) -> Answer:
    """The customer's invoices are paid under this name."""
    return created(await bank_desk.add_alias(call.conn, call.body.customer, call.body.name, call.person, call.now))


async def remove_alias(call: Call) -> Answer:
    """Receipts are not matched by this name any more."""
    await bank_desk.remove_alias(call.conn, call.path["alias"], call.now)
    return done()


async def allocate(call: Call) -> Answer:
    """Money that comes in under this number is the contract's."""
    new: NewVirtual = call.body
    await bank_desk.allocate(call.conn, new.account, new.number, new.contract, call.now)
    return created(new)


async def release(call: Call) -> Answer:
    """The number stands for no contract, and for no other within twelve months."""
    await bank_desk.release(call.conn, call.path["account"], call.path["number"], call.now)
    return done()


OPERATIONS = (
    Operation("listBankAccounts", "GET", "/bank-accounts", CA, list_accounts),
    Operation("listBankFiles", "GET", "/bank-files", CA, list_files, query=Paged),
    Operation("addBankDays", "POST", "/bank-accounts/{account}/days", OFFICERS, add_days, body=Days, person=True,
              once=True),
    Operation("listPayerAliases", "GET", "/payer-aliases", CA, list_aliases, query=Aliases,
              withheld=("customer", "key", "name")),
    Operation("addPayerAlias", "POST", "/payer-aliases", OFFICERS, add_alias, body=NewAlias, person=True, once=True),
    Operation("removePayerAlias", "DELETE", "/payer-aliases/{alias}", OFFICERS, remove_alias, person=True),
    Operation("allocateVirtual", "POST", "/virtual-accounts", OFFICERS, allocate, body=NewVirtual, person=True,
              once=True),
    Operation("releaseVirtual", "DELETE", "/virtual-accounts/{account}/{number}", OFFICERS, release, person=True),
)  # fmt: skip
