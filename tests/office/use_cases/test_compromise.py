"""A key proven to be compromised: blocked, its certificates revoked, everybody concerned told. C-162, C-163."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.key_proof import of_csr
from office.storage.revocations import Scope
from office.use_cases import case_decisions, cases, compromise, desk, revocations
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.compromise import Reported
from sql import Conn, Pool
from sql.ids import uuid7
from tests.ca.test_key_proof import EC, OTHER, csr, pem, signature, spki
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.conftest import api as api
from tests.office.edge.api.conftest import command_timeout as command_timeout
from tests.office.edge.api.conftest import profile as profile
from tests.office.use_cases.issued import issue, notices, publish, revoked
from tests.simulators.ct_log import list_logs, log_list, three

DAY = timedelta(days=1)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str, accepted: Conn) -> AsyncIterator[Conn]:
    """The role of the open door and of the sweep; a contract `acme` is there."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


async def proven(conn: Conn, octets: bytes | None = None) -> Reported:
    return await compromise.report(conn, of_csr(octets or csr(EC)), "a finder", "finder@example.org", NOW)


async def blocked(pool: Pool) -> list[bytes]:
    return [row["spki_sha256"] for row in await pool.fetch("SELECT spki_sha256 FROM ca.blocked_keys")]


@pytest.mark.std("C-163", "C-157")
@pytest.mark.rule("T11-3")
async def test_every_live_certificate_of_the_key_is_revoked_and_nobody_has_to_decide(office: Conn, pool: Pool) -> None:
    one, two = [await issue(pool, "acme", n, NOW, key=spki(EC)) for n in (1, 2)]
    expired = await issue(pool, "acme", 3, NOW - 91 * DAY, key=spki(EC))
    other = await issue(pool, "acme", 4, NOW, key=spki(OTHER))
    found = await proven(office)
    assert (found.certificates, found.blocked_before, found.deadline_at) == (2, False, NOW + DAY)
    assert await blocked(pool) == [found.spki_sha256]
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {one: 1, two: 1}
    assert not {expired, other} & (await revoked(pool)).keys()
    await publish(pool, NOW)
    await revocations.settle(office, NOW)
    assert (await cases.standing(office, str(found.case_id), NOW)).case.state == "published"


@pytest.mark.std("C-162")
@pytest.mark.rule("T11-9")
async def test_reporter_and_subscribers_hear_of_it_at_once(office: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW, key=spki(EC))
    found = await proven(office)
    assert sorted(await notices(pool)) == ["key_compromise_answer", "key_compromise_found"]
    said = await pool.fetchval("SELECT given::text FROM office.notices WHERE kind = 'key_compromise_answer'")
    assert found.spki_sha256.hex() in said
    assert (NOW + DAY).isoformat() in said


async def test_a_door_for_anybody_writes_to_nobody_for_a_key_without_certificates(office: Conn, pool: Pool) -> None:
    found = await proven(office)
    assert (found.certificates, found.case_id, found.deadline_at) == (0, None, None)
    assert await blocked(pool) == [found.spki_sha256]
    assert await notices(pool) == []


@pytest.mark.std("C-142")
async def test_proven_twice_it_is_one_case_and_nothing_is_revoked_twice(office: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW, key=spki(EC))
    first, second = await proven(office), await proven(office)
    assert (second.case_id, second.blocked_before) == (first.case_id, True)
    await revocations.go_on(office, NOW)
    third = await proven(office)
    assert (third.certificates, third.case_id) == (0, None)
    assert await pool.fetchval("SELECT count(*) FROM office.cases") == 1
    assert await pool.fetchval("SELECT count(*) FROM office.key_proofs") == 3
    revocation = "SELECT count(*) FROM evidence.records WHERE kind = 'certificate.revoked'"
    assert await pool.fetchval(revocation) == 1


@pytest.mark.std("C-163")
@pytest.mark.rule("T11-8")
async def test_a_certificate_that_was_revoked_for_another_reason_gets_code_1(office: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=spki(EC))
    opening = Opening("misissued", Scope(serials=[serial]), "r", "n", NOW, "recorded")
    case = await cases.open_case(office, opening, NOW)
    await case_decisions.decide(office, str(case.case.id), "ann", "bob", "seen", NOW)
    await revocations.execute(office, str(case.case.id), NOW)
    assert await revoked(pool) == {serial: 4}
    assert (await proven(office)).certificates == 1
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {serial: 1}


@pytest.mark.std("C-159")
async def test_a_case_that_people_only_opened_is_decided_by_the_proof_and_keeps_its_clock(
    office: Conn, pool: Pool
) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=spki(EC))
    key, earlier = of_csr(csr(EC)).spki_sha256, NOW - timedelta(hours=5)
    opening = Opening("compromise", Scope(spki_sha256=key), "somebody", "heard of it", earlier, "report")
    opened = await cases.open_case(office, opening, NOW)
    found = await proven(office)
    assert (found.case_id, found.deadline_at) == (opened.case.id, earlier + DAY)
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {serial: 1}


@pytest.mark.rule("T11-9")
async def test_a_proof_starts_the_clock_of_a_case_that_had_none(office: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW, key=spki(EC))
    opening = Opening("compromise", Scope(spki_sha256=of_csr(csr(EC)).spki_sha256), "s", "n", NOW, None)
    opened = await cases.open_case(office, opening, NOW)
    assert opened.deadline_at is None
    assert (await proven(office)).deadline_at == NOW + DAY
    assert sorted(await notices(pool)) == ["key_compromise_answer", "key_compromise_found"]


@pytest.mark.std("C-163")
async def test_a_case_that_people_decided_and_did_not_begin_executes_by_the_proof(office: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=spki(EC))
    opening = Opening("compromise", Scope(spki_sha256=of_csr(csr(EC)).spki_sha256), "s", "n", NOW, "report")
    opened = await cases.open_case(office, opening, NOW)
    await case_decisions.decide(office, str(opened.case.id), "ann", "bob", "seen", NOW)
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {}
    await proven(office)
    await revocations.go_on(office, NOW)
    assert await revoked(pool) == {serial: 1}
    assert [each.attention for each in await cases.listed(office, False)] == [False]  # revoked, on no CRL yet


ISSUERS = """INSERT INTO ca.issuers (id, name, kind, parent_id, certificate, key_id, spki_sha256, shard_count,
    status_url, created_at, issues_from) VALUES (1, 'Root', 'root', NULL, '', $1, $3, 1, 'http://s.test', $5, NULL),
    (2, 'Issuing', 'issuing', 1, '', $2, $4, 4, 'http://s.test', $5, $5)"""


async def own_root(pool: Pool, key: bytes) -> str:
    await pool.execute(ISSUERS, bytes(20), bytes(21), key, bytes(32), NOW)
    return "our root CA Root"


async def own_issuing(pool: Pool, key: bytes) -> str:
    await pool.execute(ISSUERS, bytes(20), bytes(21), bytes(32), key, NOW)
    return "our issuing CA Issuing"


async def own_responder(pool: Pool, key: bytes) -> str:
    await own_root(pool, bytes([1] * 32))
    await pool.execute("INSERT INTO ca.serials VALUES ($1, $2, 2)", bytes([1] * 16), uuid7(NOW))
    await pool.execute(
        """INSERT INTO ca.responders (id, issuer_id, serial, held_by, certificate, not_before, not_after, made_at,
               spki_sha256) VALUES ($1, 2, $2, 'host/o', '', $3, $4, $3, $5)""",
        uuid7(NOW), bytes([1] * 16), NOW, NOW + DAY, key,
    )  # fmt: skip
    return "our OCSP responder of host/o"


async def a_log(pool: Pool, key: bytes) -> str:
    logs = three([], lambda: NOW)
    for log in logs:
        log.url = "https://log.test/"
    logs[0].key = EC
    assert logs[0].id == key
    assert await list_logs(pool, log_list(logs, NOW), NOW)
    return f"the CT log {logs[0].name}"


@pytest.mark.std("C-163", "C-077")
@pytest.mark.rule("T11-13")
@pytest.mark.parametrize(("arrange", "cases_of"), [(own_root, 1), (own_issuing, 1), (own_responder, 0), (a_log, 0)])
async def test_a_key_that_is_no_customers_alarms_people_and_nothing_is_blocked_or_revoked(
    office: Conn, pool: Pool, arrange: Callable[[Pool, bytes], Awaitable[str]], cases_of: int
) -> None:
    whose = await arrange(pool, of_csr(csr(EC)).spki_sha256)
    found, again = await proven(office), await proven(office)
    assert (found.own, found.certificates, again.own, again.case_id) == (whose, 0, whose, found.case_id)
    await revocations.go_on(office, NOW)
    assert (await blocked(pool), await revoked(pool)) == ([], {})
    rows = await pool.fetch("SELECT state, ground, issuer_id, attention, deadline_at FROM office.cases")
    assert [tuple(row) for row in rows] == [("open", "ca_key", 2, True, NOW + DAY)] * cases_of
    assert sorted(await notices(pool)) == [*["own_key_answer"] * 2, "own_key_proven"]
    said = await pool.fetchval("SELECT given->>'whose' FROM office.notices WHERE kind = 'own_key_answer' LIMIT 1")
    assert said == whose
    tasks = await desk.queue(office, None, False, None, 9, NOW)
    subject = of_csr(csr(EC)).spki_sha256.hex()
    assert [(task.deadline_at, task.binding) for task in tasks if task.kind != "access_review"] == [(NOW + DAY, True)]
    assert [task.subject for task in tasks if task.kind == "own_key"] == [subject] * (1 - cases_of)
    other = await compromise.report(office, of_csr(csr(OTHER)), "a finder", "finder@example.org", NOW)
    assert (other.own, await blocked(pool)) == (None, [other.spki_sha256])


@pytest.mark.std("C-163")
async def test_people_open_no_case_about_the_ca_as_if_it_were_a_customer(office: Conn, pool: Pool) -> None:
    await own_issuing(pool, of_csr(csr(EC)).spki_sha256)
    own, other = [Scope(spki_sha256=of_csr(csr(key)).spki_sha256) for key in (EC, OTHER)]
    with pytest.raises(Unfit, match="key of our issuing CA Issuing"):
        await cases.open_case(office, Opening("compromise", own, "s", "n", NOW, "report"), NOW)
    assert (await cases.open_case(office, Opening("compromise", other, "s", "n", NOW, "report"), NOW)).live == []


async def test_subscribers_hear_of_it_once_however_often_it_is_proven(office: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW, key=spki(EC))
    for _ in range(3):
        await proven(office)
    assert sorted(await notices(pool)) == [*["key_compromise_answer"] * 3, "key_compromise_found"]


@pytest.mark.rule("T16-2")
async def test_who_proved_it_is_named_where_it_is_destroyed_in_time_and_nowhere_else(office: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW, key=spki(EC))
    await proven(office)
    assert await pool.fetchval("SELECT reporter FROM office.key_proofs") == "a finder"
    assert "finder" not in await pool.fetchval("SELECT c::text FROM office.cases c")


@pytest.mark.parametrize(
    ("reporter", "email", "why"), [("", "f@example.org", "one line"), ("F", "nobody", "no e-mail")]
)
async def test_without_an_address_nothing_is_done(
    office: Conn, pool: Pool, reporter: str, email: str, why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        await compromise.report(office, of_csr(csr(EC)), reporter, email, NOW)
    assert await blocked(pool) == []


def sent(**files: bytes) -> dict[str, str]:
    made = {name: base64.b64encode(octets).decode() for name, octets in files.items()}
    return {"reporter": "F", "email": "f@example.org", **made}


BY_CSR, BY_STATEMENT = sent(proof=csr(EC)), sent(proof=pem(EC), signature=signature(EC))


@pytest.mark.std("C-161", "C-163")
@pytest.mark.parametrize("body", [BY_CSR, BY_STATEMENT], ids=["csr", "statement"])
async def test_anybody_proves_it_over_http(api: Api, pool: Pool, body: dict[str, str]) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=spki(EC))
    for wrong in (
        {**body, **sent(proof=csr(EC, "www.example.jp"))},
        {**body, "proof": "%"},
        {**body, "signature": "%"},
    ):
        status, problem = await api.call("", "POST", "/key-compromises", wrong)
        assert (status, problem["type"]) == (422, "urn:keiyaku:problem:unfit")
    assert await blocked(pool) == []
    found = await api.made("", "/key-compromises", body)
    assert (found["certificates"], found["blocked_before"]) == (1, False)
    async with pool.acquire() as conn:
        await revocations.go_on(conn, NOW)
    assert await revoked(pool) == {serial: 1}


async def test_so_many_proofs_an_hour_are_taken_of_one_network_reports_counted_too(api: Api, pool: Pool) -> None:
    answers = [(await api.call("", "POST", "/key-compromises", BY_CSR))[0] for _ in range(21)]
    assert answers == [201] * 20 + [429]
