"""Which addresses validation may dial (pure). RFC 8555 §10.4, A-161; IANA special-purpose address registries."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address

from acme_server.protocol.addresses import V4_PRIVATE, is_public

V6_LOCAL = tuple(map(IPv6Network, ("::1/128", "fc00::/7")))


@lru_cache(1024)
def may_dial(address: str, allow_private: bool) -> bool:
    """Whether a connection to `address` may be opened. A-161.

    `allow_private` (development) adds private IPv4 unicast, ::1 and ULA; never multicast, unspecified, link-local
    or an address that wraps an IPv4 one. Text that is no plain address is refused.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if is_public(ip):
        return True
    if not allow_private:
        return False
    if isinstance(ip, IPv4Address):
        return any(ip in net for net in V4_PRIVATE)
    return any(ip in net for net in V6_LOCAL)


def in_order(addresses: list[str], allow_private: bool) -> list[str]:
    """The addresses to try, at most two: the first permitted IPv6 one, then the first permitted IPv4 one. A-163."""
    permitted = [a for a in addresses if may_dial(a, allow_private)]
    families = ([a for a in permitted if ":" in a], [a for a in permitted if ":" not in a])
    return [family[0] for family in families if family]
