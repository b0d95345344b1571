"""Whatever ended a contract, its machine hears the same; a term that ran out alone is told apart (T0-3)."""

import re

import pytest

from tests.acme_server.client import Answer
from tests.acme_server.conftest import Served

NAME = "www.demo.test"
END = "UPDATE gate.contracts SET state = 'ended', ended_at = now(), end_cause = $1 WHERE handle = 'demo'"
TOKEN = re.compile(r"/help/[\w-]+")


async def heard(served: Served, cause: str) -> tuple[int, dict[str, object]]:
    """Status and problem document that newOrder answers; the page's token, which is random, is cut."""
    client = await served.registered()
    await client.certificate(NAME)
    await served.owner.execute(END, cause)
    answer: Answer = await client.order(NAME)
    told = {name: TOKEN.sub("/help/…", value) if isinstance(value, str) else value
            for name, value in answer.json.items()}  # fmt: skip
    return answer.status, told


@pytest.mark.rule("T0-3", "T13-2")
@pytest.mark.parametrize("cause", ["cancelled", "rescinded", "revoked", "lapsed", "service_ended"])
async def test_no_machine_learns_what_ended_its_contract(served: Served, cause: str) -> None:
    status, told = await heard(served, cause)
    assert (status, told["type"]) == (403, "urn:ietf:params:acme:error:unauthorized")
    assert told["detail"] == "This contract gives no certificates. Contact the CA: https://people.test/help/…"
    assert cause not in str(told)
    assert not re.search(r"A\d+\.\d", str(told))  # no clause, which would name the cause


@pytest.mark.rule("T0-3", "T12-4")
async def test_a_term_that_ran_out_points_to_renewal(served: Served) -> None:
    status, told = await heard(served, "expired")
    assert (status, told["type"]) == (403, "urn:ietf:params:acme:error:userActionRequired")
