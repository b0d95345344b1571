"""What an application holds: names, consent, review, and the subject that certificates take from the review."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from contract_gate.articles.article_17_subcontracting import may_review
from contract_gate.calendar import jst_date
from contract_gate.readings import choice
from office.storage import applications, contracts, people, readings
from office.storage.changing import changing
from office.storage.contracts import Name
from office.storage.contracts import Subject as Subject
from office.use_cases import asked, names, revalidation, screening
from office.use_cases.asked import OPERATOR, Unfit, checked_text, one_of
from sql import Conn
from sql.evidence import append, entry

CHANNELS = ("web", "paper", "command_line")
REVIEWS = ("legal_existence", "address", "domain_right", "applicant_authority", "screening")
VERDICTS = ("positive", "negative", "pending")


async def add_name(conn: Conn, contract: str, text: str, kind: str | None, now: datetime) -> Name:
    """The application lists the name (T4-8), up to the contracted number (T8-13). Raises Unfit."""
    wanted = names.parse(text, kind)
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        held = await contracts.contract_of(conn, key.id)
        if held is not None and len(await contracts.live_names(conn, key.id)) >= held.names_max:
            raise Unfit(f"contract '{contract}' has its {held.names_max} names already: remove one first (T8-13)")
        swap = choice("domains.swap", await readings.of_contract(conn, "domains.swap", key.id, now))
        if held is not None and held.accepted_at is not None and swap == "no":
            raise Unfit(
                f"names of '{contract}' do not change within it, as two people adopted: a new contract has others"
            )
        made = await contracts.insert_name(conn, key.id, wanted.kind, wanted.value, wanted.network, now)
        if made is None:
            raise Unfit(f"contract '{contract}' has the {wanted.kind} '{wanted.value}' already")
        row = entry("name.added", OPERATOR, now, contract_id=key.id, rule="T4-8", clause="A4.4", name=wanted.value)
        await append(conn, row)
    return made


async def remove_name(conn: Conn, contract: str, text: str, kind: str | None, now: datetime) -> Name:
    """The name is in no later certificate; the contracted number stays (T8-13). Raises Unfit."""
    wanted = names.parse(text, kind)
    key = await asked.contract(conn, contract)
    async with changing(conn, key.number):
        gone = await contracts.remove_name(conn, key.id, wanted.kind, wanted.value, now)
        if gone is None:
            raise Unfit(
                f"contract '{contract}' has no {wanted.kind} '{wanted.value}': `keiyaku contract show` lists them"
            )
        row = entry("name.removed", OPERATOR, now, contract_id=key.id, rule="T8-13", clause="A8.2", name=wanted.value)
        await append(conn, row)
    return gone


async def names_of(conn: Conn, contract: str) -> list[Name]:
    """Live names of the contract. Raises Unfit."""
    return await contracts.live_names(conn, (await asked.contract(conn, contract)).id)


async def consent(
    conn: Conn, contract: str, terms: str, cps: str, person: str, channel: str, consented_at: datetime, now: datetime
) -> None:
    """Which texts were agreed to, by whom, when and how (T2-1). Raises Unfit."""
    one_of("channel", channel, CHANNELS)
    if consented_at > now:
        raise Unfit(f"consent at {consented_at.isoformat()} lies in the future")
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    for kind, version in (("terms", terms), ("cps", cps)):
        if await people.text_of(conn, kind, version) is None:
            raise Unfit(f"there is no {kind} version '{version}': add it with `keiyaku contract text-add`")
    async with changing(conn, key.number):
        made = await contracts.insert_consent(conn, key.id, terms, cps, who.id, channel, consented_at)
        row = entry(
            "consent.recorded", asked.actor(who), now, contract_id=key.id, rule="T2-1", clause="A2.1", consent=made
        )
        await append(conn, row)


class Review(msgspec.Struct, frozen=True):
    """One item of a review (T4-3). `obtained_on` is the day the data was obtained, JST; freshness counts from it."""

    kind: str
    criteria: str
    source: str
    obtained_on: date
    verdict: str


async def review(conn: Conn, contract: str, item: Review, checked_by: str, now: datetime) -> None:
    """The item counts as the newest of its kind (T4-3, T4-4); a hit holds the contract (T13-2). Raises Unfit."""
    one_of("kind", item.kind, REVIEWS)
    one_of("verdict", item.verdict, VERDICTS)
    checked_text("source", item.source)
    checked_text("criteria version", item.criteria, 64)
    if item.obtained_on > jst_date(now):
        raise Unfit(f"data obtained on {item.obtained_on} lies in the future")
    key, who = await asked.contract(conn, contract), await asked.person(conn, checked_by)
    if not may_review(item.kind, who.subcontractor_id is not None):
        raise Unfit(f"'{checked_by}' is of a subcontractor: the domain is the CA's own to validate (A17.2)")
    async with changing(conn, key.number):
        made = await contracts.insert_review_item(
            conn, key.id, item.kind, item.criteria, item.source, item.obtained_on, who.id, item.verdict, now
        )
        proof = entry(
            "review.recorded",
            asked.actor(who),
            now,
            contract_id=key.id,
            rule="T4-3",
            clause="A4.2",
            item=made,
        )
        await append(conn, proof)
        if (item.kind, item.verdict) == ("screening", "negative"):
            await screening.hold(conn, key.id, who, now)
        await revalidation.settle(conn, key.id, now)


async def subject(conn: Conn, contract: str, reviewed: Subject, checked_by: str, now: datetime) -> None:
    """What later certificates say of the organisation. Raises Unfit."""
    checked_text("organisation", reviewed.organization, 64)
    if len(reviewed.country) != 2 or not reviewed.country.isalpha() or not reviewed.country.isupper():
        raise Unfit(f"country '{reviewed.country}' must be two capital letters, like JP")
    if not (reviewed.state_or_province or reviewed.locality):
        raise Unfit("a subject needs a state or province, or a locality, or both")
    key, who = await asked.contract(conn, contract), await asked.person(conn, checked_by)
    async with changing(conn, key.number):
        made = await contracts.insert_subject(conn, key.id, reviewed, who.id, now)
        row = entry(
            "subject.reviewed", asked.actor(who), now, contract_id=key.id, rule="T4-3", clause="A4.2", subject=made
        )
        await append(conn, row)


class Stated(msgspec.Struct, frozen=True):
    """What the applicant states beside the names: that the use is the customer's own goes without a field (T1-4)."""

    representative: str
    applicant: str
    servers: Sequence[str] = ()
    dealer: str | None = None
    payer: str | None = None


async def state(conn: Conn, contract: str, stated: Stated, now: datetime) -> None:
    """The applicant states own use, servers, dealer and payer; all named are screened (T1-4, T13-1). Raises Unfit."""
    representative = checked_text("representative", stated.representative, 200)
    dealer = checked_text("dealer", stated.dealer, 200) if stated.dealer else None
    payer = checked_text("payer", stated.payer, 200) if stated.payer else None
    servers = [checked_text("server", server, 253) for server in stated.servers]
    key, who = await asked.contract(conn, contract), await asked.person(conn, stated.applicant)
    async with changing(conn, key.number):
        if not await applications.state(conn, key.id, representative, who.id, servers, dealer, payer, now):
            raise Unfit(f"contract '{contract}' has its statement already: it is made once")
        row = entry("application.stated", asked.actor(who), now, contract_id=key.id, rule="T1-4", clause="A1.4")
        await append(conn, row)
        subjects = {"representative": representative, "applicant": who.name, "payer": payer}
        for role, subject in subjects.items():
            if subject:
                await screening.add_subject(conn, key.id, role, subject, now)


async def name_requester(conn: Conn, contract: str, requester: str, named_by: str, now: datetime) -> None:
    """The customer names in writing who may be handed binding keys (T4-2); they are screened (T13-1). Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, requester)
    customer = await asked.person(conn, named_by)
    async with changing(conn, key.number):
        if not await applications.name_requester(conn, key.id, who.id, customer.id, now):
            raise Unfit(f"'{requester}' is a requester of '{contract}' already")
        row = entry(
            "requester.named", asked.actor(customer), now, contract_id=key.id, rule="T4-2", clause="A4.1", person=who.id
        )
        await append(conn, row)
        await screening.add_subject(conn, key.id, "requester", who.name, now)


async def withdraw_requester(conn: Conn, contract: str, requester: str, by: str, now: datetime) -> None:
    """No new key is handed to them (T4-2); the keys there are have to be withdrawn on their own. Raises Unfit."""
    key, who = await asked.contract(conn, contract), await asked.person(conn, requester)
    customer = await asked.person(conn, by)
    async with changing(conn, key.number):
        if not await applications.withdraw_requester(conn, key.id, who.id, now):
            raise Unfit(f"'{requester}' is no requester of '{contract}'")
        row = entry(
            "requester.withdrawn", asked.actor(customer), now, contract_id=key.id, rule="T4-2", clause="A4.1",
            person=who.id,
        )  # fmt: skip
        await append(conn, row)


async def requesters(conn: Conn, contract: str) -> list[applications.Requester]:
    """Everybody named by the customer. Raises Unfit."""
    key = await asked.contract(conn, contract)
    return await applications.requesters(conn, key.id)


async def assign(
    conn: Conn, contract: str, customer: str, sha256: bytes, first: str, second: str, now: datetime
) -> None:
    """The contract passes to another customer with its keys and accounts, by written consent (T15-1). Raises Unfit."""
    key, to = await asked.contract(conn, contract), await people.customer_of(conn, customer)
    if to is None:
        raise Unfit(f"there is no customer '{customer}': add it with `keiyaku customer add`")
    one, two = await asked.two_persons(conn, first, second)
    async with changing(conn, key.number):
        if not await applications.assign(conn, key.id, to.id, sha256, one.id, two.id, now):
            raise Unfit(f"contract '{contract}' is that customer's already")
        row = entry(
            "contract.assigned", asked.actor(one), now, contract_id=key.id, rule="T15-1", clause="A15.1",
            second=asked.actor(two), customer=to.id, document_sha256=sha256.hex(),
        )  # fmt: skip
        await append(conn, row)
