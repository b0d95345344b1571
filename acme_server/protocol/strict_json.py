"""JSON that has one reading only: UTF-8, no member twice, nesting bounded. RFC 8259, A-003, A-029."""

import json
from typing import Any, TypeVar

import msgspec

from acme_server.protocol.errors import AcmeError, ErrorType

T = TypeVar("T")

# Opening brackets a text may hold, in strings too. It bounds the nesting, so no parser runs out of stack.
MAX_BRACKETS = 400

_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode


def read(text: bytes, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """The typed value of a text. Raises MALFORMED, which names the text by `what` and the member at fault by its path.

    Members of no meaning to the type are ignored, as RFC 8555 §7.3 and RFC 7515 §4 want, yet none may occur twice.
    """
    if text.count(b"{") + text.count(b"[") > MAX_BRACKETS:
        raise _malformed(what, f"holds more than {MAX_BRACKETS} objects and arrays")
    try:
        value = _anything.decode(text)
        # A text that equals the encoding of some value has no member twice, for no encoding has. Only a text that
        # is written in another way (escapes, exponents) or is at fault needs the slower look.
        if msgspec.json.format(text, indent=-1) != _encode(value):
            json.loads(text, object_pairs_hook=_once_each)
        return decoder.decode(text)
    except UnicodeDecodeError:
        raise _malformed(what, "is not UTF-8") from None
    except ValueError as error:
        raise _malformed(what, f"is not as it must be: {error}") from None


def _once_each(pairs: list[tuple[str, object]]) -> None:
    """Raises ValueError if a member name occurs twice in one object. Names that differ in escapes only are the same."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValueError(f"the member {name[:40]!a} occurs twice; send it once")
        seen.add(name)


def _malformed(what: str, why: str) -> AcmeError:
    return AcmeError(ErrorType.MALFORMED, f"{what} {why}")
