"""What people decide about bank lines, and what they tell about accounts and payers beforehand."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contract_gate.formats.receipt import DateMode
from contract_gate.matching import key_of
from office.storage import bank_files, bank_lines, money, money_books, people
from office.storage.bank_files import Dialect
from office.storage.bank_lines import PayerAlias, Settled
from office.storage.changing import changing
from office.use_cases import asked, payments
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of
from office.use_cases.bank_booking import GREATEST
from office.use_cases.tenants import NotThere
from sql import Conn
from sql.evidence import append, entry
from sql.ids import uuid7

FORMATS = ("zengin-01", "zengin-03", "camt.054")
YEARS, VIRTUAL_IN = ("era", "western"), ("none", "header", "remitter_code")


async def match_line(conn: Conn, line_id: int, number: str, person: str, now: datetime) -> payments.Paid:
    """The line pays this invoice at once; the payer's name goes to screening (T13-1). Raises Unfit."""
    who, bill = await asked.person(conn, person), await payments.invoice(conn, number)
    async with changing(conn, bill.contract_number):
        line = await _waiting(conn, line_id)
        if line.cancels or line.amount_yen > GREATEST:
            raise Unfit(f"line {line_id} is no receipt that one invoice can take: `keiyaku bank dismiss` it")
        receipt = line.receipt_id
        if receipt is None:
            receipt = uuid7(now)
            await money.hold_books(conn)
            await bank_lines.insert_receipts(conn, [(line_id, receipt)], now)
        paid = await payments.matched(conn, bill, receipt, now, asked.actor(who))
        await bank_lines.settle_anew(conn, Settled(line_id, "matched", f"by {who.handle}", receipt))
        if line.remitter:
            await bank_lines.screen_payers(conn, [(bill.contract_id, line.remitter)], now)
        await append(conn, entry("bank.line_matched", asked.actor(who), now, contract_id=bill.contract_id,
                                 rule="T13-1", clause="A8.1", line=line_id, receipt=receipt))  # fmt: skip
    return paid


async def dismiss(conn: Conn, line_id: int, reason: str, person: str, now: datetime) -> None:
    """The line needs nothing more; its receipt, if it has one, stays. Raises Unfit."""
    who, why = await asked.person(conn, person), checked_text("the reason", reason)
    async with conn.transaction():
        line = await _waiting(conn, line_id)
        await bank_lines.settle_anew(conn, Settled(line_id, "dismissed", why, line.receipt_id))
        await append(conn, entry("bank.line_dismissed", asked.actor(who), now, rule="T8-5", line=line_id))


async def _waiting(conn: Conn, line_id: int) -> bank_lines.Line:
    if found := await bank_lines.waiting_line(conn, line_id):
        return found
    raise Unfit(f"line {line_id} does not wait: `keiyaku bank queue` shows those that do")


def told(
    account: str, *, bank: str, branch: str, kind: str, number: str, format: str, years: DateMode, virtual_in: str,
    virtual_branch: str | None,
) -> Dialect:  # fmt: skip
    """What a person tells of an account's files."""
    return Dialect(UUID(int=0), account, bank, branch, kind, number, format, years, virtual_in, virtual_branch)


async def dialect(conn: Conn, account: str) -> Dialect:
    """How the bank's files name the account. Raises NotThere."""
    if found := next((each for each in await bank_files.dialects(conn) if each.handle == account), None):
        return found
    raise NotThere


def columns_of(values: Dialect) -> tuple[str | None, ...]:
    """The columns of what a person tells. Raises Unfit."""
    for what, text, size in (("bank", values.bank, 4), ("branch", values.branch, 3), ("number", values.number, 7)):
        if len(text) != size or not text.isdecimal():
            raise Unfit(f"the {what} is {size} digits, as the bank writes it")
    if (values.virtual_in == "header") != (values.virtual_branch is not None):
        raise Unfit("'header' and a virtual branch belong together: numbers of that branch are contracts' own")
    return (values.bank, values.branch, values.kind, values.number, values.format, values.years, values.virtual_in,
            values.virtual_branch)  # fmt: skip


async def set_dialect(conn: Conn, account: str, values: Dialect, now: datetime) -> Dialect:
    """The account's files can be read from now on. Raises Unfit."""
    columns = columns_of(values)
    async with conn.transaction():
        made = await bank_files.insert_dialect(conn, account, columns, now)
        if made is None:
            raise Unfit(f"there is no bank account '{account}', or it is told already, or another has this number")
        await append(conn, entry("bank.dialect_set", OPERATOR, now, rule="T8-6", account=made, format=values.format))
    return next(each for each in await bank_files.dialects(conn) if each.bank_account_id == made)


async def correct_dialect(
    conn: Conn, account: str, values: Dialect, reason: str, first: str, second: str, now: datetime
) -> Dialect:  # fmt: skip
    """Two people correct it for files to come; what was imported stays as it was read. Raises Unfit."""
    columns, why = columns_of(values), checked_text("reason", reason)
    one, two = await asked.two_persons(conn, first, second)
    before = next((each for each in await bank_files.dialects(conn) if each.handle == account), None)
    if before is None:
        raise Unfit(f"no files of an account '{account}' are read yet: `keiyaku bank dialect` tells how they look")
    try:
        async with conn.transaction():
            if not await money_books.no_import(conn):
                raise Unfit("a bank file is being imported at this moment: correct it after that")
            if not await bank_files.correct_dialect(conn, before.bank_account_id, columns, one.id, two.id, now):
                raise Unfit(f"lines of '{account}' were read from {before.format}: in another format they come twice")
            proof = entry(
                "bank.dialect_corrected", asked.actor(one), now, rule="T8-5", account=before.bank_account_id,
                before=columns_of(before), after=columns, reason=why, second=asked.actor(two),
            )  # fmt: skip
            await append(conn, proof)
    except asyncpg.UniqueViolationError:
        raise Unfit("another account has this number") from None
    return await dialect(conn, account)


async def add_alias(conn: Conn, customer: str, name: str, person: str, now: datetime) -> PayerAlias:
    """The customer's invoices are paid under this name, kana as the bank writes them. Raises Unfit."""
    who, key = await asked.person(conn, person), key_of(checked_text("the name", name, 100))
    if not key:
        raise Unfit(f"'{name}' is nothing but a legal form")
    async with conn.transaction():
        made = await bank_lines.insert_alias(conn, customer, name.strip(), key, who.id, now)
        if made is None:
            raise Unfit(f"there is no customer '{customer}', or the name is theirs already")
        await append(conn, entry("payer.alias_added", asked.actor(who), now, rule="T13-1", alias=made))
    return next(each for each in await aliases(conn, customer) if each.id == made)


async def remove_alias(conn: Conn, alias: str, now: datetime) -> None:
    """Receipts are not matched by this name any more. Raises Unfit."""
    alias_id: UUID = id_of("alias", alias)
    async with conn.transaction():
        if not await bank_lines.end_alias(conn, alias_id, now):
            raise NoSuch(alias, f"there is no alias '{alias}': `keiyaku bank alias list` shows them")
        await append(conn, entry("payer.alias_removed", OPERATOR, now, rule="T13-1", alias=alias_id))


async def aliases(conn: Conn, customer: str | None, after: UUID | None = None, most: int = MOST) -> list[PayerAlias]:
    """Aliases of a customer, or of all. Raises Unfit."""
    if customer is not None and await people.customer_of(conn, customer) is None:
        raise NoSuch(customer, f"there is no customer '{customer}': `keiyaku customer list` shows them")
    return await bank_lines.all_aliases(conn, customer, most, after)


async def allocate(conn: Conn, account: str, number: str, contract: str, now: datetime) -> None:
    """Money that comes in under this number is the contract's. Raises Unfit."""
    if not number.isdecimal() or len(number) > 10:
        raise Unfit("a virtual account is up to ten digits, as the bank's files show them")
    key = await asked.contract(conn, contract)
    async with conn.transaction():
        if not await bank_lines.insert_virtual(conn, account, number, key.id, now):
            raise Unfit(f"no open bank account '{account}', or {number} was another contract's within twelve months")
        await append(
            conn, entry("bank.virtual_allocated", OPERATOR, now, contract_id=key.id, rule="T8-5", number=number)
        )


async def release(conn: Conn, account: str, number: str, now: datetime) -> None:
    """The number stands for no contract, and for no other within twelve months. Raises Unfit."""
    async with conn.transaction():
        if not await bank_lines.end_virtual(conn, account, number, now):
            raise NoSuch(number, f"{number} of account '{account}' stands for no contract")
        await append(conn, entry("bank.virtual_released", OPERATOR, now, rule="T8-5", number=number))
