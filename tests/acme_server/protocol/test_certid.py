import josepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import certid
from acme_server.protocol.errors import AcmeError, ErrorType
from tests.acme_server.protocol.clients import attempt, b64, refused

# RFC 9773 §4.1, the worked example
AKI = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
SERIAL = bytes.fromhex("0087654321")
ID = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


@pytest.mark.std("A-215")
def test_the_example_of_the_rfc() -> None:
    assert certid.format(AKI, SERIAL) == ID
    assert certid.parse(ID) == (AKI, SERIAL)


@pytest.mark.std("A-215")
@given(st.binary(min_size=1, max_size=64), st.integers(1, (1 << 160) - 1))
def test_every_serial_goes_round_in_its_der_octets(aki: bytes, serial: int) -> None:
    octets = serial.to_bytes(serial.bit_length() // 8 + 1)
    text = certid.format(aki, octets)
    assert certid.parse(text) == (aki, octets)
    assert "=" not in text
    assert josepy.b64decode(text.partition(".")[2]) == octets


@pytest.mark.std("A-219")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(ID.replace(".", ""), id="no dot"),
        pytest.param(ID + ".AA", id="two dots"),
        pytest.param("." + b64(SERIAL), id="no key identifier"),
        pytest.param(b64(AKI) + ".", id="no serial"),
        pytest.param(ID + "=", id="padded"),
        pytest.param(b64(AKI) + "=." + b64(SERIAL), id="key identifier padded"),
        pytest.param(f"{b64(AKI)}.{b64(SERIAL[1:])}", id="a negative serial"),
        pytest.param(f"{b64(AKI)}.{b64(b'%c' % 0 + SERIAL)}", id="a zero octet too many"),
        pytest.param(f"{b64(AKI)}.{b64(bytes([0, 1]))}", id="a zero octet without need"),
        pytest.param(f"{b64(AKI)}.{b64(bytes(1))}", id="serial zero"),
        pytest.param(f"{b64(AKI)}.{b64(b'1' * 22)}", id="a serial of 22 octets"),
        pytest.param(f"{b64(b'1' * 65)}.{b64(SERIAL)}", id="a key identifier of 65 octets"),
        pytest.param("日本.AIdlQyE", id="not ASCII"),
    ],
)
def test_any_other_id_is_malformed(text: str) -> None:
    with refused(ErrorType.MALFORMED):
        certid.parse(text)


@given(st.text(max_size=20) | st.text("Aab-_.=", max_size=20))
def test_any_text_is_an_id_or_malformed(text: str) -> None:
    match attempt(lambda: certid.parse(text)):
        case AcmeError(type=type_):
            assert type_ is ErrorType.MALFORMED
        case (aki, serial):
            assert certid.format(aki, serial) == text
