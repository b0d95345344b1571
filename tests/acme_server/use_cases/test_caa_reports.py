"""Who is told that CAA forbade a certificate: at most so many, and nobody by an attacker's will (RFC 8659 §4.4)."""

from datetime import timedelta

import asyncpg
import pytest

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.protocol.errors import ErrorType
from acme_server.use_cases.caa_reports import address_of
from acme_server.validation.outcome import ForbiddenBy, NotProven
from office.use_cases import caa_reports, deliver, notices
from office.use_cases.mail import Mail, Posting
from sql import Pool
from tests.acme_server.client import Client
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run, run_jobs
from tests.simulators.smtp import MailServer, mail_server

NAME = "www.demo.test"
OWNER = "security@demo.test"


def forbidden(domain: str, *iodef: str) -> NotProven:
    return NotProven(ErrorType.CAA, "CAA permits another CA only.", forbidden_by=ForbiddenBy(domain, iodef))


@pytest.mark.std("C-050")
@pytest.mark.parametrize(
    ("domain", "iodef", "expected"),
    [
        pytest.param("demo.test", ["mailto:security@demo.test"], "security@demo.test", id="the domain's own"),
        pytest.param("demo.test", ["mailto:caa@mx.demo.test"], "caa@mx.demo.test", id="below it"),
        pytest.param("www.demo.co.jp", ["mailto:caa@demo.co.jp"], "caa@demo.co.jp", id="above it"),
        pytest.param("demo.test", ["MAILTO:caa@DEMO.test"], "caa@DEMO.test", id="in any case"),
        pytest.param("demo.test", ["https://demo.test/", "mailto:caa@demo.test"], "caa@demo.test", id="the first mail"),
        pytest.param("demo.test", ["mailto:stranger@example.org"], None, id="a stranger's"),
        pytest.param("a.co.jp", ["mailto:x@co.jp"], None, id="a public suffix's"),
        pytest.param("b.test", ["mailto:x@ab.test"], None, id="another one's that ends alike"),
        pytest.param("demo.test", ["mailto:caa@demo.test?cc=x@example.org"], None, id="with header fields"),
        pytest.param("demo.test", ["mailto:caa@demo.test,x@example.org"], None, id="two addresses"),
        pytest.param("demo.test", ["mailto:caa@demo.test\r\nBcc: x@example.org"], None, id="with a header"),
        pytest.param("demo.test", ["mailto:", "caa@demo.test", ""], None, id="none"),
        pytest.param("demo.test", [], None, id="nobody asks"),
    ],
)
def test_an_address_is_of_the_domain_itself(domain: str, iodef: list[str], expected: str | None) -> None:
    assert address_of(forbidden(domain, *iodef)) == expected


async def refused(client: Client, served: Served, name: str, outcome: NotProven) -> None:
    """An order for the name, whose validation CAA refuses."""
    served.looks.caa_outcomes[name] = outcome
    placed = await client.order(name)
    await client.fulfil(placed.json)
    found = await client.post(placed.json["authorizations"][0])
    assert (found.json["status"], found.json["challenges"][0]["error"]["type"]) == (
        "invalid", "urn:ietf:params:acme:error:caa"
    )  # fmt: skip


async def due(served: Served) -> list[tuple[str, str | None]]:
    rows = await served.owner.fetch("SELECT domain, address FROM acme.caa_reports ORDER BY id")
    return [(row["domain"], row["address"]) for row in rows]


def posting(server: MailServer) -> Posting:
    relay = Mail("127.0.0.1", server.port, "notices@ca.example", "none", own_relay=False)
    return Posting(relay, "http://office.test", "officers@ca.example")


@pytest.mark.std("C-050")
async def test_the_owner_is_told_once_a_day(served: Served, postgres: EmbeddedPostgres, database: str) -> None:
    """A refusal at validation and one at issuance; evidence names nobody; the address goes after two days."""
    client, told = await served.registered(), forbidden("demo.test", f"mailto:{OWNER}")
    await refused(client, served, NAME, told)
    assert await due(served) == []  # while the setting is off
    for setting, expected in ((False, []), (True, [("demo.test", OWNER)])):
        served.context.caa_reports = setting
        served.looks.caa_outcomes.clear()
        _, order = await ready(client, "b.demo.test")
        await run(served, "UPDATE acme.authorizations SET caa_checked_at = NULL")
        served.looks.caa_outcomes["b.demo.test"] = told
        await client.finalize(order)
        await run_jobs(served, "issue")
        assert await due(served) == expected
    await refused(client, served, NAME, told)
    assert await due(served) == [("demo.test", OWNER)]
    said = "SELECT count(*) FROM evidence.records WHERE position($1 IN convert_from(content, 'UTF8')) > 0"
    assert await served.owner.fetchval(said, OWNER) == 0
    office, now = Pool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 2), utc_now()
    async with mail_server() as server:
        for _ in range(2):
            await caa_reports.tell(office, now)
            await deliver.address_notices(office, now, posting=posting(server))
            await deliver.hand_off(office, now, posting=posting(server))
        assert server.to.count(OWNER) == 1
        [letter] = [each for each in server.taken if each["To"] == OWNER]
    assert "demo.test" in letter["Subject"]
    assert NAME not in letter.get_content()
    assert await due(served) == [("demo.test", OWNER)]  # kept for a day's bound
    await caa_reports.tell(office, now + timedelta(days=3))
    assert await due(served) == [("demo.test", None)]


@pytest.mark.std("C-050")
async def test_a_zone_that_names_many_makes_few_letters(served: Served) -> None:
    """One a day to an address, whatever the domain; ten a day of a contract."""
    client, served.context.caa_reports = await served.registered(), True
    for number in range(3):
        await refused(client, served, f"{number}.demo.test", forbidden(f"{number}.demo.test", "mailto:All@demo.test"))
    assert await due(served) == [("0.demo.test", "All@demo.test")]
    for number in range(12):
        name = f"{number}.a.demo.test"
        await refused(client, served, name, forbidden(name, f"mailto:x@{name}"))
    assert len(await due(served)) == 10


@pytest.mark.std("C-050")
@pytest.mark.parametrize(("whose", "days"), [("demo", 1), ("demo-overdue", 0)])
async def test_letters_of_another_day_or_contract_keep_none_away(served: Served, whose: str, days: int) -> None:
    client, served.context.caa_reports = await served.registered(), True
    await served.owner.execute(
        """INSERT INTO acme.caa_reports (id, contract_id, domain, address, forbidden_at, forbidden_on, ordinal)
        SELECT gen_random_uuid(), c.id, n || '.test', n || '@x.test', at, (at AT TIME ZONE 'UTC')::date, n
        FROM gate.contracts c, generate_series(0, 9) n, (SELECT $2::timestamptz AS at) a WHERE handle = $1""",
        whose, utc_now() - timedelta(days=days),
    )  # fmt: skip
    await refused(client, served, NAME, forbidden("demo.test", f"mailto:{OWNER}"))
    assert ("demo.test", OWNER) in await due(served)


async def test_a_letter_nobody_takes_is_nobodys_task(served: Served, postgres: EmbeddedPostgres, database: str) -> None:
    client, served.context.caa_reports = await served.registered(), True
    await refused(client, served, NAME, forbidden("demo.test", f"mailto:{OWNER}"))
    office, now = Pool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 2), utc_now()
    await caa_reports.tell(office, now)
    async with mail_server() as server:
        server.recipient_answer = "550 nobody"
        await deliver.address_notices(office, now, posting=posting(server))
        await deliver.hand_off(office, now, posting=posting(server))
    async with served.owner.acquire() as conn:
        found = await notices.listed(conn, None, None)
    assert [each.state for each in found if each.kind == "caa_forbidden"] == ["dropped"]
