"""Articles 18 and 19: the seal (本ステッカー), on whose hosts it is shown and when it is valid."""

from collections.abc import Callable, Iterable
from datetime import datetime

from contract_gate.domains import address, covers
from contract_gate.facts import NameEntry

CACHE_SECONDS = 60  # T19-2
HOSTS_A_DAY = 20  # of one contract, that are recorded after its end (T19-3)

Registrable = Callable[[str], str | None]


def valid(active: bool, live: Iterable[datetime], now: datetime) -> bool:
    """Whether the contract is active and a certificate lives. T19-2 [A11.6, A19.1].

    `live` holds notAfter of each certificate that is not revoked.
    """
    return active and any(now <= not_after for not_after in live)


def cache_seconds(live: Iterable[datetime], now: datetime) -> int:
    """For how long an answer that it is valid may be kept: never past the last certificate. T19-1, T19-2."""
    left = max((not_after - now).total_seconds() for not_after in live)
    return max(0, min(CACHE_SECONDS, int(left)))


def shown_to(host: str, entries: Iterable[NameEntry], registrable: Registrable | None) -> bool:
    """Whether the host is a name of the contract or under the registrable domain of one. T4-10, T18-1, R-6 [A4.5].

    Without `registrable` (reading `same_host`) only what the contract's entries cover.
    """
    known = tuple(entries)
    if any(covers(entry, host) for entry in known):
        return True
    domain = registrable(host) if registrable is not None and address(host) is None else None
    if registrable is None or domain is None:
        return False
    names = (entry.value.removeprefix("*.") for entry in known if entry.kind != "network")
    return any(registrable(name) == domain for name in names if address(name) is None)
