"""CAA at the moment of issuance: for each name, never older than eight hours, on the only path there is."""

import re

import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation.outcome import NotProven
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run, run_jobs
from tests.architecture.ids import ROOT

NAME = "www.demo.test"


@pytest.mark.std("C-046", "C-039", "C-048")
async def test_a_look_serves_just_under_eight_hours(served: Served) -> None:
    """Whatever the TTL: 8 hours are permitted even where it is shorter. Nothing makes the look unnecessary."""
    client = await served.registered()
    await client.certificate("b.demo.test")  # the contract has started
    for age, looked in (("7 hours 50 minutes", False), ("8 hours", True)):
        url, order = await ready(client, NAME)  # with the same authorization
        await run(served, f"UPDATE acme.authorizations SET caa_checked_at = now() - interval '{age}'")
        served.looks.seen.clear()
        assert (await client.finalize(order)).json["status"] == ("processing" if looked else "valid")
        assert await run_jobs(served, "issue") == (["issue"] if looked else [])
        assert served.looks.seen == ([("caa", NAME, "False", client.kid, "http-01")] if looked else [])
        assert (await client.post(url)).json["status"] == "valid"


@pytest.mark.std("C-039", "C-048", "C-050")
async def test_what_caa_forbids_by_now_is_not_issued_though_it_was_validated(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    await run(served, "UPDATE acme.authorizations SET caa_checked_at = NULL")
    served.looks.caa_outcomes[NAME] = NotProven(ErrorType.CAA, "CAA permits another CA only.")
    await client.finalize(order)
    await run_jobs(served, "issue")
    assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == 0
    said = await served.owner.fetchval(
        "SELECT string_agg(convert_from(content, 'UTF8'), ' ') FROM evidence.records"
        " WHERE kind IN ('caa.checked', 'order.ended')"
    )
    assert "CAA permits another CA only." in said


MAKES = re.compile(r"INSERT INTO ca\.to_be_signed\b[^;]*;")


@pytest.mark.std("A-253")
def test_there_is_one_path_to_a_certificate() -> None:
    """One statement records what is signed for a subscriber, and one function reaches it: no manual issuance.

    Another takes in what was signed before: never unsigned.
    """
    statements = [path for path in (ROOT / "sql").rglob("*.sql") if "migrations" not in path.parts]
    makers = {path.name: MAKES.findall(path.read_text()) for path in statements}
    [[of_orders], [imports]] = [makers.pop(name) for name in ("orders.sql", "schema.sql")]
    assert not any(makers.values())
    assert "import_id" not in of_orders
    assert "of_import" in imports
    assert "'signed'" in imports
    sources = [path for top in ("acme_server", "office", "ca") for path in (ROOT / top).rglob("*.py")]
    users = {path.name: path.read_text().count("orders.begin_issuance(") for path in sources}
    assert {name: count for name, count in users.items() if count} == {"admission.py": 1}


@pytest.mark.std("A-253", "A-249")
async def test_an_account_has_one_uri_whatever_the_issuer_is_called(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    for each in (client, other):
        await each.certificate("b.demo.test")
    uris = [seen[3] for seen in served.looks.seen if seen[0] == "caa"]
    assert uris == [client.kid, other.kid]
    assert client.kid != other.kid
