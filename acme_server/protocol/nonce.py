"""Nonces that any process can check and none has to store until they are spent. RFC 8555 §6.5, design §4.

A nonce is issue time, epoch, 16 random octets and a MAC over these. Spending it stores the random octets in the slot of
its issue time, once; a slot is emptied when no nonce in it can still be valid.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol import base64url
from acme_server.protocol.errors import AcmeError, ErrorType

SLOTS = 4
CLOCK_SKEW = 60  # seconds by which the clocks of two nodes may differ
_SHORTEST_PERIOD = 3 * CLOCK_SKEW
_TIME, _EPOCH, _RANDOM, _MAC = 5, 4, 16, 16  # octets of each part
_SIGNED = _TIME + _EPOCH + _RANDOM


class NonceKey(msgspec.Struct, frozen=True):
    """The MAC key that all nodes share, and its number. A new epoch makes every older nonce badNonce."""

    epoch: int
    mac_key: bytes


class Spendable(msgspec.Struct, frozen=True):
    """A nonce that was issued and has not expired: good if it is the first of its number in its slot (A-046, A-047)."""

    slot: int
    nonce: UUID
    epoch: int


def issue(key: NonceKey, now: datetime, random16: bytes) -> str:
    """A nonce of the base64url alphabet that nobody else can make or predict. A-051, A-052."""
    if len(random16) != _RANDOM:
        raise ValueError("a nonce takes 16 random octets")
    signed = _seconds(now).to_bytes(_TIME, "big") + _epoch(key) + random16
    return base64url.encode(signed + _mac(key, signed))


def read(key: NonceKey, nonce: str, now: datetime, lifetime: timedelta) -> Spendable:
    """What to spend. Raises BAD_NONCE if not issued under this key, expired, or from the future; A-048.

    Raises MALFORMED for what is not base64url at all (A-050).
    """
    octets = base64url.field(nonce, "nonce")
    if len(octets) != _SIGNED + _MAC:
        raise _bad("was not issued by this server")
    signed, mac = octets[:_SIGNED], octets[_SIGNED:]
    if not hmac.compare_digest(mac, _mac(key, signed)) or signed[_TIME : _TIME + _EPOCH] != _epoch(key):
        raise _bad("was not issued by this server, or before its last restart")
    issued = int.from_bytes(signed[:_TIME], "big")
    if not -CLOCK_SKEW <= _seconds(now) - issued < lifetime.total_seconds():
        raise _bad("has expired")
    return Spendable(issued // _period(lifetime) % SLOTS, UUID(bytes=signed[_TIME + _EPOCH :]), key.epoch)


def expired_slot(now: datetime, lifetime: timedelta) -> int:
    """The slot that may be emptied now: `read` gives no nonce of it on any node whose clock is right to 60 seconds."""
    return ((_seconds(now) - CLOCK_SKEW) // _period(lifetime) - 2) % SLOTS


def _period(lifetime: timedelta) -> int:
    """Seconds of issue times that share a slot: valid nonces lie in at most three periods, one after another."""
    return max(int(lifetime.total_seconds()) + 1, _SHORTEST_PERIOD)


def _mac(key: NonceKey, signed: bytes) -> bytes:
    return hashlib.blake2b(signed, key=key.mac_key, digest_size=_MAC).digest()


def _epoch(key: NonceKey) -> bytes:
    return key.epoch.to_bytes(_EPOCH, "big", signed=True)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _bad(why: str) -> AcmeError:
    return AcmeError(ErrorType.BAD_NONCE, f"The nonce {why}. Retry with the Replay-Nonce of this answer")
