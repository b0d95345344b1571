"""A good contract, as facts made by hand and as rows of a database; tests break one thing at a time."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.calendar import JST
from contract_gate.decision import Request
from contract_gate.facts import (
    Binding,
    Consent,
    Contract,
    Facts,
    Invoice,
    LoadedFacts,
    NameEntry,
    ReviewItem,
    Subject,
)
from sql import Conn
from sql.ids import uuid7

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONTRACT_ID = UUID(int=1)
KEY_ID = UUID(int=2)
REVIEW_KINDS = ("legal_existence", "address", "domain_right", "applicant_authority", "screening")
LIFETIME = timedelta(days=199)
_numbers = itertools.count(1)


def jst(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """An instant on the clock of Japan."""
    return datetime(year, month, day, hour, minute, second, tzinfo=JST)


# (a) facts by hand --------------------------------------------------------------------------------------------------
GOOD_CONTRACT = Contract(
    id=CONTRACT_ID,
    number=7,
    handle="demo",
    state="accepted",
    end_cause=None,
    accepted_at=jst(2026, 3, 1, 9),
    started_at=jst(2026, 3, 10, 10),
    term_months=12,
    names_max=5,
    names_count=2,
)
GOOD = Facts(
    contract=GOOD_CONTRACT,
    predecessors=(),
    consent=Consent("2026-01", "1.0", jst(2026, 2, 1)),
    review=tuple(ReviewItem(kind, "positive", date(2026, 2, 20)) for kind in REVIEW_KINDS),
    subject=Subject("Demo KK", "JP", "Tokyo", "Mitaka-shi"),
    binding=Binding(KEY_ID, CONTRACT_ID, (), None, None),
    names=(NameEntry("domain", "demo.test"), NameEntry("network", "127.0.0.0/8")),
    invoices=(),
    bank_data_from=date(2026, 1, 1),
    bank_data_through=date(2026, 11, 20),
    holidays=frozenset(),
    held=False,
    changes=(),
    suspensions=(),
    readings=(),
    tax_rates=(),
    free_reissue=False,
    untold=False,
    terms_version="1.0",
)


def facts(**changes: Any) -> Facts:
    """Facts of a good contract, with these changed."""
    return msgspec.structs.replace(GOOD, **changes)


def contract_with(**changes: Any) -> Facts:
    """Facts of a good contract whose own fields are changed."""
    return facts(contract=msgspec.structs.replace(GOOD_CONTRACT, **changes))


def loaded(given: Facts) -> LoadedFacts:
    """Facts as if read from their JSON."""
    return LoadedFacts(given, msgspec.json.encode(given))


def wanted(*names: str, lifetime: timedelta = LIFETIME, **changes: datetime) -> Request:
    """A request for these names, else for www.demo.test."""
    return Request(names or ("www.demo.test",), changes.get("not_before"), changes.get("not_after"), lifetime)


def invoice(due_on: date, **changes: Any) -> Invoice:
    """An unpaid fee invoice of the good contract."""
    made = Invoice(CONTRACT_ID, "F-1", "fee", date(2026, 1, 5), due_on, 60500, 60500, jst(2026, 1, 5))
    return msgspec.structs.replace(made, **changes)


# (b) rows -----------------------------------------------------------------------------------------------------------
class ContractRows(msgspec.Struct, frozen=True):
    """Ids of the rows of a good contract. `number` is the key of its lock."""

    contract_id: UUID
    number: int
    handle: str
    customer_id: UUID
    people: tuple[UUID, UUID]
    binding_key_id: UUID
    kid: str
    hmac_key: bytes


async def insert(conn: Conn, table: str, **columns: Any) -> UUID:
    """A row of a gate table with a new id, which is returned."""
    row_id = columns.pop("id", None) or uuid7(NOW)
    names = ", ".join(f'"{name}"' for name in ("id", *columns))
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 2))
    await conn.execute(f"INSERT INTO gate.{table} ({names}) VALUES ({places})", row_id, *columns.values())
    return row_id


NAMES: Sequence[tuple[str, str]] = (("domain", "demo.test"), ("network", "127.0.0.0/8"))
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "names": NAMES,  # (kind, value) of each entry of the contract
        "names_max": 5,
        "term_months": 12,
        "started_at": None,  # of the first certificate
        "predecessor_id": None,
        "customer_id": None,
        "obtained_on": None,  # of every review item; else thirty days before now
        "key_names": (),
        "key_expires_at": None,
        "uses_max": 2147483647,
        "covered_from": date(2026, 1, 1),
        "covered_through": None,  # of the bank data; else the day before now
        "organization": "Demo KK",
    }
)


async def good_contract(conn: Conn, handle: str = "demo", *, now: datetime = NOW, **changes: Any) -> ContractRows:
    """Every row of a contract that admits `www.demo.test`: people, customer, consent, review, key, bank data.

    `changes` are those of `DEFAULTS`; another key is an error.
    """
    unknown = changes.keys() - DEFAULTS.keys()
    if unknown:
        raise TypeError(f"good_contract knows no {', '.join(sorted(unknown))}; it knows {', '.join(DEFAULTS)}")
    chosen = {**DEFAULTS, **changes}
    people = await _people(conn, now)
    customer_id = chosen["customer_id"] or await _customer(conn, handle, now)
    contract_id = await _contract(conn, handle, customer_id, people, chosen, now)
    await _names(conn, contract_id, chosen["names"], now)
    await _review(conn, contract_id, people[0], chosen, now)
    await _bank_account(conn, chosen, now)
    kid, hmac_key = f"kid-{handle}", sha256(handle.encode()).digest()
    key_id = await insert(
        conn,
        "binding_keys",
        kid=kid,
        contract_id=contract_id,
        hmac_key=hmac_key,
        label="test",
        names=list(chosen["key_names"]),
        uses_max=chosen["uses_max"],
        created_at=now - timedelta(days=1),
        expires_at=chosen["key_expires_at"],
    )
    number: int = await conn.fetchval("SELECT number FROM gate.contracts WHERE id = $1", contract_id)
    return ContractRows(contract_id, number, handle, customer_id, people, key_id, kid, hmac_key)


async def _people(conn: Conn, now: datetime) -> tuple[UUID, UUID]:
    made = [
        await insert(conn, "persons", handle=f"officer-{n}", name=f"Officer {n}", organisation="CA", created_at=now)
        for n in (next(_numbers), next(_numbers))
    ]
    return made[0], made[1]


async def _customer(conn: Conn, handle: str, now: datetime) -> UUID:
    return await insert(
        conn, "customers", handle=handle, name="Demo KK", kind="juridical_person", based_in_japan=True, created_at=now
    )


async def _contract(
    conn: Conn,
    handle: str,
    customer_id: UUID,
    people: tuple[UUID, UUID],
    chosen: Mapping[str, Any],
    now: datetime,
) -> UUID:
    frozen = {"fee_yen": 55000, "term_months": chosen["term_months"], "names_max": chosen["names_max"]}
    plan_id = await insert(conn, "plans", handle=f"plan-{next(_numbers)}", name="Plan", **frozen)
    contract_id = await insert(
        conn,
        "contracts",
        handle=handle,
        customer_id=customer_id,
        plan_id=plan_id,
        predecessor_id=chosen["predecessor_id"],
        **frozen,
        state="accepted",
        applied_at=now - timedelta(days=30),
        accepted_at=now - timedelta(days=20),
        accepted_by_first=people[0],
        accepted_by_second=people[1],
    )
    if chosen["started_at"]:
        await start(conn, contract_id, chosen["started_at"])
    return contract_id


async def start(conn: Conn, contract_id: UUID, issued_at: datetime) -> None:
    """The first certificate of the contract was issued then."""
    await conn.execute("INSERT INTO gate.contract_starts VALUES ($1, $2, $3)", contract_id, uuid7(NOW), issued_at)


async def _names(conn: Conn, contract_id: UUID, names: Sequence[tuple[str, str]], now: datetime) -> None:
    for kind, value in names:
        network = value if kind == "network" else None
        await insert(
            conn, "contract_names", contract_id=contract_id, kind=kind, value=value, network=network, added_at=now
        )


async def _review(conn: Conn, contract_id: UUID, person: UUID, chosen: Mapping[str, Any], now: datetime) -> None:
    for kind in ("terms", "cps"):
        await conn.execute(
            "INSERT INTO gate.texts VALUES ($1, '1.0', sha256($1::text::bytea), $2, $3) ON CONFLICT DO NOTHING",
            kind,
            f"https://ca.test/{kind}/1.0",
            now - timedelta(days=365),
        )
    await insert(
        conn,
        "consents",
        contract_id=contract_id,
        terms_version="1.0",
        cps_version="1.0",
        person_id=person,
        channel="web",
        consented_at=now - timedelta(days=31),
    )
    for kind in REVIEW_KINDS:
        await review_item(conn, contract_id, person, kind, chosen["obtained_on"] or (now - timedelta(days=30)).date())
    await insert(
        conn,
        "reviewed_subjects",
        contract_id=contract_id,
        organization=chosen["organization"],
        country="JP",
        state_or_province="Tokyo",
        locality="Mitaka-shi",
        checked_by=person,
        recorded_at=now - timedelta(days=25),
    )


async def review_item(
    conn: Conn, contract_id: UUID, person: UUID, kind: str, obtained_on: date, verdict: str = "positive"
) -> UUID:
    """A review item, recorded on the day its data was obtained."""
    return await insert(
        conn,
        "review_items",
        contract_id=contract_id,
        kind=kind,
        criteria_version="1",
        source="register",
        obtained_on=obtained_on,
        checked_by=person,
        verdict=verdict,
        recorded_at=datetime(obtained_on.year, obtained_on.month, obtained_on.day, tzinfo=UTC),
    )


async def _bank_account(conn: Conn, chosen: Mapping[str, Any], now: datetime) -> None:
    await conn.execute(
        "INSERT INTO gate.bank_accounts VALUES ($1, 'main', $2, $3) ON CONFLICT (handle) DO NOTHING",
        uuid7(now),
        chosen["covered_from"],
        chosen["covered_through"] or (now - timedelta(days=1)).date(),
    )


async def fee_invoice(conn: Conn, contract_id: UUID, due_on: date, **changes: Any) -> UUID:
    """An unpaid invoice; `changes` are columns."""
    total = changes.pop("total_yen", 60500)
    columns = {
        "contract_id": contract_id,
        "number": f"F-{next(_numbers)}",
        "kind": "fee",
        "issued_on": date(2026, 1, 5),
        "due_on": due_on,
        "total_yen": total,
        "open_yen": total,
        "created_at": NOW - timedelta(days=300),
    }
    return await insert(conn, "invoices", **{**columns, **changes})


async def receipt(conn: Conn, amount_yen: int, value_on: date = date(2026, 3, 1)) -> UUID:
    """Money received."""
    return await insert(
        conn, "receipts", amount_yen=amount_yen, value_on=value_on, remitter="DEMO", source="test", recorded_at=NOW
    )


async def match(conn: Conn, invoice_id: UUID, receipt_id: UUID, amount_yen: int) -> UUID:
    """Part of a receipt pays part of an invoice."""
    return await insert(
        conn,
        "payment_matches",
        invoice_id=invoice_id,
        receipt_id=receipt_id,
        amount_yen=amount_yen,
        matched_at=NOW,
    )
