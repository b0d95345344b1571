"""Whether names that somebody listed cover a name to be signed (pure). Design §8, T4-8.

The gate has asked this before. The signer asks it again of what people wrote, which no web process can write.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def uncovered(names: Iterable[str], entries: Iterable[str]) -> list[str]:
    """Those of the names that no entry covers. An entry is its kind, a space, its value."""
    pairs = [entry.partition(" ")[::2] for entry in entries]
    return [name for name in names if not any(covers(kind, value, name) for kind, value in pairs)]


def covers(kind: str, value: str, name: str) -> bool:
    """host and wildcard: that name; domain: the name, all under it, wildcards included; network: addresses in it."""
    match kind:
        case "host" | "wildcard":
            return name == value
        case "domain":
            host = name.removeprefix("*.")
            return address(name) is None and (host == value or host.endswith(f".{value}"))
        case "network":
            return inside(value, name)
        case _:
            return False


def inside(network: str, name: str) -> bool:
    """Whether a name is an address of the network. A text that is no network holds no address."""
    wanted = address(name)
    try:
        return wanted is not None and wanted in ip_network(network)
    except ValueError:
        return False


def address(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a name is, or None for a DNS name."""
    try:
        return ip_address(name)
    except ValueError:
        return None
