"""One client, untouched, gets certificates across the end of a term (T12-7)."""

from datetime import datetime, timedelta

import pytest

from acme_server.clock import utc_now
from contract_gate.calendar import jst_date
from office.storage.contracts import Subject
from office.use_cases import acceptance, application, contracts, keys, renewal, review, screening
from office.use_cases.acceptance import Access
from office.use_cases.demo import VERSION
from sql import Conn
from tests.acme_server.conftest import Served

ONE, TWO = "demo-officer-1", "demo-officer-2"


async def term_began(served: Served, at: datetime) -> None:
    """As if the term of the demo contract, of twelve months, had begun then."""
    await served.owner.execute(
        "UPDATE gate.contract_starts SET issued_at = $1 WHERE contract_id = "
        "(SELECT id FROM gate.contracts WHERE handle = 'demo')", at,
    )  # fmt: skip
    await served.owner.execute("UPDATE gate.contracts SET term_months = 12 WHERE handle = 'demo'")


async def renewed(conn: Conn, now: datetime) -> None:
    """The renewal `demo-2`, applied for, reviewed and accepted."""
    await renewal.apply(conn, "demo-2", "demo", None, "renewal", now)
    await application.consent(conn, "demo-2", VERSION, VERSION, ONE, "web", now, now)
    await application.subject(conn, "demo-2", Subject("Keiyaku Demo K.K.", "JP", "Tokyo", "Chiyoda-ku"), ONE, now)
    for kind in application.REVIEWS:
        item = application.Review(kind, "1", "register", jst_date(now), "positive")
        await application.review(conn, "demo-2", item, ONE, now)
    await application.state(conn, "demo-2", application.Stated("Demo", ONE), now)
    await review.call_back(conn, "demo-2", "directory", True, ONE, now)
    await screening.clear(conn, "demo-2", "list", TWO, now)
    await acceptance.accept(conn, "demo-2", ONE, TWO, Access("https://acme.test/dir", "https://people.test"), now)


async def told(conn: Conn, now: datetime) -> None:
    """The notice of its formation has left (T4-5)."""
    await conn.execute("UPDATE gate.formation_notices SET dispatched_at = $1", now)


async def contracts_of_orders(served: Served) -> list[str]:
    rows = await served.owner.fetch(
        "SELECT c.handle FROM acme.orders o JOIN gate.contracts c ON c.id = o.contract_id ORDER BY o.id"
    )
    return [row["handle"] for row in rows]


@pytest.mark.rule("T12-6", "T12-7", "T12-4")
async def test_one_account_untouched_issues_across_the_term_end(served: Served) -> None:
    client, now = await served.registered(), utc_now()
    await client.certificate("www.demo.test")
    await term_began(served, now - timedelta(days=300))
    async with served.owner.acquire() as conn:
        await renewed(conn, now)
        await told(conn, now)
    await client.certificate("www.demo.test")
    assert await contracts_of_orders(served) == ["demo", "demo"]  # renewal issuance has not opened

    await term_began(served, now - timedelta(days=380))  # the old term is over
    await served.owner.execute("UPDATE gate.successions SET starts_at = $1", now - timedelta(days=45))
    await client.certificate("www.demo.test")
    assert await contracts_of_orders(served) == ["demo", "demo", "demo-2"]
    async with served.owner.acquire() as conn:
        assert (await contracts.shown(conn, "demo-2")).first_certificate_at is not None


@pytest.mark.rule("T12-4", "T0-3")
async def test_without_a_renewal_the_client_is_told_to_renew(served: Served) -> None:
    client, now = await served.registered(), utc_now()
    await client.certificate("www.demo.test")
    await term_began(served, now - timedelta(days=380))
    refused = await client.order("www.demo.test")
    assert (refused.status, refused.error) == (403, "userActionRequired")


@pytest.mark.rule("T12-7", "T4-2", "T4-5")
async def test_a_withdrawn_key_serves_the_renewal_no_more(served: Served) -> None:
    now = utc_now()
    async with served.owner.acquire() as conn:
        key = await keys.new_key(conn, "demo", "a test", [], None, None, now)
        client = served.client()
        await client.register((key.kid, key.hmac_key))
        await client.certificate("www.demo.test")
        await term_began(served, now - timedelta(days=350))
        await renewed(conn, now)
        refused = await client.order("www.demo.test")  # nobody told the customer
        assert (refused.status, refused.error) == (403, "unauthorized")
        await told(conn, now)
        await client.certificate("www.demo.test")
        assert await contracts_of_orders(served) == ["demo", "demo-2"]
        await keys.withdraw(conn, key.kid, now)
    refused = await client.order("www.demo.test")
    assert (refused.status, refused.error) == (403, "unauthorized")
