"""Lookups through our own validating resolver. A-170, C-034: DNSSEC is validated there; a bogus answer fails here.

Each query leaves from a socket and port of its own, which only its nameserver can answer.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from acme_server.validation import dns_wire
from acme_server.validation.dns_wire import Answer, MalformedMessage, RecordType

ROUNDS = 2  # so every failure told has been retried at least once (C-047)
MAX_MESSAGE = 65_535
# What an extended error beside SERVFAIL says (RFC 8914 §4), in the resolver's own order of precedence.
DNSSEC_ERRORS: Mapping[int, str] = {
    1: "no signature has an algorithm that is supported",
    2: "no DS record has a digest that is supported",
    5: "the chain of trust cannot be followed to its end",
    6: "the answer is bogus",
    7: "a signature has expired",
    8: "a signature is not valid yet",
    9: "no valid DNSKEY matches the DS records of the parent zone",
    10: "signatures are missing",
    11: "the DNSKEY is no zone key",
    12: "the proof that nothing is there is missing",
    27: "its NSEC3 records have too many iterations",
}
NETWORK_ERRORS: Mapping[int, str] = {
    22: "no nameserver of the zone can be reached",
    23: "the nameservers of the zone cannot be reached over the network",
}


class DnsFailure(msgspec.Struct, frozen=True):
    """A lookup without an answer. `detail` is fit for the client."""

    kind: Literal["nxdomain", "timeout", "servfail", "bogus", "refused", "malformed", "unreachable"]
    detail: str

    @property
    def temporary(self) -> bool:
        """Whether the same question may be answered soon."""
        return self.kind in ("timeout", "servfail", "refused", "unreachable")


Found = Answer | DnsFailure


class Texts(msgspec.Struct, frozen=True):
    """TXT records, strings joined. `authentic`: proven by DNSSEC; `ttl`: for how many seconds the zone says so."""

    values: list[bytes]
    authentic: bool = False
    ttl: int = 0


class CaaRecord(msgspec.Struct, frozen=True):
    """One CAA record; `tag` is in lower case (C-045)."""

    flags: int
    tag: str
    value: bytes


class CaaSet(msgspec.Struct, frozen=True):
    """The CAA records of a name. `authentic`: they, or that there are none, are proven by DNSSEC."""

    records: list[CaaRecord]
    authentic: bool = False


class Lookups(Protocol):
    """What the looks need of DNS. Nothing found: the name exists, or may exist, and has no such record."""

    async def addresses(self, name: str) -> list[str] | DnsFailure: ...
    async def txt(self, name: str) -> Texts | DnsFailure: ...
    async def caa(self, name: str) -> CaaSet | DnsFailure: ...


class Resolver:
    """Asks the nameservers in turn, twice, over UDP, and over TCP when an answer is truncated."""

    def __init__(self, nameservers: Sequence[str], lifetime: float = 5.0) -> None:
        """`nameservers` are "address:port", IPv6 in brackets; a lookup takes at most `lifetime` seconds."""
        if not nameservers:
            raise ValueError("no nameserver is set: name at least one as address:port")
        self._nameservers = [nameserver_of(text) for text in nameservers]
        self._try_timeout = lifetime / (ROUNDS * len(self._nameservers))

    async def addresses(self, name: str) -> list[str] | DnsFailure:
        """IPv6 addresses, then IPv4 ones. One family suffices, unless the answer for the other is bogus (C-037)."""
        answers = await self._lookup(name, RecordType.AAAA, RecordType.A)
        failures = [a for a in answers if isinstance(a, DnsFailure)]
        found = [text for a in answers if isinstance(a, Answer) for r in a.rdatas if (text := address_text(r))]
        for failure in failures:
            if not found or failure.kind == "bogus":
                return failure
        return found

    async def txt(self, name: str) -> Texts | DnsFailure:
        """The TXT records of the name or of what it is an alias for, strings joined. A-169."""
        (answer,) = await self._lookup(name, RecordType.TXT)
        if isinstance(answer, DnsFailure):
            return answer
        try:
            return Texts([dns_wire.txt_value(r) for r in answer.rdatas], answer.authentic, answer.ttl)
        except MalformedMessage as fault:
            return _malformed(name, fault)

    async def caa(self, name: str) -> CaaSet | DnsFailure:
        """The CAA records of the name or of what it is an alias for. C-041."""
        (answer,) = await self._lookup(name, RecordType.CAA)
        if isinstance(answer, DnsFailure):
            return answer
        try:
            return CaaSet([CaaRecord(*dns_wire.caa_fields(r)) for r in answer.rdatas], answer.authentic)
        except MalformedMessage as fault:
            return _malformed(name, fault)

    async def validates(self) -> bool:
        """Whether the resolver answers and has proven the root zone by DNSSEC. C-034."""
        (answer,) = await self._lookup(".", RecordType.SOA)
        return isinstance(answer, Answer) and answer.authentic and bool(answer.rdatas)

    async def _lookup(self, name: str, *rtypes: RecordType) -> list[Found]:
        """What was found of each type, asked for side by side."""
        try:
            qname = dns_wire.encode_name(name)
        except MalformedMessage as fault:
            return [_malformed(name, fault)] * len(rtypes)
        found: dict[RecordType, Found] = {
            t: DnsFailure("timeout", f"DNS lookup of {t.name} of {name} timed out") for t in rtypes
        }
        for nameserver in self._nameservers * ROUNDS:
            try:
                async with asyncio.timeout(self._try_timeout):
                    async for rtype, answer in _ask(nameserver, name, qname, _unsettled(found)):
                        found[rtype] = answer
            except TimeoutError:
                continue
            except OSError:
                said = f"DNS lookup of {name} failed: the resolver cannot be reached"
                found |= {t: DnsFailure("unreachable", said) for t in _unsettled(found)}
            if not _unsettled(found):
                break
        return list(found.values())


def _unsettled(found: Mapping[RecordType, Found]) -> list[RecordType]:
    """Types for which another nameserver, or the same one again, may have an answer."""
    return [t for t, f in found.items() if isinstance(f, DnsFailure) and (f.temporary or f.kind == "malformed")]


def nameserver_of(text: str) -> tuple[str, int]:
    """Address and port. Raises ValueError, saying what to write."""
    host, _, port = text.rpartition(":")
    try:
        return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), int(port)
    except ValueError:
        raise ValueError(f"nameserver {text!r}: write address:port, such as 127.0.0.1:53 or [::1]:53") from None


def _judged(answer: Answer, what: str) -> Found:
    """The records, or what the response code says. C-037."""
    match answer.rcode:
        case 0:
            return answer
        case 3:
            return DnsFailure("nxdomain", f"DNS lookup of {what}: the name does not exist (NXDOMAIN)")
        case 2 if why := _why(answer, DNSSEC_ERRORS):
            return DnsFailure("bogus", f"DNS lookup of {what}: DNSSEC validation failed: {why}")
        case 2:
            why = _why(answer, NETWORK_ERRORS) or "the nameservers of the zone fail"
            return DnsFailure("servfail", f"DNS lookup of {what}: {why} (SERVFAIL)")
        case 5:
            return DnsFailure("refused", f"DNS lookup of {what} was refused (REFUSED)")
        case code:
            return DnsFailure("malformed", f"DNS lookup of {what} ended with response code {code}")


def _why(answer: Answer, meanings: Mapping[int, str]) -> str:
    """What the extended errors of these mean, most telling last; the resolver's own words are not for strangers."""
    found = [
        f"{meaning} (extended error {code})" for code, meaning in meanings.items() if code in answer.extended_errors
    ]
    return found[-1] if found else ""


def _malformed(name: str, fault: MalformedMessage) -> DnsFailure:
    return DnsFailure("malformed", f"DNS answer for {name} cannot be read: {fault}")


def address_text(rdata: bytes) -> str | None:
    """The address of an A or AAAA record; None for RDATA of another length."""
    family = {4: socket.AF_INET, 16: socket.AF_INET6}.get(len(rdata))
    return socket.inet_ntop(family, rdata) if family else None


async def _ask(
    nameserver: tuple[str, int], name: str, qname: bytes, rtypes: Sequence[RecordType]
) -> AsyncIterator[tuple[RecordType, Found]]:
    """What one nameserver has of each type, as it comes. Raises OSError."""
    first_id = int.from_bytes(os.urandom(2), "big")
    waiting = {first_id ^ i: rtype for i, rtype in enumerate(rtypes)}
    loop = asyncio.get_running_loop()
    with socket.socket(_family(nameserver), socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(nameserver)
        for message_id, rtype in waiting.items():
            sock.send(dns_wire.encode_query(message_id, qname, rtype))
        while waiting:
            message = await loop.sock_recv(sock, MAX_MESSAGE)
            message_id = int.from_bytes(message[:2], "big")
            asked = waiting.get(message_id)
            if asked is None:
                continue  # an answer to something else is not ours
            try:
                answer = dns_wire.decode_answer(message, message_id, qname, asked)
                if answer is None:
                    continue
                if answer.truncated:
                    answer = await _asked_over_tcp(nameserver, message_id, qname, asked)
                found = _judged(answer, f"{asked.name} of {name}")
            except MalformedMessage as fault:
                found = _malformed(name, fault)
            del waiting[message_id]
            yield asked, found


async def _asked_over_tcp(nameserver: tuple[str, int], message_id: int, qname: bytes, rtype: RecordType) -> Answer:
    message = await _exchange_tcp(nameserver, dns_wire.encode_query(message_id, qname, rtype))
    answer = dns_wire.decode_answer(message, message_id, qname, rtype)
    if answer is None or answer.truncated:
        raise MalformedMessage("the answer over TCP is truncated or another's")
    return answer


async def _exchange_tcp(nameserver: tuple[str, int], query: bytes) -> bytes:
    """The answer over TCP. RFC 7766."""
    reader, writer = await asyncio.open_connection(*nameserver)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise MalformedMessage("the answer over TCP is cut off") from None
    finally:
        writer.close()


def _family(nameserver: tuple[str, int]) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in nameserver[0] else socket.AF_INET
