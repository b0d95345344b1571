"""Connections for validation: only to an address that was looked up and checked, never to a name. A-161, A-163."""

import asyncio
import errno
import os
import socket
import ssl

import msgspec

from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import is_ip
from acme_server.validation import targets
from acme_server.validation.outcome import NotProven
from acme_server.validation.resolver import DnsFailure, Lookups
from acme_server.validation.settings import ValidationSettings

FIRST_SHARE, LAST_SHARE = 0.4, 0.5  # of a look's time: for the IPv6 attempt when an IPv4 one follows, for the last
READ_LIMIT = 16 * 1024
HANDSHAKE_TIMEOUT, CLOSE_TIMEOUT = 10.0, 1.0


class Connected(msgspec.Struct, frozen=True):
    """A TCP connection to `address`, one of the host's `addresses`. The holder closes `sock`."""

    sock: socket.socket
    address: str
    addresses: list[str]


async def addresses_of(host: str, resolver: Lookups) -> list[str] | DnsFailure:
    """The host's addresses; an address is its own, with no lookup. A-203."""
    return [host] if is_ip(host) else await resolver.addresses(host)


async def connect(host: str, port: int, resolver: Lookups, settings: ValidationSettings) -> Connected | NotProven:
    """A connection to the host: IPv6 first, then once IPv4 if that could not be made. A-163, A-165."""
    addresses = await addresses_of(host, resolver)
    if isinstance(addresses, DnsFailure):
        return NotProven(ErrorType.DNS, addresses.detail, addresses.temporary)
    if not addresses:
        return NotProven(ErrorType.DNS, f"{host} has no AAAA and no A record")
    candidates = targets.in_order(addresses, settings.allow_private)
    if not candidates:
        return NotProven(ErrorType.CONNECTION, f"{host} has no public address: {', '.join(addresses[:4])}")
    why: list[str] = []
    for i, address in enumerate(candidates, start=1):
        share = LAST_SHARE if i == len(candidates) else FIRST_SHARE
        try:
            async with asyncio.timeout(settings.timeout * share):
                return Connected(await _dial(address, port), address, addresses)
        except TimeoutError:
            why.append(f"{address} port {port}: no answer in {settings.timeout * share:g} s")
        except OSError as fault:
            why.append(f"{address} port {port}: {os.strerror(fault.errno or errno.EIO).lower()}")
    return NotProven(ErrorType.CONNECTION, f"{host} cannot be reached: {'; '.join(why)}", temporary=True)


async def _dial(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def open_streams(
    sock: socket.socket, context: ssl.SSLContext | None, server_name: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Streams over the connection, after a TLS handshake if there is a context. From now on they own `sock`.

    Closing it here after a failure would free its number while the loop still polls it.
    """
    if context is None:
        return await asyncio.open_connection(sock=sock, limit=READ_LIMIT)
    return await asyncio.open_connection(
        sock=sock,
        limit=READ_LIMIT,
        ssl=context,
        server_hostname=server_name,
        ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
        ssl_shutdown_timeout=CLOSE_TIMEOUT,
    )


def tls_context(protocols: list[str] | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, whatever the certificate (A-162, A-198, A-200)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default one reads all roots of the system: 30 ms
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def timed_out(where: str, seconds: float) -> NotProven:
    """A look that took too long. A-165."""
    return NotProven(ErrorType.CONNECTION, f"{where}: not finished in {seconds:g} s", temporary=True)
