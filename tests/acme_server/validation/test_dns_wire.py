"""Our DNS messages against those of dnspython, and against bytes that nobody should send."""

import contextlib

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_server.validation.dns_wire import (
    MalformedMessage,
    RecordType,
    caa_fields,
    decode_answer,
    encode_name,
    encode_query,
    read_name,
    txt_value,
)

LABELS = st.lists(st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True), min_size=1, max_size=8)
WWW = encode_name("www.demo.test")


def response_to(rtype: RecordType, *answers: dns.rrset.RRset) -> bytes:
    query = dns.message.make_query("www.demo.test", rtype.name, use_edns=0)
    query.id = 7
    response = dns.message.make_response(query, recursion_available=True)
    response.answer.extend(answers)
    return response.to_wire()


def rrset(name: str, rtype: str, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, 60, "IN", rtype, *values)


@settings(deadline=None)
@given(LABELS, st.sampled_from([RecordType.A, RecordType.AAAA, RecordType.TXT, RecordType.CAA]), st.integers(0, 65535))
def test_encode_query_is_what_dnspython_writes(labels: list[str], rtype: RecordType, message_id: int) -> None:
    name = ".".join(labels)
    theirs = dns.message.make_query(name, rtype.name, want_dnssec=True, payload=1232)
    theirs.id, theirs.flags = message_id, dns.flags.RD | dns.flags.AD
    assert encode_query(message_id, encode_name(name), rtype) == theirs.to_wire()


@settings(deadline=None)
@given(st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=5, unique=True))
def test_decode_answer_reads_what_dnspython_writes(addresses: list[str]) -> None:
    alias = rrset("WWW.demo.test.", "CNAME", "host.demo.test.")
    wire = response_to(RecordType.A, alias, rrset("host.demo.test.", "A", *addresses))
    answer = decode_answer(wire, 7, WWW, RecordType.A)
    assert answer is not None
    assert {".".join(map(str, rdata)) for rdata in answer.rdatas} == set(addresses)


def test_decode_answer_takes_only_records_of_the_alias_chain() -> None:
    others = rrset("other.demo.test.", "A", "127.0.0.9"), rrset("www.demo.test.", "A", "127.0.0.1")
    answer = decode_answer(response_to(RecordType.A, *others), 7, WWW, RecordType.A)
    assert answer is not None
    assert answer.rdatas == [bytes((127, 0, 0, 1))]


def test_decode_answer_leaves_out_another_class() -> None:
    chaos = dns.rrset.from_text("www.demo.test.", 60, "CH", "TXT", '"x"')
    answer = decode_answer(
        response_to(RecordType.TXT, chaos, rrset("www.demo.test.", "TXT", '"y"')), 7, WWW, RecordType.TXT
    )
    assert answer is not None
    assert answer.rdatas == [b"\x01y"]


def test_decode_answer_refuses_a_loop_of_aliases() -> None:
    wire = response_to(
        RecordType.A, rrset("www.demo.test.", "CNAME", "b.test."), rrset("b.test.", "CNAME", "www.demo.test.")
    )
    with pytest.raises(MalformedMessage, match="loop"):
        decode_answer(wire, 7, WWW, RecordType.A)


@pytest.mark.parametrize(
    ("message_id", "qname", "rtype", "ours"),
    [
        (7, WWW, RecordType.A, True),
        (8, WWW, RecordType.A, False),
        (7, encode_name("www.demo.example"), RecordType.A, False),
        (7, WWW, RecordType.AAAA, False),
    ],
)
def test_decode_answer_is_none_for_another_query(message_id: int, qname: bytes, rtype: RecordType, ours: bool) -> None:
    wire = response_to(RecordType.A, rrset("www.demo.test.", "A", "127.0.0.1"))
    assert (decode_answer(wire, message_id, qname, rtype) is not None) is ours


def test_decode_answer_is_none_for_a_query() -> None:
    assert decode_answer(encode_query(7, WWW, RecordType.A), 7, WWW, RecordType.A) is None


@settings(deadline=None)
@given(st.data())
def test_decode_answer_survives_any_damage(data: st.DataObject) -> None:
    wire = bytearray(
        response_to(RecordType.A, rrset("www.demo.test.", "CNAME", "a.test."), rrset("a.test.", "A", "1.1.1.1"))
    )
    for _ in range(data.draw(st.integers(0, 6))):
        wire[data.draw(st.integers(12 + len(WWW) + 4, len(wire) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(wire[: data.draw(st.integers(0, len(wire)))])
    with contextlib.suppress(MalformedMessage):
        decode_answer(cut, 7, WWW, RecordType.A)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\xc0\x00", id="points at itself"),
        pytest.param(b"\xc0\x02\x00", id="points forward"),
        pytest.param(b"\x40abc\x00", id="unknown label type"),
        pytest.param(b"\x01a" * 130 + b"\x00", id="too many labels"),
    ],
)
def test_read_name_refuses(wire: bytes) -> None:
    assert read_name(b"\x01A\x00", 0) == (b"\x01a\x00", 3)
    with pytest.raises(MalformedMessage):
        read_name(wire, 0)


@pytest.mark.parametrize("name", ["", "a..b", "a" * 64 + ".test", ".".join(["a" * 60] * 5)])
def test_encode_name_refuses(name: str) -> None:
    with pytest.raises(MalformedMessage):
        encode_name(name)


def test_extended_errors_are_read() -> None:
    query = dns.message.make_query("www.demo.test", "A", use_edns=0)
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.SERVFAIL)
    options = [dns.edns.GenericOption(10, b"cookie__"), dns.edns.EDEOption(7, "expired")]
    response.use_edns(0, options=options)
    answer = decode_answer(response.to_wire(), query.id, WWW, RecordType.A)
    assert answer is not None
    assert (answer.rcode, answer.extended_errors) == (2, (7,))


@pytest.mark.std("A-169")
def test_txt_value_joins_strings() -> None:
    assert txt_value(b"\x03abc\x00\x02de") == b"abcde"
    with pytest.raises(MalformedMessage):
        txt_value(b"\x03abc\x05de")


def test_caa_fields() -> None:
    assert caa_fields(b"\x80\x05IssueCA.example") == (128, "issue", b"CA.example")
    for bad in (b"", b"\x00", b"\x00\x00x", b"\x00\x09issue", b"\x00\x02i ca"):
        with pytest.raises(MalformedMessage):
            caa_fields(bad)
