"""The objects of RFC 8555 §7.1 as the server holds them; rendered by `edge/documents.py`."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from acme_server.protocol.identifiers import is_ip

DNS_CHALLENGES = ("http-01", "dns-01", "tls-alpn-01", "dns-account-01", "dns-persist-01")
BROAD_CHALLENGES = ("dns-01", "dns-account-01", "dns-persist-01")  # BR 3.2.2.4.19, .20: the others prove one host only
IP_CHALLENGES = ("http-01", "tls-alpn-01")  # RFC 8738 §7
USUAL_CHALLENGES = ("http-01", "dns-01", "tls-alpn-01")  # the others are drafts, offered where the settings say so
SECTIONS: Mapping[tuple[str, str], str] = {
    ("dns", "dns-01"): "3.2.2.4.7",
    ("dns", "http-01"): "3.2.2.4.19",
    ("dns", "tls-alpn-01"): "3.2.2.4.20",
    ("dns", "dns-account-01"): "3.2.2.4.21",
    ("dns", "dns-persist-01"): "3.2.2.4.22",
    ("ip", "http-01"): "3.2.2.5.6",
    ("ip", "tls-alpn-01"): "3.2.2.5.7",
}  # of the Baseline Requirements, by types of identifier and challenge: every method there is here (C-017, C-029)


def challenge_types(identifier: str, broad: bool) -> tuple[str, ...]:
    """Challenge types that can prove an identifier, in the order of the authorization's tokens. A-157, A-205, A-212.

    `broad`: a wildcard, or all subdomains.
    """
    if is_ip(identifier):
        return IP_CHALLENGES
    return BROAD_CHALLENGES if broad else DNS_CHALLENGES


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

    `subdomains`: it covers names below its own (RFC 9444). `status` is as stored; `protocol/status.py` adds what
    follows from the time.
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
    subdomains: bool

    @property
    def name(self) -> str:
        """The name as an order writes it."""
        return f"*.{self.identifier_value}" if self.wildcard else self.identifier_value

    @property
    def types(self) -> tuple[str, ...]:
        """Challenge types on offer."""
        return tuple(self.tokens_of_types())

    def tokens_of_types(self) -> dict[str, str]:
        """The token of each challenge type on offer."""
        possible = challenge_types(self.identifier_value, self.wildcard or self.subdomains)
        return {type: token for type, token in zip(possible, self.tokens, strict=False) if token}


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
