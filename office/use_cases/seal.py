"""The seal (Web ステッカー): asked for, shown on the contract's hosts while it is valid, deleted after the end."""

import secrets
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit
from uuid import UUID

import idna
import msgspec
from publicsuffixlist import PublicSuffixList

from contract_gate.articles.article_19_seal import HOSTS_A_DAY, Registrable, cache_seconds, shown_to, valid
from contract_gate.calendar import JST, jst_date
from contract_gate.readings import choice
from office.storage import seals
from office.storage.seals import Seal, Shown
from office.use_cases import asked
from office.use_cases.asked import MOST, Unfit
from office.use_cases.notify import notify
from office.use_cases.read_pages import fits
from sql import Conn, Pool
from sql.evidence import append, entry

TOKEN_OCTETS = 24
AT_ONCE = 200
LONGEST_HOST = 253


class Answer(msgspec.Struct, frozen=True):
    """What is said of a seal to a host: None of `host` where the request names none."""

    host: str | None
    on_host: bool
    valid: bool
    keep_seconds: int


async def request(conn: Conn, contract: str, person: str, now: datetime) -> str:
    """The customer asks for the seal: its token (T1-3). Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with conn.transaction():
        token = await seals.request(conn, key.id, secrets.token_urlsafe(TOKEN_OCTETS), who.id, now)
        if token is None:
            raise Unfit(f"the seal of '{contract}' is on already, or its contract has ended: `keiyaku seal list`")
        await _record(conn, "seal.requested", asked.actor(who), key.id, now)
    return token


async def withdraw(conn: Conn, contract: str, person: str, now: datetime) -> None:
    """The seal is off from now on. Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    async with conn.transaction():
        if not await seals.withdraw(conn, key.id, now):
            raise Unfit(f"the seal of '{contract}' is off")
        await _record(conn, "seal.withdrawn", asked.actor(who), key.id, now)


async def _record(conn: Conn, kind: str, actor: str, contract_id: UUID, now: datetime) -> None:
    await append(conn, entry(kind, actor, now, contract_id=contract_id, rule="T1-3", clause="A1.2"))


async def look(pool: Pool, token: str, page: str | None, now: datetime) -> Answer | None:
    """Whether the seal is valid now, and shown on the host of that page (T19-2, T4-10); None for no seal.

    `page` is what Origin or Referer says. A use on the customer's own host after the end is recorded (T19-3).
    """
    found = await seals.seal_of(pool, token, now) if fits(token) else None
    if found is None:
        return None
    answer = _answer(found, page, now)
    if answer.host is not None and answer.on_host and found.ended_at is not None:
        await _used_after_end(pool, found, answer.host, now)
    return answer


async def check(conn: Conn, contract: str, page: str | None, now: datetime) -> Answer:
    """What is said of the contract's seal now, to officers: nothing is recorded. Raises Unfit."""
    found = [each for each in await listed(conn, contract) if each.withdrawn_at is None]
    seal = await seals.seal_of(conn, found[0].token, now) if found else None
    if seal is None:
        raise Unfit(f"the seal of '{contract}' is off: `keiyaku seal request` turns it on")
    return _answer(seal, page, now)


def _answer(found: Seal, page: str | None, now: datetime) -> Answer:
    host = host_of(page) if page else None
    registrable = icann() if choice("seal.scope", found.scope) == "registrable_domain" else None
    on_host = host is not None and shown_to(host, found.names, registrable)
    good = valid(found.active, found.live, now)
    return Answer(host, on_host, good, cache_seconds(found.live, now) if good else 0)


async def _used_after_end(pool: Pool, found: Seal, host: str, now: datetime) -> None:
    row = entry(
        "seal.used_after_end", "page:seal", now, contract_id=found.contract_id, rule="T19-3", clause="A19.2", host=host
    )
    await seals.used_after_end(pool, found, host, jst_date(now), HOSTS_A_DAY, row)


def host_of(page: str) -> str | None:
    """The host of an address, as certificates name it; None for what has none."""
    try:
        host = urlsplit(page).hostname or ""
        found = host if ":" in host else idna.encode(host, uts46=True).decode()
    except (ValueError, idna.IDNAError):
        return None
    return found if 0 < len(found) <= LONGEST_HOST else None


@cache
def icann() -> Registrable:
    """The registrable domain of a host by the public suffix list, its ICANN section alone (R-6)."""
    found: Registrable = PublicSuffixList(only_icann=True).privatesuffix
    return found


async def ask_deletion(pool: Pool, now: datetime) -> int:
    """Customers of ended contracts are asked, once, to delete the seal (T19-1); says how many."""
    async with pool.acquire() as conn, conn.transaction():
        ended = await seals.to_delete(conn, AT_ONCE)
        for each in ended:
            since = each.ended_at.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S JST")
            notice = await notify(conn, "seal_deletion", now, contract_id=each.contract_id, since=since)
            await seals.told(conn, each.contract_id, notice)
    return len(ended)


async def listed(conn: Conn, contract: str | None, after: str | None = None, most: int = MOST) -> list[Shown]:
    """The seal of a contract, or all by their contracts' handles. Raises Unfit."""
    key = await asked.contract(conn, contract) if contract else None
    return await seals.seals(conn, key.id if key else None, most, after)
