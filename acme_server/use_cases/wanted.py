"""What must be proven for a name: the authorization that a client is asked for, and what may stand in for it."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

from acme_server.protocol.challenges import new_token
from acme_server.protocol.identifiers import base_of
from acme_server.protocol.objects import challenge_types
from acme_server.protocol.subdomains import domains_above
from acme_server.storage.orders import WantedAuthorization
from acme_server.use_cases.context import Offers
from contract_gate.public_suffix import is_public_suffix
from sql.ids import uuid7


def authorizations_for(
    names: Sequence[str], ancestors: Mapping[str, str], offers: Offers, now: datetime
) -> list[WantedAuthorization]:
    """One for each name, or for the ancestor that its client would prove instead, each once (A-209).

    Where the settings do not offer that, or nobody has the ancestor alone, the hint counts for nothing.
    """
    scopes = dict.fromkeys(scope_of(name, ancestors.get(name), offers) for name in names)
    return [authorization_for(name, subdomains, offers, now) for name, subdomains in scopes]


def scope_of(name: str, ancestor: str | None, offers: Offers) -> tuple[str, bool]:
    """The name to prove, and whether its subdomains are meant, too."""
    if ancestor is None or not covers_subdomains(ancestor, offers):
        return name, False
    return ancestor, True


def covers_subdomains(name: str, offers: Offers) -> bool:
    """Whether an authorization of the name may cover those below it (A-211, C-030)."""
    return offers.subdomains and not is_public_suffix(name)


def authorization_for(name: str, subdomains: bool, offers: Offers, now: datetime) -> WantedAuthorization:
    """The authorization with a fresh token for each challenge type on offer (A-156)."""
    above = tuple(domains_above(name)) if offers.subdomains else ()
    return WantedAuthorization(uuid7(now), name, tokens_for(name, subdomains, offers), subdomains, above)


def tokens_for(name: str, subdomains: bool, offers: Offers) -> tuple[str, ...]:
    """The tokens, empty for what is not on offer."""
    base, wildcard = base_of(name)
    possible = challenge_types(base, wildcard or subdomains)
    return tuple(new_token(os.urandom(16)) if type in offers.challenges else "" for type in possible)
