"""What an address names and is not there answers 404 in every operation; what cannot be a name of it, 404 or 422."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import pytest

from office.edge.api.calls import Operation
from office.edge.api.operations import OPERATIONS
from sql import Pool
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import DOCUMENT, NOBODY, described, things

MISSING = {
    "contract": "nothing",
    "kid": "ek-nothing",
    "serial": "01" * 12,
    "number": "I-404",
    "line": "404",
    "credit": "C00000404",
    "day": "2026-12-24",
    "person": "nobody",
    "customer": "nobody",
    "account": "nowhere",
    "version": "404",
    "checkpoint": "404",
    "kind": "dead_job",
    "role": "payer",
}
GIVEN = {
    "person": "bob", "owner": "bob", "to": "bob", "deputy": "bob", "document": NOBODY, "suspension": NOBODY,
    "invoice": "I-1", "country": "JP", "bank": "0001", "branch": "001", "number": "1234567",
    "until": "2026-11-25T00:00:00Z",
}  # fmt: skip
STRINGS = {"date": "2026-11-20", "date-time": "2026-11-20T00:00:00Z", "uuid": NOBODY}
# Deeds that ask for a thing in a certain state: that there is none such is their answer, whether it is there or not.
BY_STATE = {
    "cancelReceipt", "dismissBankLine", "matchBankLine", "matchReceipt", "openMaintenance", "recordRemoval",
    "reportLeak", "resume", "setDialect", "stopToken", "unmatchReceipt", "withdrawTerms",
}  # fmt: skip
WALKED = [each for each in OPERATIONS if "{" in each.path]


def least(schema: Any, name: str = "") -> Any:
    """The least that fits a schema of the document."""
    if "$ref" in schema:
        return least(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {each: least(schema["properties"][each], each) for each in schema.get("required", ())}
        case "array":
            return [least(schema["items"])] * schema.get("minItems", 0)
        case "string":
            return GIVEN.get(name) or STRINGS.get(schema.get("format", "")) or "x" * schema.get("minLength", 1)
        case "boolean":
            return True
        case _:
            return schema.get("minimum", 1)


def role_of(operation: Operation) -> str:
    tried = ("auditor", "applicant", "officer", "operator", *sorted(operation.roles))
    return next(each for each in tried if each in operation.roles)


async def asked(api: Api, operation: Operation, path: str) -> tuple[int, Any]:
    said = described()[operation.method, operation.path]
    query = {each["name"]: least(each["schema"]) for each in said.get("parameters", ()) if each.get("required")
             and each["in"] == "query"}  # fmt: skip
    content = said.get("requestBody", {}).get("content", {})
    given: dict[str, Any] = {"params": query}
    if "application/octet-stream" in content:
        given |= {"data": b"x", "headers": {"Content-Type": "application/octet-stream"}}
    elif content:
        given |= {"json": least(content["application/json"]["schema"])}
    return await api.call(role_of(operation), operation.method, path, **given)


def path_of(operation: Operation, missing: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda found: missing.get(found[1], NOBODY), operation.path)


async def test_what_is_not_there_is_not_found(api: Api, pool: Pool) -> None:
    await things(pool)
    for each in WALKED:
        status, problem = await asked(api, each, path_of(each, MISSING))
        expected = (422, "unfit") if each.id in BY_STATE else (404, "not-found")
        assert (status, problem["type"].rpartition(":")[2]) == expected, (each.id, problem)
    assert {each.id for each in WALKED} >= BY_STATE
    assert not [each.id for each in WALKED if each.method == "GET" and each.id in BY_STATE]


async def test_what_cannot_be_a_name_of_it_is_not_found_or_unfit(api: Api) -> None:
    for each in WALKED:
        for text in ("no such", "例", "0" * 64, str(uuid5(NAMESPACE_URL, "x")).upper()):
            path = path_of(each, defaultdict(lambda text=text: quote(text)))  # type: ignore[misc]
            status, problem = await asked(api, each, path)
            assert status in (400, 404, 422), (each.id, text, problem)
            assert str(status) in described()[each.method, each.path]["responses"], (each.id, text, problem)


async def test_what_is_not_there_and_not_in_the_address_is_unfit(api: Api) -> None:
    """The page is there: it is the filter that names nobody."""
    assert (await api.call("auditor", "GET", "/certificates"))[0] == 200
    status, problem = await api.call("auditor", "GET", "/certificates", params={"customer": "nobody"})
    assert (status, problem["type"]) == (422, "urn:keiyaku:problem:unfit")


@pytest.mark.rule("T13-3")
async def test_what_a_role_may_not_see_is_as_what_is_not_there(api: Api) -> None:
    hold = (await api.made("compliance", "/contracts/acme/holds", {"kind": "antisocial", "reason": "r"}))["id"]
    lift = {"kind": "hold.lift", "arguments": {"hold": hold}}
    secret = (await api.made("compliance", "/proposals", lift))["id"]
    said = []
    for proposal in (secret, NOBODY):
        status, problem = await api.call("officer", "GET", f"/proposals/{proposal}")
        said.append((status, {**problem, "instance": None}))
    assert said[0] == said[1]
    assert said[0][0] == 404
