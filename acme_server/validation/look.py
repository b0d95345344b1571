"""The one entry to validation: which look answers which challenge."""

from collections.abc import Sequence

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import base_of, is_ip
from acme_server.protocol.objects import DNS_CHALLENGES, challenge_types
from acme_server.validation import caa, dns_01, dns_persist_01, http_01, tls_alpn_01
from acme_server.validation.coordinator import Coordinator
from acme_server.validation.outcome import Asked, NotProven, Proven
from acme_server.validation.resolver import Lookups
from acme_server.validation.settings import ValidationSettings


def misuse_of(asked: Asked, methods: Sequence[str]) -> NotProven | None:
    """The refusal of a method that cannot prove such a name, or is not offered any more. A-157, A-201, A-205, C-027."""
    base, wildcard = base_of(asked.name)
    if asked.type not in challenge_types(base, wildcard or asked.subdomains):
        below = " and its subdomains" if asked.subdomains else ""
        return NotProven(ErrorType.UNAUTHORIZED, f"{asked.type} cannot prove control of {asked.name}{below}")
    if asked.type not in methods:
        return NotProven(ErrorType.UNAUTHORIZED, f"{asked.type} is not offered any more. Place a new order.")
    return None


class Looker(msgspec.Struct, frozen=True):
    """Looks into the network."""

    resolver: Lookups
    settings: ValidationSettings

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """Whether the challenge is met. Takes at most `settings.timeout` seconds."""
        if misuse := misuse_of(asked, self.settings.methods):
            return misuse
        name, expected = asked.name, asked.key_authorization
        match asked.type:
            case "http-01":
                return await http_01.look(name, asked.token, expected, self.resolver, self.settings)
            case "dns-01":
                return await dns_01.look(name, expected, self.resolver, self.settings)
            case "dns-account-01":
                return await dns_01.look_of_account(name, asked.account_url, expected, self.resolver, self.settings)
            case "dns-persist-01":
                return await dns_persist_01.look(asked, self.resolver, self.settings)
            case _:
                return await tls_alpn_01.look(name, expected, self.resolver, self.settings)

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Whether CAA permits a certificate for `name` to the account that used `method`."""
        return await caa.check(name, wildcard, account_uri, method, self.resolver, self.settings)


class CorroboratedLooker(msgspec.Struct, frozen=True):
    """Looks from here and then, if what is seen will do, from other places of the network (BR §3.2.2.9)."""

    here: Looker
    coordinator: Coordinator

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """Whether the challenge is met, here and there."""
        seen = await self.here.validate(asked)
        return seen if isinstance(seen, NotProven) else await self.coordinator.corroborate(asked, seen)

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Whether CAA permits a certificate, here and there. An address has no CAA."""
        seen = await self.here.caa(name, wildcard, account_uri, method)
        if isinstance(seen, NotProven) or is_ip(base_of(name)[0]):
            return seen
        return await self.coordinator.corroborate_caa(name, wildcard, seen)


class AlwaysValid:
    """Replaces the network look and nothing else: a challenge that can prove the name does. Refused in production."""

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """Met, unless the method cannot prove such a name."""
        return misuse_of(asked, DNS_CHALLENGES) or Proven(None, {"method": asked.type, "mode": "always_valid"})

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Permitted."""
        return Proven(None, {"method": "caa", "name": name, "mode": "always_valid"})


def looker(
    settings: ValidationSettings, resolver: Lookups, coordinator: Coordinator | None = None
) -> Looker | CorroboratedLooker | AlwaysValid:
    """What `settings.mode` says, corroborated if there is a coordinator."""
    if settings.mode == "always_valid":
        return AlwaysValid()
    here = Looker(resolver, settings)
    return here if coordinator is None else CorroboratedLooker(here, coordinator)
