"""When a revocation was asked for, and whose it is: shown from the first word on. T11-11."""

from hashlib import sha256

import pytest

from office.storage.revocations import Scope
from office.use_cases import cases, certificates, desk, revocations
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_announcing import LEFT, OTHER
from tests.office.use_cases.test_revocations import HOUR, contract_scope, decided, opened, swept


async def scope(conn: Conn, of: str, serial: bytes) -> Scope:
    """What covers the certificate."""
    customer = await conn.fetchval("SELECT customer_id FROM gate.contracts WHERE handle = 'acme'")
    return {
        "serial": Scope(serials=[serial]), "key": Scope(spki_sha256=sha256(b"k").digest()),
        "contract": await contract_scope(conn), "customer": Scope(customer_id=customer),
    }[of]  # fmt: skip


@pytest.mark.rule("T11-11")
@pytest.mark.parametrize("of", ["serial", "key", "contract", "customer"])
async def test_the_instant_of_a_request_is_shown_before_it_is_executed(accepted: Conn, pool: Pool, of: str) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=b"k")
    nothing = await certificates.shown(accepted, serial.hex())
    assert (nothing.requested_at, nothing.cases) == (None, None)
    found = await opened(accepted, "request", await scope(accepted, of, serial), "request", NOW - HOUR)
    asked = NOW - HOUR, [found.case.id], None
    shown = await certificates.shown(accepted, serial.hex())
    assert (shown.requested_at, shown.cases, shown.revoked_at) == asked
    await revocations.execute(accepted, await decided(accepted, found), NOW)  # its notice is on its way
    shown = await certificates.shown(accepted, serial.hex())
    assert (shown.requested_at, shown.cases, shown.revoked_at) == asked
    await pool.execute(LEFT, "acme", NOW)
    await swept(accepted, NOW)
    shown = await certificates.shown(accepted, serial.hex())
    assert (shown.requested_at, shown.cases, shown.revoked_at) == (NOW - HOUR, [found.case.id], NOW)


@pytest.mark.rule("T11-11", "T13-3")
async def test_what_no_customer_asked_for_is_no_request_and_shows_no_case(accepted: Conn, pool: Pool) -> None:
    """The customer reads this page: an inquiry against it is not its to know."""
    serial, other = await issue(pool, "acme", 1, NOW), await issue(pool, "acme", 2, NOW)
    await opened(accepted, "conduct")
    await opened(accepted, "request", Scope(serials=[other]), "request")
    closed = await opened(accepted, "request", Scope(serials=[serial]), "request")
    await cases.close(accepted, str(closed.case.id), "ann", "not the customer's wish", NOW)
    shown = await certificates.shown(accepted, serial.hex())
    assert (shown.requested_at, shown.cases) == (None, None)


@pytest.mark.rule("T11-9")
@pytest.mark.parametrize("of", ["serials", "key", "contract", "customer"])
async def test_a_case_shows_the_contracts_it_is_about_before_and_after(accepted: Conn, pool: Pool, of: str) -> None:
    await pool.execute(OTHER, "beta")
    serials = [await issue(pool, name, n, NOW, key=b"k") for n, name in enumerate(("acme", "beta"))]
    about = Scope(serials=serials) if of == "serials" else await scope(accepted, of, serials[0])
    expected = ["acme", "beta"] if of in ("serials", "key") else ["acme"]
    found = await opened(accepted, "names_holder", about)
    assert found.case.contracts == expected
    await revocations.execute(accepted, await decided(accepted, found), NOW)
    assert [each.contracts for each in await cases.listed(accepted, True)] == [expected]


@pytest.mark.rule("T11-9")
@pytest.mark.parametrize("of", ["serials", "key"])
@pytest.mark.parametrize("number", [1, 2])
async def test_the_desk_says_whose_a_case_over_certificates_is(
    accepted: Conn, pool: Pool, of: str, number: int
) -> None:
    await pool.execute(OTHER, "beta")
    serials = [await issue(pool, name, n, NOW, key=b"k") for n, name in enumerate(("acme", "beta")[:number])]
    about = Scope(serials=serials) if of == "serials" else Scope(spki_sha256=sha256(b"k").digest())
    await opened(accepted, "names_holder", about)
    tasks = await desk.queue(accepted, None, False, None, 9, NOW, "revocation_decide")
    assert [task.contract for task in tasks] == ["acme" if number == 1 else None]
