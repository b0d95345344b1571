"""What office/openapi.yaml promises is what the application does, asked by schemathesis on the real database."""

import asyncio
import itertools
import json
from functools import partial

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from office.edge.api.description import description
from office.edge.api.operations import OPERATIONS
from sql import Pool
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OPEN, OURS, things

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(json.loads(description()))
ROLES = {(each.method, each.path): sorted(each.roles) for each in OPERATIONS}
ASKED = settings(
    max_examples=8, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.timeout(120)
async def test_answers_are_those_that_the_document_promises(api: Api, pool: Pool) -> None:
    await things(pool)
    base, keys = str(api.client.make_url("/api")), itertools.count()
    with requests.Session() as session:  # one connection for all, and no look at the environment for each
        session.trust_env = False
        ask_one = partial(ask, api, session, base, keys)
        asked = await asyncio.to_thread(lambda: [ask_one(method, path) for method, path in [*ROLES, *OPEN]])
    assert sum(asked) > 4 * len(ROLES)


def ask(
    api: Api, session: requests.Session, base: str, keys: "itertools.count[int]", method: str, path: str
) -> int:  # fmt: skip
    """How many requests were made; half of them about things that are there. Fails at the first broken promise."""
    operation, count = SCHEMA[path][method], 0

    @ASKED
    @given(case=operation.as_strategy(), ours=st.booleans())
    def one(case: schemathesis.Case, ours: bool) -> None:
        nonlocal count
        count += 1
        if ours:
            case.path_parameters = {name: OURS.get(name, value) for name, value in case.path_parameters.items()}
        headers = {"Idempotency-Key": f"schemathesis-{next(keys):08}"}
        if roles := ROLES.get((method, path)):
            headers["Authorization"] = f"Bearer {api.secrets[roles[count % len(roles)]]}"
        response = case.call(base_url=base, headers=headers, session=session)
        case.validate_response(response, checks=CHECKS, headers=headers)

    one()
    return count
