"""The objects of RFC 8555 §7.1 as the server holds them; rendered by `edge/documents.py`."""

from datetime import datetime
from uuid import UUID

import msgspec

from acme_server.protocol.identifiers import is_ip

DNS_CHALLENGES = ("http-01", "dns-01", "tls-alpn-01")
WILDCARD_CHALLENGES = ("dns-01",)  # BR 3.2.2.4.19, .20: the others prove one host only
IP_CHALLENGES = ("http-01", "tls-alpn-01")  # RFC 8738 §7


def challenge_types(identifier: str, wildcard: bool) -> tuple[str, ...]:
    """Challenge types on offer for an identifier, in the order of the authorization's tokens. A-157, A-205."""
    if is_ip(identifier):
        return IP_CHALLENGES
    return WILDCARD_CHALLENGES if wildcard else DNS_CHALLENGES


class Account(msgspec.Struct, frozen=True):
    """Who signed a request, with what a signed request needs to know of its binding key (T4-2)."""

    id: UUID
    status: str
    public_key: bytes
    thumbprint: bytes
    contacts: list[str]
    external_account_binding: bytes | None
    binding_key_id: UUID
    contract_id: UUID
    created_at: datetime


class Authorization(msgspec.Struct, frozen=True):
    """An authorization and its challenges: one token a type on offer; at most one challenge is ever answered.

    `status` is as stored; `protocol/status.py` adds what follows from the time.
    """

    id: UUID
    account_id: UUID
    identifier_type: str
    identifier_value: str
    wildcard: bool
    status: str
    tokens: list[str]
    challenge_type: str | None
    challenge_status: str | None
    challenge_error: bytes | None
    key_authorization: str | None
    validated_at: datetime | None
    caa_checked_at: datetime | None
    expires_at: datetime

    @property
    def name(self) -> str:
        """The name as an order writes it."""
        return f"*.{self.identifier_value}" if self.wildcard else self.identifier_value

    @property
    def types(self) -> tuple[str, ...]:
        """Challenge types on offer."""
        return challenge_types(self.identifier_value, self.wildcard)


class Order(msgspec.Struct, frozen=True):
    """An order as stored. `authorizations` is filled when the caller needs the derived status."""

    id: UUID
    account_id: UUID
    contract_id: UUID
    status: str
    names: list[str]
    authorization_ids: list[UUID]
    profile: str
    not_before: datetime | None
    not_after: datetime | None
    replaces: str | None
    error: bytes | None
    certificate_id: UUID | None
    expires_at: datetime
    created_at: datetime
