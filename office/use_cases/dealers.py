"""Dealers (特約店) who collect fees: the names under which they pay, often one sum for many contracts (T8-16)."""

from datetime import datetime
from uuid import UUID

from contract_gate.matching import key_of
from office.storage import dealers
from office.storage.dealers import DealerAlias
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, checked_text, id_of
from sql import Conn
from sql.evidence import append, entry


async def add_alias(conn: Conn, dealer: str, name: str, person: str, now: datetime) -> DealerAlias:
    """The dealer pays under this name, kana as the bank writes them. Raises Unfit."""
    who, key = await asked.person(conn, person), key_of(checked_text("the name", name, 100))
    if not key:
        raise Unfit(f"'{name}' is nothing but a legal form")
    async with conn.transaction():
        made = await dealers.insert(conn, checked_text("dealer", dealer, 200), name.strip(), key, who.id, now)
        if made is None:
            raise Unfit(f"no application names the dealer '{dealer}' so, or the name is theirs already")
        await append(conn, entry("dealer.alias_added", asked.actor(who), now, rule="T8-16", clause="A8.4", alias=made))
    return DealerAlias(made, dealer.strip(), name.strip(), key, now)


async def remove_alias(conn: Conn, alias: str, now: datetime) -> None:
    """Receipts are not matched by this name any more. Raises Unfit."""
    alias_id = id_of("alias", alias)
    async with conn.transaction():
        if not await dealers.end(conn, alias_id, now):
            raise NoSuch(alias, f"there is no alias '{alias}': `keiyaku bank dealer list` shows them")
        await append(conn, entry("dealer.alias_removed", OPERATOR, now, rule="T8-16", clause="A8.4", alias=alias_id))


async def aliases(conn: Conn, after: UUID | None = None, most: int = MOST) -> list[DealerAlias]:
    """Names under which dealers pay."""
    return await dealers.aliases(conn, most, after)
