"""Reasons a customer may give for a revocation. RFC 8555 §7.6, RFC 5280 §5.3.1, T11-8."""

from acme_server.protocol.errors import AcmeError, ErrorType

REASONS = {1: "keyCompromise", 3: "affiliationChanged", 4: "superseded", 5: "cessationOfOperation"}
_ALLOWED = ", ".join(f"{code} ({name})" for code, name in REASONS.items())


def parse_reason(value: int | None) -> int | None:
    """The code, or None for none: absent and 0 mean the same, and leave reasonCode out. A-183, A-184, T11-8."""
    if value is None or value == 0:
        return None
    if value not in REASONS:
        raise AcmeError(
            ErrorType.BAD_REVOCATION_REASON, f"This reason is not accepted. Leave it out, or use 0 (none), {_ALLOWED}"
        )
    return value
