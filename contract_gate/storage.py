"""The gate's only IO: the facts of a contract, its lock, and the record of what was decided."""

import itertools
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.articles.article_08_payment import FeeBill
from contract_gate.decision import Admitted, Refused, Stage
from contract_gate.domains import addresses, candidates
from contract_gate.facts import LoadedFacts as LoadedFacts
from contract_gate.kept import ENTRIES_MAX, KeptFacts
from contract_gate.record import FACTS, recorded
from contract_gate.record import DecisionRow as DecisionRow
from contract_gate.record import replay as replay
from sql import Conn, Pool, statements
from sql.evidence import Entry, entry
from sql.ids import uuid7

SQL = statements("contract_gate/storage")
ASKED = ("binding_key_id", "contract_id", "names", "covering", "addresses")  # $1 to $5 of the statement `facts`
# The statement `facts` for many, each with its own $1 to $5; what is a list there is a text with spaces here.
FACTS_OF_MANY = f"""
SELECT f.facts FROM (
    SELECT n, binding_key_id, contract_id, string_to_array(names, ' ') AS names,
        string_to_array(covering, ' ') AS covering, string_to_array(addresses, ' ')::inet[] AS addresses
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS a({", ".join(ASKED)}, n)
) AS asked CROSS JOIN LATERAL (
{re.sub(r"[$]([1-5])", lambda number: f"asked.{ASKED[int(number[1]) - 1]}", SQL["facts"].rstrip().rstrip(";"))}
) AS f ORDER BY asked.n
"""


async def facts_of(
    conn: Conn, binding_key_id: UUID, names: Sequence[str], now: datetime, contract_id: UUID | None = None,
    kept: KeptFacts | None = None,
) -> LoadedFacts:  # fmt: skip
    """What the gate may look at when an account made with this key wants these names.

    Of the contract given, else of the one that the key serves at `now`: its own or a successor of it (T12-7).
    They are in `kept` for the next time.

    Raises msgspec.ValidationError for a fact that no rule can read: no decision, no certificate.
    """
    return (await _facts(conn, binding_key_id, contract_id, names, now, kept))[0]


async def facts_at(
    conn: Conn, binding_key_id: UUID, names: Sequence[str], now: datetime, contract_id: UUID, kept: KeptFacts
) -> tuple[LoadedFacts, Sequence[UUID]]:
    """The same with the revisions at which they were read: until those change, they are the facts."""
    return await _facts(conn, binding_key_id, contract_id, names, now, kept)


async def facts_of_contract(
    conn: Conn, contract: str | UUID, names: Sequence[str], now: datetime, kid: str | None
) -> LoadedFacts | None:
    """The same for a contract by its id or its handle, as if asked with the key `kid`, else with its newest live key.

    A contract that follows others serves their keys too (T12-7). None when there is no such contract.
    """
    id, handle = (contract, None) if isinstance(contract, UUID) else (None, contract)
    row = await conn.fetchrow(SQL["contract_and_key"], id, kid, handle)
    if row is None:
        return None
    id, key = row["contract_id"], row["binding_key_id"]
    if kid is None:
        key = await conn.fetchval(SQL["newest_keys"], [id], now, column=1)
    return (await _facts(conn, key, id, names, now))[0]


async def facts_of_contracts(
    conn: Conn, asked: Sequence[tuple[UUID, Sequence[str]]], now: datetime
) -> list[LoadedFacts]:
    """The same for contracts that exist, each with its names and its newest live key: two round trips for all."""
    if not asked:
        return []
    ids = [contract for contract, _ in asked]
    keys = {row["contract_id"]: row["binding_key_id"] for row in await conn.fetch(SQL["newest_keys"], ids, now)}
    texts = [
        [" ".join(map(str, values)) for values in (names, candidates(names), addresses(names))] for _, names in asked
    ]
    columns = (list(column) for column in zip(*texts, strict=True))
    rows = await conn.fetch(FACTS_OF_MANY, [keys[id] for id in ids], ids, *columns, now, ENTRIES_MAX + 1)
    return [_loaded(row) for row in rows]


def _loaded(row: Any) -> LoadedFacts:
    raw = row["facts"].encode()
    return LoadedFacts(FACTS.decode(raw), raw)


async def _facts(
    conn: Conn, binding_key_id: UUID | None, contract_id: UUID | None, names: Sequence[str], now: datetime,
    kept: KeptFacts | None = None,
) -> tuple[LoadedFacts, Sequence[UUID]]:  # fmt: skip
    row = await conn.fetchrow(
        SQL["facts"], binding_key_id, contract_id, names, candidates(names), addresses(names), now, ENTRIES_MAX + 1
    )
    assert row is not None  # never no row
    loaded = _loaded(row)
    if kept is not None and binding_key_id is not None:
        revisions = None if row["whole_customer"] else row["revisions"]
        kept.keep((binding_key_id, contract_id), loaded, row["entries"], revisions, row["until"])
    return loaded, row["revisions"]


async def draft_bills(conn: Conn, contract_id: UUID, bills: Sequence[FeeBill]) -> None:
    """The bills of a contract without a certificate, for the store of its first one to copy (T8-3).

    Tuples of two, from `billing.drafts`.
    """
    columns = [
        [bill.issued_on, bill.due_on, bill.period_from, bill.period_end, *map(list, _by_rate(bill))] for bill in bills
    ]
    await conn.execute(SQL["draft_bills"], contract_id, *itertools.chain(*columns))


def _by_rate(bill: FeeBill) -> Iterable[tuple[int, ...]]:
    rows = [(line.basis_points, line.months, line.base_yen, line.tax_yen) for line in bill.lines]
    return zip(*rows, strict=True)


async def lock_shared(conn: Conn, contract_number: int) -> None:
    """No fact of the contract changes until this transaction ends. Its first statement (design §4)."""
    await conn.execute(SQL["lock_shared"], contract_number)


async def lock_exclusive(conn: Conn, contract_number: int) -> None:
    """No certificate of the contract is decided until this transaction, which changes its facts, ends."""
    await conn.execute(SQL["lock_exclusive"], contract_number)


def decision_row(answer: Admitted | Refused, stage: Stage) -> DecisionRow:
    """The row, with a new id, that records an answer of the gate."""
    return recorded(uuid7(answer.decided_at), answer, stage)


def decision_params(row: DecisionRow) -> tuple[Any, ...]:
    """The twelve columns of gate.decisions in the order of the table, as arguments of a statement."""
    return msgspec.structs.astuple(row)


def evidence_of(row: DecisionRow, actor: str) -> Entry:
    """The evidence of a decision: every rule asked with its result, facts by hash; of G7 only `hold` (T13-3)."""
    return entry(
        "gate.decided",
        actor,
        row.decided_at,
        contract_id=row.contract_id,
        decision=row.id,
        stage=row.stage,
        outcome=row.outcome,
        gate=row.gate,
        case=row.case,
        inputs_sha256=sha256(row.facts).hexdigest(),
        asked=msgspec.Raw(row.findings),
    )


async def record_admission(conn: Conn | Pool, admitted: Admitted, stage: Stage, actor: str, now: datetime) -> None:
    """An admission that nothing came of is recorded all the same (articles.md §0.4)."""
    row = decision_row(admitted, stage)
    proof = evidence_of(row, actor)
    await conn.execute(
        SQL["record_admission"], *decision_params(row), proof.id, proof.kind, proof.actor, now, proof.content
    )


async def record_refusal(conn: Conn, refused: Refused, stage: Stage, actor: str, now: datetime) -> str:
    """The refusal is recorded. Returns the token of its help page, the same for a contract, gate and case (T0-1).

    Raises ValueError for a refusal of no known contract and key, which has neither record nor page.
    """
    row = decision_row(refused, stage)
    proof = evidence_of(row, actor)
    token: str | None = await conn.fetchval(
        SQL["record_refusal"],
        *decision_params(row),
        proof.id,
        proof.kind,
        proof.actor,
        now,
        proof.content,
        secrets.token_urlsafe(24),
    )
    return token or await conn.fetchval(SQL["help_page"], row.contract_id, row.gate, row.case)
