"""What was only precertified counts as issued wherever people look for certificates. C-125, C-163."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from hashlib import sha256

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.key_proof import of_csr
from office.storage import audit
from office.storage.incidents import Query
from office.storage.revocations import Scope
from office.use_cases import case_decisions, cases, certificate_pages, certificates, compromise, incidents, revocations
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.certificate_pages import Wanted
from office.use_cases.incidents import Plan
from sql import Conn, Pool
from tests.ca.test_key_proof import EC, csr, spki
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, revoked

DAY = timedelta(days=1)
KEY = sha256(spki(EC)).digest()
COMPROMISE = Plan("stolen keys", "compromise", NOW, None)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str, accepted: Conn) -> AsyncIterator[Conn]:
    """The role of the open door, of officers' API and of the sweep; a contract `acme` is there."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


async def three(pool: Pool) -> tuple[bytes, bytes, bytes]:
    """Serials with one key: a certificate, a precertificate whose order waits for SCTs, one whose order has ended."""
    whole = await issue(pool, "acme", 1, NOW, key=spki(EC))
    waits = await issue(pool, "acme", 2, NOW, key=spki(EC), only_precertified="admitted")
    ended = await issue(pool, "acme", 3, NOW, key=spki(EC), only_precertified="void")
    return whole, waits, ended


SCOPES: list[tuple[str, str, Callable[[bytes], Scope]]] = [
    ("key", "misissued", lambda serial: Scope(spki_sha256=KEY)),
    ("list", "misissued", lambda serial: Scope(serials=[serial])),
    ("issuer", "ca_key", lambda serial: Scope(issuer_id=2)),
]


@pytest.mark.std("C-125", "C-158")
@pytest.mark.parametrize(("ground", "of"), [pytest.param(ground, of, id=name) for name, ground, of in SCOPES])
async def test_a_case_revokes_what_waits_for_scts_once(
    office: Conn, pool: Pool, ground: str, of: Callable[[bytes], Scope]
) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=spki(EC), only_precertified="admitted")
    opened = await cases.open_case(office, Opening(ground, of(serial), "r", "n", NOW, "recorded"), NOW)
    assert [one.serial for one in opened.live] == [serial]
    await case_decisions.decide(office, str(opened.case.id), "ann", "bob", "seen", NOW)
    done = await revocations.execute(office, str(opened.case.id), NOW)
    assert (list(await revoked(pool)), done.case.revoked, done.live) == ([serial], 1, [])


@pytest.mark.std("C-125")
@pytest.mark.parametrize("whose", ["contract", "customer"])
async def test_so_does_the_end_of_its_contract_and_a_case_of_its_customer(office: Conn, pool: Pool, whose: str) -> None:
    serial = await issue(pool, "acme", 1, NOW, only_precertified="admitted")
    row = await pool.fetchrow("SELECT id, customer_id FROM gate.contracts WHERE handle = 'acme'")
    assert row is not None
    scope = Scope(contract_id=row["id"]) if whose == "contract" else Scope(customer_id=row["customer_id"])
    opened = await cases.open_case(office, Opening("damage", scope, "r", "n", NOW, "recorded"), NOW)
    await case_decisions.decide(office, str(opened.case.id), "ann", "bob", "seen", NOW)
    await revocations.execute(office, str(opened.case.id), NOW)
    assert list(await revoked(pool)) == [serial]


@pytest.mark.std("C-125", "C-163", "C-164")
async def test_a_proof_of_compromise_revokes_precertificates_and_changes_the_code_of_ended_ones(
    office: Conn, pool: Pool
) -> None:
    whole, waits, ended = await three(pool)
    assert await revoked(pool) == {ended: None}
    found = await compromise.report(office, of_csr(csr(EC)), "a finder", "finder@example.org", NOW)
    assert found.certificates == 3
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {whole: 1, waits: 1, ended: 1}
    again = await compromise.report(office, of_csr(csr(EC)), "a finder", "finder@example.org", NOW)
    assert (again.certificates, again.case_id) == (0, None)
    proofs = await pool.fetch(
        "SELECT kind FROM evidence.records WHERE kind ~ '^certificate.(revoked|reason)' ORDER BY 1"
    )
    assert [row["kind"] for row in proofs] == ["certificate.reason_changed", *["certificate.revoked"] * 2]


@pytest.mark.std("C-125", "C-163", "C-166")
async def test_incidents_list_them_and_widen_to_them(accepted: Conn, pool: Pool) -> None:
    whole, waits, ended = await three(pool)
    listed = "SELECT serial FROM office.incident_certificates WHERE incident_id = $1 ORDER BY serial"
    for query in (Query(key=KEY), Query(serials=[whole])):
        found = (await incidents.plan(accepted, COMPROMISE, query, "ann", NOW)).incident
        assert {row["serial"] for row in await pool.fetch(listed, found.id)} == {whole, waits, ended}


@pytest.mark.std("C-125")
async def test_people_and_customers_find_them_and_a_record_without_one_is_no_certificate(
    office: Conn, accepted: Conn, pool: Pool
) -> None:
    whole, waits, ended = await three(pool)
    bare = await issue(pool, "acme", 4, NOW, key=spki(EC), only_precertified="admitted")
    await pool.execute(
        "DELETE FROM ca.precertificates USING ca.serials s WHERE id = s.to_be_signed_id AND s.serial = $1", bare
    )
    listed = await certificates.listed(office, Scope(spki_sha256=KEY), NOW, dead=True)
    assert {one.serial for one in listed} == {whole, waits, ended}
    assert {one.serial for one in await certificates.listed(office, Scope(spki_sha256=KEY), NOW, dead=False)} == {
        whole, waits,
    }  # fmt: skip
    assert (await certificates.shown(office, ended.hex())).revoked_at == NOW
    with pytest.raises(Unfit):
        await certificates.shown(office, bare.hex())
    page = await certificate_pages.page(office, None, Wanted(contract="acme"), None, 10, NOW)
    assert {one.serial for one in page.items} == {whole, waits, ended}


@pytest.mark.std("C-125", "C-175")
async def test_auditors_read_them_as_such(
    accepted: Conn, postgres: EmbeddedPostgres, database: str, pool: Pool
) -> None:
    whole, waits, ended = await three(pool)
    conn = await asyncpg.connect(postgres.dsn("keiyaku_auditor", database))
    async with conn.transaction():
        rows = [row async for row in audit.certificates(conn, NOW - DAY, NOW + DAY)]
    await conn.close()
    found = {row["serial"]: row["precertificate_only"] for row in rows}
    assert found == {whole.hex(): False, waits.hex(): True, ended.hex(): True}
