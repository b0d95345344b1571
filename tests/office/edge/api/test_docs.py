"""The calls of docs/api.md answer what stands below them."""

import json
import shlex
from typing import Any

import pytest

from office.edge.api import (
    audits,
    bank,
    books,
    changes,
    desk,
    duties,
    evidence,
    following,
    ground,
    incidents,
    ledger,
    limits,
    notices,
    pauses,
    readings,
    rights,
    seals,
    service,
)
from tests.architecture.ids import ROOT
from tests.office.edge.api.conftest import Api

AREAS = (
    changes, seals, pauses, duties, desk, books, following, service, incidents, bank, ground, readings, rights, audits,
    ledger, limits, notices, evidence,
)  # fmt: skip
LINES = (ROOT / "docs/api.md").read_text(encoding="utf-8").splitlines()
CALLS = [(said, LINES[at + 1]) for at, said in enumerate(LINES) if said.startswith("$ curl ")]


def same(found: Any, written: Any) -> bool:
    """Whether they are equal but for ids, which are cut, and cursors, of which nothing is written."""
    match written:
        case dict():
            return found.keys() == written.keys() and all(same(found[name], written[name]) for name in written)
        case list():
            return len(found) == len(written) and all(map(same, found, written))
        case str() if written.endswith("…"):
            return str(found).startswith("01") or written == "…"
        case _:
            return bool(found == written)


def test_the_table_of_the_document_is_of_what_there_is() -> None:
    """Each operation of these areas, and for customers those that they may call."""
    said = {row[1].strip().strip("`"): row[2] for line in LINES if len(row := line.split("|")) == 5 and "/" in row[1]}
    found = [each for area in AREAS for each in area.OPERATIONS]
    assert said.keys() == {f"{each.method} {each.path}" for each in found}
    for each in found:
        who = said[f"{each.method} {each.path}"]
        assert ("applicant" in each.roles) == ("applicant" in who or "everybody" in who), each.id
        assert ("requester" in each.roles) == ("everybody" in who), each.id
        assert ("auditor" in each.roles) == any(word in who for word in ("the CA", "everybody", "auditor")), each.id
        assert {"officer", "approver", "operator", "compliance"} & each.roles >= set(who.replace(",", " ").split()) - {
            "applicant", "auditor", "everybody", "the", "CA",
        }, each.id  # fmt: skip


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
    assert same(found, json.loads(answer) if answer.startswith("{") else answer + "\n"), found
