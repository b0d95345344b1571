"""The resolver against a real DNS server."""

import asyncio
import socket

import pytest

from acme_server.use_cases import readiness
from acme_server.validation.resolver import CaaRecord, CaaSet, DnsFailure, Resolver, Texts, nameserver_of
from tests.simulators.dns import Behaviour, DnsSimulator

NAME = "www.demo.test"


@pytest.mark.std("A-163")
async def test_addresses_gives_ipv6_first(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "A", "192.0.2.1")
    dns.add(NAME, "AAAA", "2001:db8::1")
    assert await resolver.addresses(NAME) == ["2001:db8::1", "192.0.2.1"]


@pytest.mark.std("A-169")
async def test_aliases_are_followed(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "CNAME", "a.demo.test.")
    dns.add("a.demo.test", "CNAME", "b.other.test.")
    dns.add("b.other.test", "A", "192.0.2.9")
    dns.add("b.other.test", "TXT", '"one" "two"', '"three"')
    assert await resolver.addresses(NAME) == ["192.0.2.9"]
    found = await resolver.txt(NAME)
    assert isinstance(found, Texts)
    assert sorted(found.values) == [b"onetwo", b"three"]  # an RRset has no order


async def test_caa_records(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "CAA", '0 issue "ca.example"', '128 ISSUEWILD ";"')
    found = await resolver.caa(NAME)
    assert isinstance(found, CaaSet)
    expected = [CaaRecord(0, "issue", b"ca.example"), CaaRecord(128, "issuewild", b";")]
    assert sorted(found.records, key=lambda r: r.tag) == expected


async def test_no_record_is_an_empty_list_and_no_name_a_failure(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "A", "192.0.2.1")
    assert await resolver.txt(NAME) == Texts([])
    missing = await resolver.txt("absent.demo.test")
    assert isinstance(missing, DnsFailure)
    assert (missing.kind, missing.temporary) == ("nxdomain", False)


@pytest.mark.std("C-037", "A-165")
@pytest.mark.parametrize(
    ("behaviour", "kind", "temporary", "queries"),
    [
        (Behaviour.SERVFAIL, "servfail", True, 2),
        (Behaviour.REFUSED, "refused", True, 2),
        (Behaviour.BOGUS, "bogus", False, 1),
        (Behaviour.NXDOMAIN, "nxdomain", False, 1),
        (Behaviour.GARBAGE, "malformed", False, 2),
        (Behaviour.TRUNCATE_ALWAYS, "malformed", False, 4),
    ],
)
async def test_failures_are_told_apart(
    dns: DnsSimulator, resolver: Resolver, behaviour: Behaviour, kind: str, temporary: bool, queries: int
) -> None:
    dns.add(NAME, "TXT", '"value"')
    assert await resolver.txt(NAME) == Texts([b"value"], ttl=60)
    dns.queries.clear()
    dns.behave(NAME, behaviour)
    failure = await resolver.txt(NAME)
    assert isinstance(failure, DnsFailure)
    assert (failure.kind, failure.temporary, len(dns.queries)) == (kind, temporary, queries)
    assert NAME in failure.detail


async def test_a_lookup_that_times_out(dns: DnsSimulator) -> None:
    dns.add(NAME, "TXT", '"value"')
    dns.behave(NAME, Behaviour.DROP)
    failure = await Resolver([dns.address], lifetime=0.1).txt(NAME)
    assert isinstance(failure, DnsFailure)
    assert (failure.kind, failure.temporary) == ("timeout", True)


@pytest.mark.std("C-047")
async def test_a_failed_lookup_is_retried(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "TXT", '"value"')
    dns.behave(NAME, Behaviour.FAIL_ONCE)
    assert await resolver.txt(NAME) == Texts([b"value"], ttl=60)
    assert len(dns.queries) == 2


async def test_a_truncated_answer_is_asked_for_over_tcp(dns: DnsSimulator, resolver: Resolver) -> None:
    values = [f'"{i:03}{"x" * 200}"' for i in range(40)]
    dns.add(NAME, "TXT", *values)
    dns.behave(NAME, Behaviour.TRUNCATE)
    found = await resolver.txt(NAME)
    assert isinstance(found, Texts)
    assert len(found.values) == 40
    assert dns.transports == ["udp", "tcp"]


async def test_forged_answers_are_passed_over(dns: DnsSimulator, resolver: Resolver) -> None:
    dns.add(NAME, "TXT", '"value"')
    dns.behave(NAME, Behaviour.SPOOFED)
    assert await resolver.txt(NAME) == Texts([b"value"], ttl=60)


async def test_the_next_nameserver_answers_for_a_dead_one(dns: DnsSimulator) -> None:
    dns.add(NAME, "TXT", '"value"')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{taken.getsockname()[1]}"
    assert await Resolver([dead, dns.address], lifetime=5).txt(NAME) == Texts([b"value"], ttl=60)
    failure = await Resolver([dead], lifetime=5).txt(NAME)
    assert isinstance(failure, DnsFailure)
    assert (failure.kind, failure.temporary) == ("unreachable", True)


@pytest.mark.std("C-037")
async def test_one_family_suffices_unless_the_other_is_bogus() -> None:
    """A server that fails AAAA only, as broken load balancers do."""
    for failing, expected in ((b"\x81\x82", ["192.0.2.1"]), (b"\x81\x80", ["192.0.2.1"])):
        async with _answering(lambda query, f=failing: _failing_aaaa(query, f, b"")) as address:
            assert await Resolver([address], lifetime=5).addresses(NAME) == expected
    bogus = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x06\x00\x0f\x00\x02\x00\x06"
    async with _answering(lambda query: _failing_aaaa(query, b"\x81\x82", bogus)) as address:
        failure = await Resolver([address], lifetime=5).addresses(NAME)
    assert isinstance(failure, DnsFailure)
    assert failure.kind == "bogus"


async def test_a_name_that_cannot_be_asked_for(resolver: Resolver, dns: DnsSimulator) -> None:
    failure = await resolver.txt("a..b")
    assert isinstance(failure, DnsFailure)
    assert failure.kind == "malformed"
    assert dns.queries == []


@pytest.mark.parametrize("text", ["127.0.0.1", "localhost:53", "::1:53x", "", "127.0.0.1:dns"])
def test_a_nameserver_is_an_address_and_port(text: str) -> None:
    assert nameserver_of("127.0.0.1:53") == ("127.0.0.1", 53)
    assert nameserver_of("[::1]:5353") == ("::1", 5353)
    with pytest.raises(ValueError, match="write address:port"):
        nameserver_of(text)


@pytest.mark.std("C-034")
@pytest.mark.parametrize(("flags", "validates"), [(b"\x81\xa0", True), (b"\x81\x80", False), (b"\x81\xa2", False)])
async def test_a_resolver_that_has_proven_the_root_validates(flags: bytes, validates: bool) -> None:
    """With AD; without; and a failure. Readiness asks so in production."""
    soa = b"\x00\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x16\x00\x00" + bytes(20)
    async with _answering(lambda query: query[:2] + flags + b"\0\1\0\1\0\0\0\0" + query[12:17] + soa) as address:
        asked = Resolver([address], lifetime=5)
        assert await asked.validates() is validates
        said = await readiness.resolver(asked)
        assert (said is None) is validates


def test_no_nameserver_is_refused() -> None:
    with pytest.raises(ValueError, match="no nameserver"):
        Resolver([])


def _failing_aaaa(query: bytes, flags: bytes, opt: bytes) -> bytes:
    """An A record; for AAAA only the flags, and the OPT record if given."""
    question = query[12 : 12 + len(NAME) + 2 + 4]
    if question[-4:-2] == b"\x00\x1c":
        return query[:2] + flags + b"\x00\x01\x00\x00\x00\x00" + (b"\x00\x01" if opt else b"\x00\x00") + question + opt
    record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
    return query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question + record


class _answering(asyncio.DatagramProtocol):  # noqa: N801
    """A UDP server that answers as a function of the query says; gives its address."""

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def]
        self._answer = answer

    async def __aenter__(self) -> str:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return f"127.0.0.1:{self._transport.get_extra_info('sockname')[1]}"

    async def __aexit__(self, *exc: object) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(data), addr)
