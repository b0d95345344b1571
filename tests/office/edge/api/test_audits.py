"""Samples of the self-audit are drawn and looked at through the API; key ceremonies are looked at."""

from hashlib import sha256
from typing import Any

import pytest

from sql import Pool
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, looked_at
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_sample import ISSUED_AT, PERIOD, SEED

WANTED: dict[str, Any] = {"since": PERIOD.since.isoformat(), "until": PERIOD.until.isoformat()}


@pytest.mark.std("C-175")
@pytest.mark.parametrize(("role", "by"), [("auditor", "eve"), ("compliance", "carol")])
async def test_a_sample_is_drawn_by_auditors_and_compliance(api: Api, pool: Pool, role: str, by: str) -> None:
    serials = [(await issue(pool, "acme", each, ISSUED_AT)).hex() for each in range(40)]
    wanted = {**WANTED, "percent": 5, "seed": SEED.hex()}
    assert (await api.call("officer", "POST", "/audit-samples", wanted))[0] == 403
    made = (await api.made(role, "/audit-samples", wanted))["id"]
    [shown] = (await api.call("officer", "GET", "/audit-samples"))[1]["items"]
    assert (shown["id"], shown["drawn"], shown["audited"], shown["drawn_by"]) == (made, 2, 0, by)
    assert (await api.call("auditor", "GET", f"/audit-samples/{made}"))[1] == shown
    found = (await api.call("auditor", "GET", f"/audit-samples/{made}/certificates"))[1]["items"]
    first = sorted(serials, key=lambda each: sha256(SEED + bytes.fromhex(each)).digest())[:2]
    assert [each["serial"] for each in found] == sorted(first)
    assert await api.made(role, "/audit-samples", wanted) == {"id": made}  # not examined yet: it is the same


@pytest.mark.std("C-175")
async def test_a_seed_that_is_not_sealed_yet_is_asked_for(api: Api, pool: Pool) -> None:
    status, said = await api.call("auditor", "POST", "/audit-samples", WANTED)
    assert (status, said) == (202, {"id": None})
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'audit.sample_asked'") == 1
    for given in ({"percent": 2}, {"seed": "00"}):
        assert (await api.call("auditor", "POST", "/audit-samples", {**WANTED, **given}))[0] == 400
    ahead = {**WANTED, "until": "2027-01-01T00:00:00Z"}
    assert (await api.call("auditor", "POST", "/audit-samples", ahead))[0] == 422


@pytest.mark.std("C-117", "C-168")
async def test_a_ceremony_is_shown_with_hashes_of_what_its_steps_sign(api: Api, pool: Pool) -> None:
    await issue(pool, "acme", 7, ISSUED_AT)
    await looked_at(pool)
    [listed] = (await api.call("auditor", "GET", "/ceremonies"))[1]["items"]
    assert listed["id"] == OURS["ceremony"]
    shown = (await api.call("officer", "GET", f"/ceremonies/{OURS['ceremony']}"))[1]
    assert (shown["script"], shown["transcript"]) == ({"shards": 1}, "All was done.")
    [step] = shown["steps"]
    assert (step["step"], step["tbs_sha256"], step["result_sha256"], step["done_at"]) == (
        "root-crl", [sha256(b"\x01").hexdigest()], [], None,
    )  # fmt: skip
    assert (await api.call("auditor", "GET", "/ceremonies/x"))[0] == 422
