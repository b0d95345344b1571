"""Addresses of the public Internet (pure): those that IANA's special-purpose registries do not set apart. C-013."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# This host, link-local (where clouds answer with secrets), multicast, reserved.
V4_NEVER = tuple(map(IPv4Network, ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")))
V4_PRIVATE = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        ),
    )
)  # fmt: skip
V6_GLOBAL = IPv6Network("2000::/3")  # mapped, NAT64, ULA, link-local, loopback and multicast all lie outside
# Protocol assignments with Teredo and ORCHID, documentation, 6to4, AS112: none says by itself what it reaches.
V6_SPECIAL = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)  # fmt: skip


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is a global unicast one that reaches what it says."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in (*V4_NEVER, *V4_PRIVATE))
    return address in V6_GLOBAL and not any(address in net for net in V6_SPECIAL)
