"""Which wanted names an entry of a contract, or the scope of a binding key, covers (T4-2, T4-8).

A name is written as in an order: `www.demo.test`, `*.demo.test`, `127.0.0.1`, `::1`.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from contract_gate.facts import NameEntry
from contract_gate.public_suffix import is_public_suffix


def address(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a name is, or None for a DNS name."""
    if ":" not in name and not name.rpartition(".")[2].isdigit():
        return None
    try:
        return ip_address(name)
    except ValueError:
        return None


def under(domain: str, name: str) -> bool:
    """Whether a DNS name is the domain, lies under it, or is a wildcard of one that does."""
    host = name.removeprefix("*.")
    return host == domain or host.endswith(f".{domain}")


def inside(network: str, name: str) -> bool:
    """Whether a name is an address of the network. A text that is no network holds no address."""
    wanted = address(name)
    try:
        return wanted is not None and wanted in ip_network(network)
    except ValueError:
        return False


def covers(entry: NameEntry, name: str) -> bool:
    """Whether an entry of the contract covers a wanted name. A domain covers no address.

    Nobody has all names under a public suffix: no entry covers a wildcard there, and none there is a domain. C-030.
    """
    if name.startswith("*.") and is_public_suffix(name[2:]):
        return False
    match entry.kind:
        case "host" | "wildcard":
            return entry.value == name
        case "domain":
            return address(name) is None and under(entry.value, name) and not is_public_suffix(entry.value)
        case "network":
            return inside(entry.value, name)


def in_scope(scope: Iterable[str], name: str) -> bool:
    """Whether the scope of a binding key covers a name; an empty one covers all.

    Entries: `example.jp` and `*.example.jp` exactly, `.example.jp` the domain and all under it, else a network.
    """
    entries = tuple(scope)
    return not entries or any(_scoped(entry, name) for entry in entries)


def _scoped(entry: str, name: str) -> bool:
    if entry.startswith("."):
        return address(name) is None and under(entry[1:], name) and not is_public_suffix(entry[1:])
    return entry == name or ("/" in entry and inside(entry, name))


def candidates(names: Iterable[str]) -> list[str]:
    """The values of entries that might cover one of these names: each name, and the domains above it."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        above = "" if address(name) else name.removeprefix("*.")
        while above:
            found[above] = None
            above = above.partition(".")[2]
    return list(found)


def addresses(names: Iterable[str]) -> list[str]:
    """Those of the names that are IP addresses."""
    return [name for name in names if address(name) is not None]
