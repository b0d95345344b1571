"""The calls of docs/api.md answer what stands below them."""

import json
import shlex
from typing import Any

import pytest

from tests.architecture.ids import ROOT
from tests.office.edge.api.conftest import Api

LINES = (ROOT / "docs/api.md").read_text(encoding="utf-8").splitlines()
CALLS = [(said, LINES[at + 1]) for at, said in enumerate(LINES) if said.startswith("$ curl ")]


def same(found: Any, written: Any) -> bool:
    """Whether they are equal but for ids, which are cut."""
    match written:
        case dict():
            return found.keys() == written.keys() and all(same(found[name], written[name]) for name in written)
        case list():
            return len(found) == len(written) and all(map(same, found, written))
        case str() if written.endswith("…"):
            return str(found).startswith("01")
        case _:
            return bool(found == written)


@pytest.mark.parametrize(("call", "answer"), CALLS, ids=[str(number) for number in range(len(CALLS))])
async def test_a_call_of_the_document_answers_what_it_says(api: Api, call: str, answer: str) -> None:
    words = shlex.split(call)[2:]
    options = [(words[at], words[at + 1]) for at in range(0, len(words) - 1, 2)]
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    assert headers.pop("Authorization") == "Bearer $TOKEN"
    given = dict(options)
    path = words[-1].removeprefix("https://office.example.jp/api")
    status, found = await api.call("officer", given.get("-X", "GET"), path, data=given.get("-d"), headers=headers)
    assert status < 300, found
    assert same(found, json.loads(answer)), found
