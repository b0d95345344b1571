"""A small authoritative and recursive-looking DNS server on UDP and TCP, whose zone a test writes.

async with DnsSimulator.start() as dns:
    dns.add("www.demo.test", "A", "127.0.0.1")
    dns.behave("slow.demo.test", Behaviour.DROP)
    Resolver([dns.address])
"""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

MAX_CHAIN = 20


class Behaviour(Enum):
    """How a name misbehaves, for every type."""

    SERVFAIL = auto()
    BOGUS = auto()  # SERVFAIL with the extended error of a failed DNSSEC validation
    NXDOMAIN = auto()
    REFUSED = auto()
    DROP = auto()  # no answer ever
    FAIL_ONCE = auto()  # SERVFAIL to the first query, then normal
    TRUNCATE = auto()  # TC over UDP, the answer over TCP
    TRUNCATE_ALWAYS = auto()
    GARBAGE = auto()  # bytes that are cut off in the middle of a record
    SPOOFED = auto()  # an answer with another id, another question first, then the right one


class DnsSimulator:
    """The zone and what was asked. Names without a trailing dot, in lower case."""

    def __init__(self) -> None:
        self._zone: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
        self._behaviours: dict[str, Behaviour] = {}
        self.queries: list[tuple[str, str]] = []  # name and type, in the order of arrival
        self.transports: list[str] = []  # "udp" or "tcp", beside `queries`
        self.address = ""

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator["DnsSimulator"]:
        """A running server on a free port of 127.0.0.1."""
        simulator = cls()
        udp, tcp = _sockets()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(simulator), sock=udp)
        server = await asyncio.start_server(simulator._serve_tcp, sock=tcp)
        simulator.address = f"127.0.0.1:{udp.getsockname()[1]}"
        try:
            yield simulator
        finally:
            transport.close()
            server.close()
            await server.wait_closed()

    def add(self, name: str, rtype: str, *values: str) -> None:
        """An RRset in presentation format. Added again, the first answers one query and the last all others."""
        self._zone[name, rtype].append(list(values))

    def remove(self, name: str, rtype: str) -> None:
        """The name has no such records any more."""
        self._zone.pop((name, rtype), None)

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """What the name does from now on."""
        self._behaviours[name] = behaviour

    def asked(self, rtype: str) -> list[str]:
        """Names asked for with a type, in order."""
        return [name for name, of in self.queries if of == rtype]

    def answers(self, wire: bytes, transport: str) -> list[bytes]:
        """The messages to send back."""
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        rtype = dns.rdatatype.to_text(query.question[0].rdtype)
        self.queries.append((name, rtype))
        self.transports.append(transport)
        good = self._answer(query, name, rtype)
        match self._behaviours.get(name):
            case None:
                return [good.to_wire(max_size=65535)]
            case Behaviour.DROP:
                return []
            case Behaviour.FAIL_ONCE:
                del self._behaviours[name]
                return [_failure(query, dns.rcode.SERVFAIL).to_wire()]
            case Behaviour.TRUNCATE if transport == "tcp":
                return [good.to_wire(max_size=65535)]
            case Behaviour.TRUNCATE | Behaviour.TRUNCATE_ALWAYS:
                return [_truncated(query).to_wire()]
            case Behaviour.GARBAGE:
                return [good.to_wire()[:-3]]
            case Behaviour.SPOOFED:
                return [*_forged(query), good.to_wire()]
            case Behaviour.BOGUS:
                failure = _failure(query, dns.rcode.SERVFAIL)
                failure.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS)])
                return [failure.to_wire()]
            case other:
                return [_failure(query, dns.rcode.from_text(other.name)).to_wire()]

    def _answer(self, query: dns.message.Message, name: str, rtype: str) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        for _ in range(MAX_CHAIN):
            if not (alias := self._zone.get((name, "CNAME"))):
                break
            response.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", alias[0][0]))
            name = alias[0][0].rstrip(".").lower()
        if versions := self._zone.get((name, rtype)):
            values = versions.pop(0) if len(versions) > 1 else versions[0]
            response.answer.append(dns.rrset.from_text(name + ".", 60, "IN", rtype, *values))
        elif not any(n == name or n.endswith("." + name) for n, _ in self._zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        for answer in self.answers(await reader.readexactly(length), "tcp"):
            writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, simulator: DnsSimulator) -> None:
        self._simulator = simulator

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in self._simulator.answers(data, "udp"):
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]


def _sockets() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one free port."""
    for _ in range(50):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp
    raise RuntimeError("no port is free for both UDP and TCP")


def _failure(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(rcode)
    return response


def _truncated(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response


def _forged(query: dns.message.Message) -> list[bytes]:
    """NXDOMAIN under another id, and under the right id for another question."""
    other_id = _failure(query, dns.rcode.NXDOMAIN)
    other_id.id = query.id ^ 1
    other_question = dns.message.make_query("elsewhere.test", "A")
    other_question.id = query.id
    return [other_id.to_wire(), _failure(other_question, dns.rcode.NXDOMAIN).to_wire()]
