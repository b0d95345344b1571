"""What the protocol refuses, without any HTTP: types of RFC 8555 §6.7 and the RFCs that add to it."""

from collections.abc import Sequence
from enum import Enum

import msgspec


class ErrorType(Enum):
    """Registered problem types, by the last part of their URN."""

    ACCOUNT_DOES_NOT_EXIST = "accountDoesNotExist"
    ALREADY_REPLACED = "alreadyReplaced"
    ALREADY_REVOKED = "alreadyRevoked"
    BAD_CSR = "badCSR"
    BAD_NONCE = "badNonce"
    BAD_PUBLIC_KEY = "badPublicKey"
    BAD_REVOCATION_REASON = "badRevocationReason"
    BAD_SIGNATURE_ALGORITHM = "badSignatureAlgorithm"
    CAA = "caa"
    COMPOUND = "compound"
    CONNECTION = "connection"
    DNS = "dns"
    EXTERNAL_ACCOUNT_REQUIRED = "externalAccountRequired"
    INCORRECT_RESPONSE = "incorrectResponse"
    INVALID_CONTACT = "invalidContact"
    INVALID_PROFILE = "invalidProfile"
    MALFORMED = "malformed"
    ORDER_NOT_READY = "orderNotReady"
    RATE_LIMITED = "rateLimited"
    REJECTED_IDENTIFIER = "rejectedIdentifier"
    SERVER_INTERNAL = "serverInternal"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    UNSUPPORTED_CONTACT = "unsupportedContact"
    UNSUPPORTED_IDENTIFIER = "unsupportedIdentifier"
    USER_ACTION_REQUIRED = "userActionRequired"


class Subproblem(msgspec.Struct, frozen=True):
    """A problem of one identifier (RFC 8555 §6.7.1). `name` as in an order: `*.a.example`, `127.0.0.1`.

    `name_type` is the identifier's type as the client wrote it; None where the name tells it (`identifier_of`).
    """

    type: ErrorType
    detail: str
    name: str
    name_type: str | None = None


class AcmeError(Exception):
    """The request is refused by the protocol. `edge/problems.py` gives it an HTTP status.

    `fields` are extra members of the problem document (`algorithms`), `location` an URL for the Location header,
    `retry_after` seconds.
    """

    def __init__(
        self,
        type: ErrorType,
        detail: str,
        *,
        subproblems: Sequence[Subproblem] = (),
        fields: dict[str, object] | None = None,
        location: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{type.value}: {detail}")
        self.type = type
        self.detail = detail
        self.subproblems = tuple(subproblems)
        self.fields = fields or {}
        self.location = location
        self.retry_after = retry_after
