"""Change of an account's key: the inner JWS. RFC 8555 §7.3.5."""

import msgspec

from acme_server.protocol import keys, strict_json
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Jwk, parse_nested

_WHAT = "The payload of keyChange, the inner JWS,"


class _KeyChange(msgspec.Struct, frozen=True, rename="camel"):
    account: str
    old_key: Jwk


_key_change = msgspec.json.Decoder(_KeyChange)


def read_inner(payload: bytes, outer_url: str, account_url: str, current_key: keys.AccountKey) -> keys.AccountKey:
    """The new key, which signed that it takes over this account from this key. A-101 to A-104.

    Whether another account has it is for the caller (A-105).
    """
    signed = parse_nested(payload, _WHAT)
    if signed.jwk is None:
        raise _malformed("must have the new key as jwk in its protected header, and no kid")
    if signed.url != outer_url:
        raise _malformed("must have the same url as the outer JWS")
    new_key = keys.of_signed(signed)
    keys.verify(signed, new_key)
    change = strict_json.read(signed.payload, _key_change, "The payload of the inner JWS")
    if change.account != account_url:
        raise _malformed("must name in account the account URL that is the outer kid, to the letter")
    if keys.of_jwk(change.old_key).thumbprint != current_key.thumbprint:
        raise _malformed("must have the account's present key as oldKey; it has another key")
    return new_key


def _malformed(why: str) -> AcmeError:
    return AcmeError(ErrorType.MALFORMED, f"{_WHAT} {why}")
