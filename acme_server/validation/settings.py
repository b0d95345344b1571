"""What an operator sets about validation."""

from typing import Literal

import msgspec

from acme_server.protocol.objects import USUAL_CHALLENGES

MAX_DNS_LIFETIME = 5.0


class ValidationSettings(msgspec.Struct, frozen=True):
    """How to look. The defaults are those of a public CA; `timeout` is the seconds one whole look may take.

    `issuer_domains` are the names that CAA records may give (C-049). `methods`: challenge types that prove anything.
    """

    issuer_domains: tuple[str, ...]
    mode: Literal["network", "always_valid"] = "network"
    http_port: int = 80
    tls_port: int = 443
    allow_private: bool = False
    timeout: float = 10.0
    methods: tuple[str, ...] = USUAL_CHALLENGES
    persist_needs_dnssec: bool = True

    @property
    def dns_lifetime(self) -> float:
        """Seconds one DNS lookup may take: half a look at most, so that its failure is told as one of DNS."""
        return min(MAX_DNS_LIFETIME, self.timeout / 2)
