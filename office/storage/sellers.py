"""Who issues invoices, and the account that they are paid into."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

import msgspec

from contract_gate.registration import of_corporation
from sql import Conn, statements
from sql.ids import uuid7

SQL = statements("office/sellers")
KINDS: Mapping[str, str] = MappingProxyType({"1": "普通", "2": "当座", "4": "貯蓄"})
T = TypeVar("T")


class PayInto(msgspec.Struct, frozen=True):
    """An account to pay into (振込先), in the words of business-formats.md §1. `account`: ours of that handle."""

    account: str | None
    bank: str
    bank_name: str
    branch: str
    branch_name: str
    kind: str
    number: str
    holder: str

    def __str__(self) -> str:
        """As a payer types it."""
        return (
            f"{self.bank_name}（{self.bank}） {self.branch_name}（{self.branch}） {KINDS[self.kind]} {self.number}"
            f" {self.holder}"
        )


class VirtualAccount(msgspec.Struct, frozen=True):
    """A contract's own number at the bank (バーチャル口座); `branch`: where it is, if the number is an account's."""

    bank: str
    branch: str | None
    number: str

    def __str__(self) -> str:
        """As a payer types it."""
        return self.number if self.branch is None else f"支店番号 {self.branch} 口座番号 {self.number}"


class Issuer(msgspec.Struct, frozen=True):
    """Who issued invoices from an instant on, and who said so; `confirmed_by` None: set before two people had to.

    `of_corporation` false: the number is no corporate number, which is worth a second look.
    """

    effective_at: datetime
    name: str
    address: str
    registration_number: str
    set_by: str
    confirmed_by: str | None
    pay_into: PayInto | None
    of_corporation: bool


def written(kind: type[T], text: str | None) -> T | None:
    """What the JSON of a row says."""
    return None if text is None else msgspec.json.decode(text, type=kind)


async def insert(
    conn: Conn, name: str, address: str, registration_number: str, pay_into: PayInto | None, first: UUID, second: UUID,
    now: datetime,
) -> bool:  # fmt: skip
    """Who issues invoices from now on. False when another was set at this instant."""
    account_id = None if pay_into is None else await insert_account(conn, pay_into, now)
    values = (now, name, address, registration_number, first, second, account_id)
    return await conn.fetchval(SQL["insert"], *values) is not None


async def insert_account(conn: Conn, into: PayInto, now: datetime) -> UUID:
    """The id of an account that invoices may name."""
    account_id = uuid7(now)
    await conn.execute(
        SQL["insert_account"], account_id, into.account, into.bank, into.bank_name, into.branch, into.branch_name,
        into.kind, into.number, into.holder,
    )  # fmt: skip
    return account_id


async def sellers(conn: Conn, before: datetime | None, most: int) -> list[Issuer]:
    """Who issued invoices, newest first; those set before an instant."""
    return [
        Issuer(
            **{**row, "pay_into": written(PayInto, row["pay_into"])},
            of_corporation=of_corporation(row["registration_number"]),
        )
        for row in await conn.fetch(SQL["sellers"], before, most)
    ]
