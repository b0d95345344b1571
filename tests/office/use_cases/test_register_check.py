"""The daily look at the corporate-number register, answered by a server on loopback."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.formats.corporations import AnswerRefused, corporations
from office.use_cases import register as customers
from office.use_cases import register_check
from office.use_cases.corporate_register import LARGEST, RegisterAway, WebRegister
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices
from tests.simulators.corporate_register import answer
from tests.simulators.tls_alpn import challenge_certificate, server_context
from tests.simulators.web import Action, Endless, Raw, Reply, WebSimulator, redirect

PATH = "/4/num?id=key&number=7000012050002&type=12&history=0"
OURS = {"name": "株式会社　例"}
CLOSED = {"corporateNumber": "4011001098993", "name": "例二", "closeDate": "2026-11-20"}
RUNNING = """
INSERT INTO gate.contracts (id, handle, customer_id, plan_id, fee_yen, term_months, names_max, state, applied_at,
    accepted_at, accepted_by_first, accepted_by_second)
SELECT gen_random_uuid(), 'other', u.id, c.plan_id, c.fee_yen, c.term_months, c.names_max, 'accepted', c.applied_at,
    c.accepted_at, c.accepted_by_first, c.accepted_by_second
FROM gate.contracts c, gate.customers u WHERE u.handle = 'other'
"""


@pytest.fixture
async def web() -> AsyncIterator[WebSimulator]:
    async with WebSimulator.start() as made:
        yield made


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


def register(web: WebSimulator) -> WebRegister:
    return WebRegister(f"http://127.0.0.1:{web.port}", "key")


async def day(office: Pool, web: WebSimulator, number: int, **row: str) -> int:
    """What the look of that day finds; two nodes look, one finds it."""
    web.on(PATH, Reply(body=answer({**OURS, **row})))
    at = NOW + timedelta(days=number)
    changed = await register_check.sweep(office, at, register=register(web))
    assert await register_check.sweep(office, at, register=register(web)) == 0
    return changed


@pytest.mark.rule("T6-5", "T11-9", "T14-2")
@pytest.mark.parametrize(
    ("row", "items", "blocks"),
    [
        pytest.param({"name": "株式会社新"}, "name", True, id="name"),
        pytest.param({"cityName": "三鷹市"}, "address", True, id="city"),
        pytest.param({"streetNumber": "霞が関４"}, "street", False, id="street"),
        pytest.param(
            {"closeDate": "2026-11-20", "closeCause": "11", "successorCorporateNumber": "4011001098993"},
            "closure, successor", True, id="merger",
        ),
    ],
)  # fmt: skip
async def test_what_the_register_says_anew_is_awareness_and_edits_nothing(
    accepted: Conn, pool: Pool, office: Pool, web: WebSimulator, row: dict[str, str], items: str, blocks: bool
) -> None:
    await issue(pool, "acme", 1, NOW)
    before = await pool.fetchrow("SELECT * FROM gate.customers")
    assert await day(office, web, 1) == 0
    assert await day(office, web, 2) == 0
    assert await day(office, web, 3, **row) == 1
    learned = NOW + timedelta(days=3)
    [case] = await pool.fetch("SELECT ground, note, received_at, deadline_at, attention FROM office.cases")
    until = learned + timedelta(days=5) if blocks else None
    assert tuple(case) == ("change_learned", items, learned, until, True)
    open_changes = await pool.fetchval("SELECT count(*) FROM gate.information_changes WHERE resolved_at IS NULL")
    assert (open_changes > 0) is blocks
    assert await notices(pool) == ["register_changed"]
    assert await pool.fetchrow("SELECT * FROM gate.customers") == before
    assert await day(office, web, 4, **row) == 0  # known already: it restarts nothing


@pytest.mark.rule("T6-5")
async def test_a_name_that_differs_at_the_first_look_is_found(accepted: Conn, office: Pool, web: WebSimulator) -> None:
    assert await day(office, web, 1, name="株式会社新") == 1


@pytest.mark.rule("T6-5")
@pytest.mark.parametrize(
    ("action", "said"),
    [
        pytest.param(Reply(500), "status 500", id="error"),
        pytest.param(redirect("http://127.0.0.1:1/"), "status 302", id="redirect"),
        pytest.param(Endless(), "more than", id="endless"),
        pytest.param(Raw(b"nothing"), "ClientResponseError|BadHttp|ServerDisconnected|BadStatusLine", id="no HTTP"),
        pytest.param(Reply(body=b"<corporations>"), "no XML", id="half"),
        pytest.param(Reply(body=b"<x/>"), "in place of", id="another document"),
        pytest.param(Reply(body=b'<!DOCTYPE x [<!ENTITY a "b">]><corporations/>'), "document type", id="entities"),
        pytest.param(Reply(body=answer({"corporateNumber": "1234567890123"})), "no corporate number", id="number"),
        pytest.param(Reply(body=answer({"closeDate": "2026-02-30"})), "no day", id="day"),
        pytest.param(Reply(body=answer(OURS).replace(b"<count>1", b"<count>2")), "counts 2 rows", id="count"),
    ],
)
async def test_no_answer_changes_nothing(
    accepted: Conn, office: Pool, web: WebSimulator, action: Action, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    web.on(PATH, action)
    with pytest.raises((RegisterAway, AnswerRefused), match=said):
        await register(web).look(["7000012050002"])
    assert await register_check.sweep(office, NOW, register=register(web)) == 0
    assert "the corporate-number register" in caplog.text
    assert "key" not in caplog.text
    assert await register_check.listed(accepted) == []


@pytest.mark.rule("T6-5")
async def test_a_server_whose_certificate_nobody_vouches_for_is_not_believed() -> None:
    async with WebSimulator.start(tls=server_context(challenge_certificate(["localhost"], None))) as web:
        web.on(PATH, Reply(body=answer(OURS)))
        with pytest.raises(RegisterAway, match="ClientConnectorCertificateError"):
            await WebRegister(f"https://localhost:{web.port}", "key").look(["7000012050002"])
        assert web.seen == []


def test_the_recorded_answer() -> None:
    [one] = corporations(answer({}))
    assert (one.number, one.process, one.registered.name) == ("7000012050002", "01", "国税庁")
    assert one.registered.closed_on is None
    assert corporations(answer({"latest": "0"}, {"name": "新"}))[0].registered.name == "新"
    assert len(answer({})) < LARGEST


@pytest.mark.rule("T6-5", "T11-9")
@pytest.mark.parametrize(
    ("both", "first"),
    [
        pytest.param(b"<corporations>", answer({**OURS, "closeDate": "2026-02-30"}), id="its answer is none"),
        pytest.param(answer(CLOSED), b"", id="it is left out"),
    ],
)
async def test_whom_the_register_cannot_tell_of_is_in_no_others_way(
    accepted: Conn, office: Pool, web: WebSimulator, both: bytes, first: bytes
) -> None:
    """Nothing is learned of the first; the second is looked up all the same, and its closure is found."""
    other = customers.customer("other", "例二", "juridical_person", CLOSED["corporateNumber"], True, None, NOW)
    await customers.add_customer(accepted, other, NOW)
    await accepted.execute(RUNNING)
    for numbers, body in (
        ("7000012050002,4011001098993", both), ("7000012050002", first), ("4011001098993", answer(CLOSED)),
    ):  # fmt: skip
        web.on(PATH.replace("7000012050002", numbers), Reply(body=body))
    assert await register_check.sweep(office, NOW, register=register(web)) == 1
    assert [state.customer for state in await register_check.listed(accepted)] == ["other"]
    assert await accepted.fetchval("SELECT count(*) FROM gate.information_changes") == 1
