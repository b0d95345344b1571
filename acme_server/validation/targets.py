"""Which addresses validation may dial (pure). RFC 8555 §10.4, A-161; IANA special-purpose address registries."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# This host, link-local (where clouds answer with secrets), multicast, reserved.
V4_NEVER = tuple(map(IPv4Network, ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")))
V4_PRIVATE = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        ),
    )
)  # fmt: skip
V6_GLOBAL = IPv6Network("2000::/3")  # mapped, NAT64, ULA, link-local, loopback and multicast all lie outside
# Protocol assignments with Teredo and ORCHID, documentation, 6to4: none says by itself what it reaches.
V6_SPECIAL = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
V6_LOCAL = tuple(map(IPv6Network, ("::1/128", "fc00::/7")))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is a global unicast one that reaches what it says."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in (*V4_NEVER, *V4_PRIVATE))
    return address in V6_GLOBAL and not any(address in net for net in V6_SPECIAL)


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
