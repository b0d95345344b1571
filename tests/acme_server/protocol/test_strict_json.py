"""One reading of every text: against the standard library's parser, told to watch for duplicates."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import strict_json
from acme_server.protocol.errors import AcmeError, ErrorType
from tests.acme_server.protocol.clients import attempt, refused

ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def read(text: bytes) -> Any:
    return strict_json.read(text, ANYTHING, "The text")


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_every_value_reads_as_itself(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        text_octets = text.encode()
    except UnicodeEncodeError:
        return
    assert read(text_octets) == value


@pytest.mark.std("A-029")
@given(
    st.dictionaries(st.text('ab\u00e9"\\/', max_size=3), values, min_size=1, max_size=4),
    st.data(),
    st.booleans(),
    st.sampled_from(["{}", "[{}]", '{{"outer": {}}}', '[1e3, {{"\\u0061": [{}]}}]']),
)
def test_a_member_that_occurs_twice_is_refused_at_every_level(
    members: dict[str, object], data: st.DataObject, escaped: bool, around: str
) -> None:
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in members.items()]
    once = around.format("{" + ",".join(f"{n}: {v}" for n, v in pairs) + "}")
    read(once.encode())
    name = data.draw(st.sampled_from(list(members)))
    again = '"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"' if escaped else json.dumps(name, ensure_ascii=False)
    pairs.insert(data.draw(st.integers(0, len(pairs))), (again, json.dumps(data.draw(values))))
    twice = around.format("{" + ",".join(f"{n}: {v}" for n, v in pairs) + "}")
    with refused(ErrorType.MALFORMED, "occurs twice"):
        read(twice.encode())


@given(st.binary())
def test_octets_give_a_value_or_malformed(octets: bytes) -> None:
    found = attempt(lambda: read(octets))
    assert not isinstance(found, AcmeError) or found.type is ErrorType.MALFORMED


@given(st.text('{}[]":,ab01.eE-+\\u \n', max_size=40))
def test_texts_near_json_agree_with_the_standard_library(text: str) -> None:
    value = attempt(lambda: read(text.encode()))
    assert isinstance(value, AcmeError) or json.loads(text) == value


@pytest.mark.std("A-003")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a": "\xff"}', id="not UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"a": 1,}', id="a trailing comma"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"[" * 100_000, id="nesting without end"),
        pytest.param(b"[" * 401 + b"]" * 401, id="nesting too deep"),
        pytest.param(b'{"a":' * 100_000, id="objects without end"),
        pytest.param(b"9" * 5000, id="a number of 5000 digits"),
        pytest.param(b"1e400", id="a number out of range"),
    ],
)
def test_what_is_not_json_is_malformed(text: bytes) -> None:
    with refused(ErrorType.MALFORMED):
        read(text)


def test_nesting_within_the_bound_reads() -> None:
    value = read(b"[" * 400 + b"]" * 400)
    for _ in range(399):
        (value,) = value
    assert value == []
