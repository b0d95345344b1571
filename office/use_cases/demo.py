"""The contracts of `keiyaku dev`: one that admits, one whose payment is overdue."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from contract_gate.articles.article_12_term import before
from contract_gate.calendar import jst_date, next_month_end
from office.storage import applications, bank, contracts, demo, keys, money, people, sellers
from office.storage.changing import changing
from office.storage.contracts import ContractKey, Subject
from office.storage.people import Customer, Person, Plan, Text
from office.storage.sellers import PayInto
from office.use_cases.application import REVIEWS
from office.use_cases.asked import actor
from office.use_cases.keys import UNLIMITED, NewKey, base64url, new_secret
from sql import Conn
from sql.evidence import append, entry
from sql.ids import uuid7

DEMO, OVERDUE, UNBOUND = "demo", "demo-overdue", "dev-default"
NETWORKS = ("127.0.0.0/8", "::1/128")
SUBJECT = Subject("Keiyaku Demo K.K.", "JP", "Tokyo", "Chiyoda-ku")
VERSION = "demo-1"
ISSUER = ("Keiyaku Demo CA K.K.", "Chiyoda-ku, Tokyo", "T7000012050002")
PAY_INTO = PayInto("demo", "0001", "デモ銀行", "001", "本店", "1", "1234567", "ｹｲﾔｸ ﾃﾞﾓ")
NAMES_MAX, TERM_MONTHS, FEE_YEN, INVOICE_YEN = 100, 120, 55_000, 60_500
REVIEW_AGAIN = timedelta(days=300)  # well before 398 days (T4-4)


class Demo(msgspec.Struct, frozen=True):
    """Keys of the two contracts, and the kid of the demo contract's key for accounts without a binding."""

    admitted: NewKey
    overdue: NewKey
    unbound_kid: str


async def make_demo(conn: Conn, now: datetime) -> Demo:
    """Both contracts exist, and the first passes every gate at `now`. Once made, only old reviews are renewed."""
    made = [key for name in (DEMO, OVERDUE) if (key := await contracts.key_of(conn, name, None))]
    async with changing(conn, *(key.number for key in made)):
        if not made:
            await make_contracts(conn, now)
        for key in made:
            await review_again(conn, key.id, now)
        secret = {kid: base64url(key) for kid, key in (await demo.secrets_of(conn, [DEMO, OVERDUE])).items()}
    return Demo(NewKey(DEMO, secret[DEMO]), NewKey(OVERDUE, secret[OVERDUE]), UNBOUND)


async def make_contracts(conn: Conn, now: datetime) -> None:
    """Everything, from the people who decide to the overdue invoice; within the caller's transaction."""
    officers = [await officer(conn, number, now) for number in (1, 2)]
    customer = Customer(uuid7(now), "demo", SUBJECT.organization, "juridical_person", None, True, None)
    plan = Plan(uuid7(now), "demo", "Demo", FEE_YEN, TERM_MONTHS, NAMES_MAX)
    await people.insert_customer(conn, customer, now)
    await people.insert_plan(conn, plan)
    for kind in ("terms", "cps"):
        await people.insert_text(
            conn, Text(kind, VERSION, sha256(kind.encode()).digest(), f"https://demo.test/{kind}", now)
        )
    admitted = await make_contract(conn, DEMO, "demo.test", customer, plan, officers, now)
    overdue = await make_contract(conn, OVERDUE, "overdue.test", customer, plan, officers, now)
    await make_key(conn, admitted.id, UNBOUND, "accounts without a binding", now)
    await leave_unpaid(conn, overdue.id, now)
    await set_issuer(conn, officers, now)


async def set_issuer(conn: Conn, officers: list[Person], now: datetime) -> None:
    """Invoices name the demo's CA, and its bank account to pay into (T8-3)."""
    first, second = officers
    await sellers.insert(conn, *ISSUER, PAY_INTO, first.id, second.id, now)
    row = entry(
        "invoice.seller_set", actor(first), now, rule="T8-3", clause="A8.1", number=ISSUER[-1],
        pay_into=msgspec.to_builtins(PAY_INTO), second=actor(second),
    )  # fmt: skip
    await append(conn, row)


async def officer(conn: Conn, number: int, now: datetime) -> Person:
    """One of the people who decide in the demo."""
    handle = f"demo-officer-{number}"
    person = await people.insert_person(conn, handle, f"Demo Officer {number}", "Keiyaku demo", now)
    person = person or await people.person_of(conn, handle)
    assert person is not None  # made, or there already
    return person


async def make_contract(
    conn: Conn, handle: str, domain: str, customer: Customer, plan: Plan, officers: list[Person], now: datetime
) -> ContractKey:
    """An accepted contract for the domain, all under it, and loopback addresses; consented to, reviewed, with a key."""
    first, second = officers
    key = await contracts.insert_contract(conn, handle, customer.id, plan.id, now)
    assert key is not None  # the caller looked
    await contracts.insert_name(conn, key.id, "domain", domain, None, now)
    for network in NETWORKS:
        await contracts.insert_name(conn, key.id, "network", network, network, now)
    await contracts.insert_consent(conn, key.id, VERSION, VERSION, first.id, "command_line", now)
    await contracts.insert_subject(conn, key.id, SUBJECT, first.id, now)
    await review(conn, key.id, first, now)
    await applications.state(conn, key.id, first.name, first.id, [], None, None, now)
    await applications.name_requester(conn, key.id, first.id, first.id, now)
    await contracts.accept(conn, key.id, first.id, second.id, before("accepted"), now)
    await make_key(conn, key.id, handle, "demo", now)
    proof = entry(
        "contract.accepted", actor(first), now, contract_id=key.id, rule="T4-5", clause="A4.3", second=actor(second)
    )
    await append(conn, proof)
    return key


async def make_key(conn: Conn, contract_id: UUID, kid: str, label: str, now: datetime) -> None:
    """A key for every name of the contract, to be used for ever."""
    await keys.insert_key(conn, contract_id, kid, new_secret(), label, [], UNLIMITED, None, now)
    await append(conn, entry("key.created", "process:dev", now, contract_id=contract_id, rule="T4-2", kid=kid))


async def review(conn: Conn, contract_id: UUID, checker: Person, now: datetime) -> None:
    """Every item of the review, positive, from data of yesterday (T4-3)."""
    obtained_on = jst_date(now) - timedelta(days=1)
    for kind in REVIEWS:
        await contracts.insert_review_item(
            conn, contract_id, kind, VERSION, "demo", obtained_on, checker.id, "positive", now
        )
    await append(
        conn, entry("review.recorded", actor(checker), now, contract_id=contract_id, rule="T4-3", clause="A4.2")
    )


async def review_again(conn: Conn, contract_id: UUID, now: datetime) -> None:
    """The review is fresh, however old the data folder is (T4-4)."""
    oldest = min(item.obtained_on for item in await contracts.review_items(conn, contract_id))
    if oldest < jst_date(now) - REVIEW_AGAIN:
        await review(conn, contract_id, await officer(conn, 1, now), now)


async def leave_unpaid(conn: Conn, contract_id: UUID, now: datetime) -> None:
    """An invoice whose last day in time is over, and bank data that covers it (T8-4, T8-6)."""
    today = jst_date(now)
    issued_on, yesterday = today - timedelta(days=90), today - timedelta(days=1)
    due_on = next_month_end(issued_on)
    await money.insert_invoice(conn, contract_id, "DEMO-1", "fee", issued_on, due_on, INVOICE_YEN, now)
    account = await bank.insert_account(conn, "demo", issued_on, now)
    if account is not None:
        await bank.insert_days(conn, account, issued_on, yesterday, "demo", None, now)
        await bank.extend_coverage(conn, account)
    row = entry(
        "invoice.issued", "process:dev", now, contract_id=contract_id, rule="T8-2", clause="A8.1", invoice="DEMO-1"
    )
    await append(conn, row)
