"""The one entry to validation: which look answers which challenge."""

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of
from acme_server.protocol.objects import challenge_types
from acme_server.validation import caa, dns_01, http_01, tls_alpn_01
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Lookups
from acme_server.validation.settings import ValidationSettings


def misuse_of(challenge_type: str, name: str) -> NotProven | None:
    """The refusal of a method that cannot prove such a name. A-157, A-201, A-205, C-027."""
    base, wildcard = base_of(name)
    if challenge_type in challenge_types(base, wildcard):
        return None
    return NotProven(ErrorType.UNAUTHORIZED, f"{challenge_type} cannot prove control of {name}")


class Looker(msgspec.Struct, frozen=True):
    """Looks into the network."""

    resolver: Lookups
    settings: ValidationSettings

    async def validate(self, challenge_type: str, name: str, token: str, key_authorization: str) -> Proven | NotProven:
        """Whether the challenge of `name` (as in an order) is met. Takes at most `settings.timeout` seconds."""
        if misuse := misuse_of(challenge_type, name):
            return misuse
        match challenge_type:
            case "http-01":
                return await http_01.look(name, token, key_authorization, self.resolver, self.settings)
            case "dns-01":
                return await dns_01.look(name, key_authorization, self.resolver, self.settings)
            case _:
                return await tls_alpn_01.look(name, key_authorization, self.resolver, self.settings)

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Whether CAA permits a certificate for `name` to the account that used `method`."""
        return await caa.check(name, wildcard, account_uri, method, self.resolver, self.settings)


class AlwaysValid:
    """Replaces the network look and nothing else: a challenge that can prove the name does. Refused in production."""

    async def validate(self, challenge_type: str, name: str, token: str, key_authorization: str) -> Proven | NotProven:
        """Met, unless the method cannot prove such a name."""
        return misuse_of(challenge_type, name) or Proven(None, {"method": challenge_type, "mode": "always_valid"})

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Permitted."""
        return Proven(None, {"method": "caa", "name": name, "mode": "always_valid"})


def looker(settings: ValidationSettings, resolver: Lookups) -> Looker | AlwaysValid:
    """What `settings.mode` says."""
    return AlwaysValid() if settings.mode == "always_valid" else Looker(resolver, settings)
