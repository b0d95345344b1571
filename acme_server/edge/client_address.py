"""Where a client is: the peer of its connection, or what a proxy of ours says of it. RFC 8555 §10.2."""

from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web

from acme_server.protocol.limits import network_of

Network = IPv4Network | IPv6Network
UNKNOWN = "::"  # of a connection that has gone already


def client_network(request: web.Request, proxies: tuple[Network, ...]) -> str:
    """The client's network, of which limits count.

    The header counts only from a proxy of the settings, and only its last address, which that proxy added itself. What
    a proxy does not say, or not well, counts as the proxy's own: no client escapes the limit so.
    """
    peer = request.remote or UNKNOWN
    if not any(ip_address(peer) in each for each in proxies):
        return network_of(peer)
    said = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
    try:
        return network_of(said)
    except ValueError:
        return network_of(peer)
