"""A contract under way, as keiyaku_operator."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.storage.contracts import Subject
from office.storage.people import Text
from office.use_cases import acceptance, application, contracts, register, review, screening
from office.use_cases.acceptance import Access
from sql import Conn
from tests.conftest import NOW

YESTERDAY = jst_date(NOW) - timedelta(days=1)
ACCESS = Access("https://acme.example/directory", "https://people.example/")


@pytest.fixture
async def operator(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as the operators' commands have it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


@pytest.fixture
async def applied(reviewed: Conn) -> Conn:
    """People `ann` and `bob`, and a contract `acme` that may be accepted: consent, review, subject, name, statement."""
    await stated(reviewed, "acme")
    return reviewed


@pytest.fixture
async def reviewed(operator: Conn) -> Conn:
    """The same without the applicant's statement."""
    for handle in ("ann", "bob"):
        await register.add_person(operator, handle, handle.title(), "CA", NOW)
    customer = register.customer("kaisha", "株式会社 例", "juridical_person", "7000012050002", True, None, NOW)
    await register.add_customer(operator, customer, NOW)
    await register.add_plan(operator, register.plan("small", "Small", 55_000, 12, 3, NOW), NOW)
    for kind in ("terms", "cps"):
        await register.add_text(operator, Text(kind, "1", bytes(32), "https://ca.example/t", NOW), NOW)
    await contracts.create(operator, "acme", "kaisha", "small", NOW)
    await application.add_name(operator, "acme", "a.example.jp", None, NOW)
    await application.consent(operator, "acme", "1", "1", "ann", "web", NOW, NOW)
    await application.subject(operator, "acme", Subject("Rei K.K.", "JP", "Tokyo", None), "ann", NOW)
    for kind in application.REVIEWS:
        item = application.Review(kind, "1", "register", YESTERDAY, "positive")
        await application.review(operator, "acme", item, "ann", NOW)
    return operator


async def stated(conn: Conn, contract: str, servers: Sequence[str] = ()) -> None:
    """The statement, a requester `ann`, the call-back, and a screening without a hit: what acceptance asks beside."""
    await application.state(conn, contract, application.Stated("例 太郎", "ann", servers), NOW)
    await application.name_requester(conn, contract, "ann", "ann", NOW)
    await review.call_back(conn, contract, "telephone directory", confirmed=True, person="ann", now=NOW)
    await screening.clear(conn, contract, "list of 2026-11", "bob", NOW)


@pytest.fixture
async def accepted(applied: Conn) -> Conn:
    """The same, accepted by both and told of it."""
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await told(applied)
    return applied


async def told(conn: Conn) -> None:
    """Every notice of a formation has left (T4-5)."""
    await conn.execute("UPDATE gate.formation_notices SET dispatched_at = $1 WHERE dispatched_at IS NULL", NOW)
