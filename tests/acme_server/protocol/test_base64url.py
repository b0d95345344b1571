import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import base64url
from acme_server.protocol.errors import ErrorType
from tests.acme_server.protocol.clients import b64, refused


@given(st.binary(max_size=200))
def test_octets_go_round(octets: bytes) -> None:
    text = base64url.encode(octets)
    assert text == b64(octets)
    assert base64url.decode(text) == octets


@given(st.text(max_size=12) | st.text("AQgw-_+/= \n", max_size=12))
def test_a_text_is_the_encoding_of_its_octets_or_refused(text: str) -> None:
    try:
        octets = base64url.decode(text)
    except ValueError:
        return
    assert b64(octets) == text


@pytest.mark.std("A-004")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("AA==", id="padding"),
        pytest.param("-_8=", id="one padding character"),
        pytest.param("+/8", id="plain base64"),
        pytest.param("-_8\n", id="a line break at the end"),
        pytest.param("-_ 8", id="a space"),
        pytest.param("-", id="a length no octets give"),
        pytest.param("-_9", id="stray bits"),
        pytest.param("é_8", id="not ASCII"),
        pytest.param("\ud800", id="a lone surrogate"),
    ],
)
def test_anything_but_plain_base64url_is_malformed(text: str) -> None:
    assert base64url.field("-_8", "x") == b"\xfb\xff"
    with refused(ErrorType.MALFORMED, "x is not base64url"):
        base64url.field(text, "x")
