"""All certificates by page: of a customer, a contract, a key, in a state; a customer sees its own."""

from datetime import timedelta
from typing import Any

import pytest

from office.use_cases import certificate_pages
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_pages import walked
from tests.office.use_cases.issued import issue

KEY = b"one key"
BEFORE = NOW - timedelta(days=200)


@pytest.fixture
async def serials(api: Api, pool: Pool) -> list[str]:
    """Of acme: live, expired, revoked, all with one key; of a customer `other`, live with another key."""
    await api.made("officer", "/applications", {"handle": "theirs", "plan": "small", "customer": "other"})
    found = [
        await issue(pool, "acme", 1, NOW, key=KEY),
        await issue(pool, "acme", 2, NOW, key=KEY),
        await issue(pool, "acme", 3, NOW, key=KEY),
        await issue(pool, "theirs", 4, NOW),
    ]
    await pool.execute(
        "UPDATE ca.to_be_signed SET not_before = $2, not_after = $3 WHERE serial = $1", found[1], BEFORE, NOW
    )
    await pool.execute(
        """INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by,
                requested_at, revoked_at, not_after)
            SELECT serial, 2, id, shard, 4, 'request', 'process:test', $2, $2, not_after FROM ca.to_be_signed
            WHERE serial = $1""",
        found[2], NOW,
    )  # fmt: skip
    return [each.hex() for each in found]


@pytest.mark.rule("T11-11", "T17-1")
@pytest.mark.parametrize(
    ("role", "query", "expected"),
    [
        pytest.param("auditor", {}, {0, 1, 2, 3}, id="all"),
        pytest.param("auditor", {"state": "live"}, {0, 3}, id="live"),
        pytest.param("auditor", {"state": "expired"}, {1}, id="expired"),
        pytest.param("auditor", {"state": "revoked"}, {2}, id="revoked"),
        pytest.param("officer", {"customer": "kaisha"}, {0, 1, 2}, id="customer"),
        pytest.param("officer", {"contract": "theirs"}, {3}, id="contract"),
        pytest.param("officer", {"contract": "acme", "customer": "kaisha", "state": "live"}, {0}, id="both"),
        pytest.param("operator", {"key": "KEY"}, {0, 1, 2}, id="key"),
        pytest.param("operator", {"key": "KEY", "customer": "other"}, set(), id="key of another"),
        pytest.param("applicant", {}, {0, 1, 2}, id="own"),
        pytest.param("requester", {"customer": "kaisha", "state": "revoked"}, {2}, id="own, revoked"),
        pytest.param("stranger", {}, {3}, id="the stranger's"),
        pytest.param("stranger", {"key": "KEY"}, set(), id="a stranger knows the key"),
    ],
)
async def test_certificates_are_chosen(
    api: Api, pool: Pool, serials: list[str], role: str, query: dict[str, str], expected: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The whole page, and one at a time although a page looks at two alone."""
    key = await pool.fetchval("SELECT encode(spki_sha256, 'hex') FROM ca.certificates WHERE encode(serial, 'hex') = $1",
                              serials[0])  # fmt: skip
    asked: dict[str, Any] = {name: key if value == "KEY" else value for name, value in query.items()}
    status, page = await api.call(role, "GET", "/certificates", params=asked)
    assert (status, page.get("next")) == (200, None), page
    assert {each["serial"] for each in page["items"]} == {serials[at] for at in expected}
    monkeypatch.setattr(certificate_pages, "LOOKED_AT", 2)
    assert await walked(api, role, "/certificates", asked) == page["items"]


@pytest.mark.usefixtures("serials")
@pytest.mark.parametrize(
    ("role", "query", "unknown"),
    [
        pytest.param("stranger", {"customer": "kaisha"}, {"customer": "nobody"}, id="customer"),
        pytest.param("stranger", {"contract": "acme"}, {"contract": "nothing"}, id="contract"),
        pytest.param("applicant", {"contract": "theirs"}, {"contract": "nothing"}, id="the stranger's"),
        pytest.param("officer", {"contract": "acme", "customer": "other"}, {"contract": "nothing"}, id="of neither"),
    ],
)
async def test_what_is_another_customers_is_as_what_is_not_there(
    api: Api, role: str, query: dict[str, str], unknown: dict[str, str]
) -> None:
    said = []
    for asked in (query, unknown):
        status, problem = await api.call(role, "GET", "/certificates", params=asked)
        said.append((status, problem["type"], problem["detail"].replace(asked.get("customer", "?"), "…")))
    assert said[0] == said[1]
    assert said[0][0] in (404, 422)


async def test_of_a_contract_that_never_had_one_there_is_none(api: Api, applied: Conn) -> None:
    assert (await api.call("applicant", "GET", "/contracts/acme/certificates"))[1] == {"items": [], "next": None}
