"""What each reading that people may adopt changes, beside what the Terms say without it (articles.md, the register)."""

from datetime import date, timedelta

import pytest

from office.storage import readings as stored
from office.use_cases import acceptance, application, case_decisions, cases, contracts, readings, service_end
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS

DAY = timedelta(days=1)


async def adopt(conn: Conn, key: str, value: str) -> None:
    await readings.set_reading(conn, key, value, NOW, "ann", "bob", NOW)


@pytest.mark.rule("T3-1")
@pytest.mark.parametrize("read", [None, "no"])
async def test_whether_a_sole_proprietor_needs_a_base_in_japan(applied: Conn, pool: Pool, read: str | None) -> None:
    """R-3."""
    await pool.execute("UPDATE gate.customers SET kind = 'sole_proprietor', based_in_japan = false")
    if read is None:
        with pytest.raises(Unfit, match="a base of activity in Japan"):
            await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    else:
        await adopt(applied, "eligibility.base_all", read)
        assert (await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)).state == "accepted"


@pytest.mark.rule("T8-13", "T14-3")
@pytest.mark.parametrize("read", [None, "no"])
async def test_whether_names_change_within_a_contract(applied: Conn, read: str | None) -> None:
    """R-12: 3 names contracted, one removed; a third may be added back unless a name takes a new contract."""
    for name in ("b.example.jp", "c.example.jp"):
        await application.add_name(applied, "acme", name, None, NOW)
    if read is not None:
        await adopt(applied, "domains.swap", read)
    await application.remove_name(applied, "acme", "c.example.jp", None, NOW)
    await application.add_name(applied, "acme", "d.example.jp", None, NOW)  # an application is no contract yet
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await application.remove_name(applied, "acme", "d.example.jp", None, NOW + DAY)
    if read is None:
        await application.add_name(applied, "acme", "e.example.jp", None, NOW + DAY)
    else:
        with pytest.raises(Unfit, match="a new contract has others"):
            await application.add_name(applied, "acme", "e.example.jp", None, NOW + DAY)
    assert (await contracts.shown(applied, "acme")).names_max == 3


@pytest.mark.rule("T11-12", "T8-11")
@pytest.mark.parametrize("read", [None, "decided"])
async def test_what_makes_a_breach_material(applied: Conn, read: str | None) -> None:
    """R-17: only a record of two people; or their decision to revoke as well, from which five days run then."""
    if read is not None:
        await adopt(applied, "breach.material", read)
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    scope = await cases.scope_of(applied, "acme", None, None, [])
    for ground, code in (("breach", 9), ("insolvency", None)):
        opening = Opening(ground, scope, "r", "n", NOW, None)
        case = str((await cases.open_case(applied, opening, NOW)).case.id)
        made = await case_decisions.decide(applied, case, "ann", "bob", "grave", NOW + DAY)
        clock = read is not None and ground == "breach"
        assert (made.deadline_at, made.code) == ((NOW + 6 * DAY, code) if clock else (None, None))
        assert made.case.material_at == (NOW + DAY if clock else None)


@pytest.mark.rule("T23-3")
async def test_what_becomes_of_certificates_at_the_end_of_the_service(accepted: Conn) -> None:
    """R-23: chosen in the decision, unless it is adopted once for all."""
    await adopt(accepted, "service_end.certs", "run_off")
    with pytest.raises(Unfit, match="adopted 'run_off'"):
        await service_end.decide(accepted, "unavoidable", date(2027, 3, 1), "revoke", "ann", "bob", NOW)
    await service_end.decide(accepted, "unavoidable", date(2027, 3, 1), "run_off", "ann", "bob", NOW)
    assert await stored.of_neither(accepted, "service_end.certs", NOW) == "run_off"
