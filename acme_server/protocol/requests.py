"""Payloads as clients send them, typed. RFC 8555 §7.3, §7.4, §7.5, §7.6, RFC 9444 §4, RFC 9773 §5, profiles draft §4.

Members unknown to us are ignored (A-077); a member that occurs twice, or has the wrong type or size, is MALFORMED.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from acme_server.protocol import identifiers, strict_json, subdomains
from acme_server.protocol.errors import AcmeError, ErrorType

T = TypeVar("T")

MAX_CONTACTS = 10
MAX_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
MAX_LOCAL_PART = 64

_Short = Annotated[str, Meta(max_length=300)]
_Contacts = Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=100)]
_Instant = Annotated[datetime, Meta(tz=True)]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$&'*+/=^_`{|}~-]+(?:\.[A-Za-z0-9!#$&'*+/=^_`{|}~-]+)*")


class NewAccount(msgspec.Struct, frozen=True, rename="camel"):
    """newAccount (RFC 8555 §7.3)."""

    contact: _Contacts = []
    terms_of_service_agreed: bool = False
    only_return_existing: bool = False
    binding: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="externalAccountBinding")

    @property
    def external_account_binding(self) -> bytes | None:
        """The binding as received, to the octet (A-097); None if there is none."""
        return bytes(self.binding) or None


class AccountUpdate(msgspec.Struct, frozen=True):
    """An account update (§7.3.2). None is a member not sent; an empty `contact` removes all. A-085, A-108."""

    contact: _Contacts | None = None
    status: _Short | None = None


class Identifier(msgspec.Struct, frozen=True, rename="camel"):
    """An identifier as sent, not checked, with what RFC 9444 §4 adds to it."""

    type: _Short
    value: _Short
    ancestor_domain: _Short | None = None
    subdomain_auth_allowed: bool = False


class NewOrder(msgspec.Struct, frozen=True, rename="camel"):
    """newOrder (§7.4), instants in UTC. A-115, A-117."""

    identifiers: Annotated[list[Identifier], Meta(min_length=1, max_length=identifiers.MAX_IDENTIFIERS)]
    not_before: _Instant | None = None
    not_after: _Instant | None = None
    profile: _Short | None = None
    replaces: _Short | None = None

    def __post_init__(self) -> None:
        for member in ("not_before", "not_after"):
            instant: datetime | None = getattr(self, member)
            if instant is not None:
                msgspec.structs.force_setattr(self, member, _utc(instant))

    def names(self) -> list[str]:
        """Canonical names, each once; raises one error that tells of every bad one."""
        return identifiers.parse_all([(each.type, each.value) for each in self.identifiers])

    def ancestors(self) -> dict[str, str]:
        """The domain that a client would prove instead of a name, by name (RFC 9444 §4.3). A-208."""
        hints = ((each.type, each.value, each.ancestor_domain) for each in self.identifiers)
        return dict(subdomains.ancestor_of(type, value, hint) for type, value, hint in hints if hint is not None)


class NewAuthorization(msgspec.Struct, frozen=True):
    """newAuthz (§7.4.1)."""

    identifier: Identifier

    def name(self) -> str:
        """The canonical name, which is no wildcard (A-137)."""
        name = identifiers.parse(self.identifier.type, self.identifier.value)
        if name.startswith("*."):
            raise AcmeError(ErrorType.MALFORMED, "No wildcard can be authorized before an order. Name it in newOrder.")
        return name


class Finalize(msgspec.Struct, frozen=True):
    """finalize (§7.4): `csr` is base64url of DER, for `csr.decode_field`."""

    csr: str


class Revoke(msgspec.Struct, frozen=True):
    """revokeCert (§7.6): `certificate` is base64url of DER, `reason` for `revocation.parse_reason`."""

    certificate: str
    reason: int | None = None


class ChallengeResponse(msgspec.Struct, frozen=True):
    """A response to a challenge (§7.5.1): any JSON object. A-145, A-146."""


class AuthorizationUpdate(msgspec.Struct, frozen=True):
    """Deactivation of an authorization (§7.5.2), the one change a client can make."""

    status: Literal["deactivated"]


_DECODERS: Mapping[type[Any], msgspec.json.Decoder[Any]] = {
    each: msgspec.json.Decoder(each)
    for each in (
        NewAccount,
        AccountUpdate,
        NewOrder,
        NewAuthorization,
        Finalize,
        Revoke,
        ChallengeResponse,
        AuthorizationUpdate,
    )
}


def parse(payload: bytes, type: type[T]) -> T:
    """The payload as `type`, one of the classes above. Raises MALFORMED that names the member at fault."""
    decoder: msgspec.json.Decoder[T] = _DECODERS[type]
    return strict_json.read(payload, decoder, "The payload")


def contacts(urls: Iterable[str]) -> list[str]:
    """The contact URLs as `mailto:address`, each once. A-079 to A-081.

    Raises UNSUPPORTED_CONTACT for a scheme other than mailto, INVALID_CONTACT for anything else.
    """
    found = list(dict.fromkeys(_contact(url) for url in urls))
    if len(found) > MAX_CONTACTS:
        raise _invalid(f"{len(found)} contacts. Give at most {MAX_CONTACTS}")
    return found


def _contact(url: str) -> str:
    match = _SCHEME.fullmatch(url)
    if match is None:
        raise _invalid("A contact is not an URL. Write mailto:admin@example.com")
    if match[1].lower() != "mailto":
        raise AcmeError(
            ErrorType.UNSUPPORTED_CONTACT,
            "A contact has a scheme that is not supported. Only mailto is: mailto:admin@example.com",
        )
    _check_address(match[2])
    return f"mailto:{match[2]}"


def _check_address(address: str) -> None:
    """One plain address: ASCII, no header fields, no second address, a full domain name. RFC 6068 §2."""
    if "?" in address or "," in address:
        raise _invalid("A mailto contact has header fields (?) or more than one address (,). Give one address in each")
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > MAX_LOCAL_PART or len(address) > MAX_ADDRESS:
        raise _invalid("A mailto contact is not a plain ASCII mail address such as admin@example.com")
    try:
        identifiers.parse("dns", domain)
    except AcmeError as error:
        raise _invalid(f"The domain of a mailto contact is not a domain name: {error.detail}") from None
    if domain.startswith("*"):
        raise _invalid("The domain of a mailto contact is a wildcard. Give one domain name")


def _invalid(detail: str) -> AcmeError:
    return AcmeError(ErrorType.INVALID_CONTACT, detail)


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("notBefore or notAfter is outside the years 1 to 9999") from None
