"""The HTTP that http-01 speaks (pure): the requests of a look, heads of responses, where a redirect leads."""

import re
from typing import Literal
from urllib.parse import urljoin, urlsplit

import msgspec

from acme_server.protocol.identifiers import is_ip
from acme_server.validation.settings import ValidationSettings

USER_AGENT = "Keiyaku-validation/1 (RFC 8555 http-01)"
REDIRECTS = frozenset((301, 302, 307, 308))  # C-025
MAX_URL = 2000
MAX_NAME = 253
DEFAULT_PORTS = {"http": 80, "https": 443}
PRINTABLE = re.compile(r"[\x21-\x7e]+")
HOST_NAME = re.compile(r"(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{1,63}(?<!-)")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?")


class Hop(msgspec.Struct, frozen=True):
    """One request of a look. `host` is a name or an address without brackets."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The Host header: an IPv6 address in brackets, the port unless it is the scheme's own. A-203."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


class Head(msgspec.Struct, frozen=True):
    """Status and header fields of a response, names in lower case, the last of a repeated one."""

    status: int
    fields: dict[str, str]


class BadHop(msgspec.Struct, frozen=True):
    """Why a redirect is not followed."""

    why: str


def first_hop(name: str, token: str, http_port: int) -> Hop:
    """Where the key authorization is looked for first. A-158; RFC 8555 §8.3."""
    return Hop("http", name, http_port, f"/.well-known/acme-challenge/{token}")


def request(hop: Hop) -> bytes:
    """The GET of a hop. A-158."""
    return (
        f"GET {hop.target} HTTP/1.1\r\nHost: {hop.authority}\r\nUser-Agent: {USER_AGENT}\r\n"
        "Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode()


def parse_head(head: bytes) -> Head | None:
    """The head of an HTTP/1 response; None if it is none."""
    status_line, *lines = head.split(b"\r\n")
    if not (match := STATUS_LINE.fullmatch(status_line)):
        return None
    fields = {}
    for line in lines:
        key, colon, value = line.decode("latin-1").partition(":")
        if colon:
            fields[key.strip().lower()] = value.strip()
    return Head(int(match[1]), fields)


def redirected(hop: Hop, location: str, first_host: str, settings: ValidationSettings) -> Hop | BadHop:
    """The hop a Location header leads to, if it may be followed. A-162, C-025.

    Ports: http on 80, https on 443, and those that development sets instead. An address as host only when an address
    is being validated.
    """
    if len(location) > MAX_URL or not PRINTABLE.fullmatch(location):
        return BadHop(f"its Location is empty, has blanks or control characters, or more than {MAX_URL} characters")
    try:
        url = urlsplit(urljoin(hop.url, location))
        host, port = (url.hostname or "").removesuffix("."), url.port
    except ValueError:
        return BadHop("its Location is no URL")
    if url.username is not None or url.password is not None:
        return BadHop("its Location holds a user name")
    own_port = settings.http_port if url.scheme == "http" else settings.tls_port
    if url.scheme not in ("http", "https"):
        return BadHop("it leads to a scheme other than http and https")
    port = DEFAULT_PORTS[url.scheme] if port is None else port
    if port not in (DEFAULT_PORTS[url.scheme], own_port):
        return BadHop(f"it leads to port {port}; only http on 80 and https on 443 are followed")
    if is_ip(host) and not is_ip(first_host):
        return BadHop("it leads to an IP address; only host names are followed")
    if not is_ip(host) and (len(host) > MAX_NAME or not HOST_NAME.fullmatch(host)):
        return BadHop("it leads to something that is no full host name")
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Hop("http" if url.scheme == "http" else "https", host, port, target)
