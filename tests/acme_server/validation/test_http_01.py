"""http-01 against a real web server and DNS server. Each refusal stands beside the same look without its fault."""

import asyncio
import socket

import msgspec
import pytest

from acme_server.protocol.errors import ErrorType
from acme_server.validation import http_01
from acme_server.validation.http_01 import is_expected
from acme_server.validation.http_message import first_hop
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import Behaviour, DnsSimulator
from tests.simulators.tls_alpn import challenge_certificate, server_context
from tests.simulators.web import Drip, Endless, Raw, Reply, Reset, Silent, WebSimulator, redirect

NAME = "www.demo.test"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
KEY_AUTHORIZATION = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
PATH = f"/.well-known/acme-challenge/{TOKEN}"
GOOD = Reply(body=KEY_AUTHORIZATION.encode())


class Site:
    """The simulators of a test, and the look at them."""

    def __init__(self, dns: DnsSimulator, web: WebSimulator, settings: ValidationSettings) -> None:
        self.dns, self.web = dns, web
        self.settings = msgspec.structs.replace(settings, http_port=web.port)
        self.resolver = Resolver([dns.address], lifetime=self.settings.dns_lifetime)

    async def look(self, name: str = NAME, **changed: object) -> Proven | NotProven:
        settings = msgspec.structs.replace(self.settings, **changed)
        return await http_01.look(name, TOKEN, KEY_AUTHORIZATION, self.resolver, settings)

    async def proven(self, name: str = NAME, **changed: object) -> Proven:
        outcome = await self.look(name, **changed)
        assert isinstance(outcome, Proven), outcome
        return outcome

    async def refused(self, type_: ErrorType, says: str, name: str = NAME, **changed: object) -> NotProven:
        outcome = await self.look(name, **changed)
        assert isinstance(outcome, NotProven), outcome
        assert outcome.type is type_, outcome
        assert says in outcome.detail
        return outcome


@pytest.fixture
async def site(dns: DnsSimulator, settings: ValidationSettings):  # type: ignore[no-untyped-def]
    """`www.demo.test` on 127.0.0.1, where the key authorization is served."""
    async with WebSimulator.start() as web:
        dns.add(NAME, "A", "127.0.0.1")
        web.on(PATH, GOOD)
        yield Site(dns, web, settings)


def test_the_first_request_goes_to_port_80_without_a_query() -> None:
    hop = first_hop(NAME, TOKEN, ValidationSettings(("ca.example",)).http_port)
    assert (hop.url, hop.port, hop.authority) == (f"http://{NAME}{PATH}", 80, NAME)


@pytest.mark.std("A-158")
async def test_look_gets_the_well_known_path(site: Site) -> None:
    outcome = await site.proven()
    (seen,) = site.web.seen
    assert (seen.method, seen.target) == ("GET", PATH)
    assert seen.headers["host"] == f"{NAME}:{site.web.port}"
    assert seen.headers["user-agent"].startswith("keiyaku")
    assert outcome.address == "127.0.0.1"
    assert outcome.detail == {
        "method": "http-01",
        "url": f"http://{NAME}:{site.web.port}{PATH}",
        "addresses": ["127.0.0.1"],
        "address": "127.0.0.1",
        "redirects": [],
    }


@pytest.mark.std("A-159")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (KEY_AUTHORIZATION, True),
        (KEY_AUTHORIZATION + "\r\n \t", True),
        (" " + KEY_AUTHORIZATION, False),
        ("\n" + KEY_AUTHORIZATION, False),
        ("\ufeff" + KEY_AUTHORIZATION, False),
        (KEY_AUTHORIZATION + "x", False),
        (KEY_AUTHORIZATION[:-1], False),
        (KEY_AUTHORIZATION.lower(), False),
        (TOKEN, False),
        (KEY_AUTHORIZATION + "\n" + KEY_AUTHORIZATION, False),
        ("", False),
    ],
)
def test_is_expected(body: str, expected: bool) -> None:
    assert is_expected(body.encode(), KEY_AUTHORIZATION) is expected


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_every_framing_of_the_body_is_read(site: Site, framing: str) -> None:
    site.web.on(PATH, Reply(body=KEY_AUTHORIZATION.encode() + b"\n", framing=framing))  # type: ignore[arg-type]
    await site.proven()


async def test_interim_responses_are_passed_over(site: Site) -> None:
    final = b"HTTP/1.1 200 OK\r\n\r\n" + KEY_AUTHORIZATION.encode()
    site.web.on(PATH, Raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + final))
    await site.proven()
    site.web.on(PATH, Raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + final))
    await site.refused(ErrorType.INCORRECT_RESPONSE, "only interim responses")


@pytest.mark.std("A-164", "A-165")
async def test_wrong_content_is_told_without_becoming_a_read_proxy(site: Site) -> None:
    await site.proven()
    site.web.on(PATH, Reply(body=b"<html>\x00\x1b" + b"s3cret" * 50))
    outcome = await site.refused(ErrorType.INCORRECT_RESPONSE, f"{NAME}:{site.web.port}{PATH} (127.0.0.1): expected")
    assert not outcome.temporary
    found = outcome.detail.split("found ")[1]
    assert found == '"<html>..' + ("s3cret" * 50)[:56] + '" (cut)'


@pytest.mark.std("C-024")
@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 410, 500, 503])
async def test_only_status_200_proves(site: Site, status: int) -> None:
    await site.proven()
    site.web.on(PATH, Reply(status, GOOD.body))
    await site.refused(ErrorType.UNAUTHORIZED, f"status {status}, expected 200")


@pytest.mark.std("A-160", "C-025")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_followed(site: Site, status: int) -> None:
    site.dns.add("other.demo.test", "A", "127.0.0.1")
    site.web.on(PATH, redirect(f"http://other.demo.test:{site.web.port}/there?x=1#part", status))
    site.web.on("/there?x=1", redirect("/again", status))
    site.web.on("/again", GOOD)
    outcome = await site.proven()
    assert [hop["url"] for hop in outcome.detail["redirects"]] == [
        f"http://other.demo.test:{site.web.port}/there?x=1",
        f"http://other.demo.test:{site.web.port}/again",
    ]
    assert [seen.headers["host"].split(":")[0] for seen in site.web.seen] == [
        NAME,
        "other.demo.test",
        "other.demo.test",
    ]


@pytest.mark.std("C-025")
@pytest.mark.parametrize("status", [300, 303, 305, 306])
async def test_other_redirects_are_not_followed(site: Site, status: int) -> None:
    site.web.on("/there", GOOD)
    site.web.on(PATH, redirect("/there", 301))
    await site.proven()
    site.web.on(PATH, redirect("/there", status))
    await site.refused(ErrorType.UNAUTHORIZED, f"status {status}")


@pytest.mark.std("C-025")
async def test_meta_refresh_is_not_followed(site: Site) -> None:
    site.web.on("/there", GOOD)
    site.web.on(PATH, Reply(200, b'<meta http-equiv="refresh" content="0;url=/there">', [("Refresh", "0;url=/there")]))
    await site.refused(ErrorType.INCORRECT_RESPONSE, "<meta")
    assert len(site.web.seen) == 1


@pytest.mark.std("A-160")
async def test_redirects_end_after_ten_hops(site: Site) -> None:
    site.web.on(PATH, redirect("/1"))
    for i in range(1, 11):
        site.web.on(f"/{i}", redirect(f"/{i + 1}"))
    site.web.on("/10", GOOD)
    await site.proven()
    site.web.on("/10", redirect("/11"))
    site.web.on("/11", GOOD)
    await site.refused(ErrorType.CONNECTION, "more than 10 redirects")


@pytest.mark.std("A-160")
async def test_a_loop_of_redirects_ends_at_once(site: Site) -> None:
    site.web.on(PATH, redirect("/a"))
    site.web.on("/a", redirect(PATH))
    await site.refused(ErrorType.CONNECTION, "form a loop")
    assert len(site.web.seen) == 2


@pytest.mark.std("A-162")
@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("http://www.demo.test:8080/x", "leads to port 8080"),
        ("https://www.demo.test:80/x", "leads to port 80"),
        ("http://www.demo.test:443/x", "leads to port 443"),
        ("http://www.demo.test:0/x", "leads to port 0"),
        ("ftp://www.demo.test/x", "scheme other than"),
        ("file:///etc/passwd", "scheme other than"),
        ("gopher://www.demo.test:80/x", "scheme other than"),
        ("http://127.0.0.1:{port}/there", "IP address"),
        ("http://[::1]:{port}/there", "IP address"),
        ("http://2130706433:{port}/there", "no full host name"),
        ("http://localhost:{port}/there", "no full host name"),
        ("http://a@www.demo.test:{port}/there", "user name"),
        ("http://www.demo.test:port/there", "no URL"),
        ("http://[::1/there", "no URL"),
        ("http://-a.demo.test:{port}/there", "no full host name"),
        ("", "Location is empty"),
        ("/th ere", "blanks"),
        ("/" + "x" * 2000, "more than 2000"),
    ],
)
async def test_redirects_elsewhere_are_refused(site: Site, location: str, says: str) -> None:
    site.web.on("/there", GOOD)
    site.web.on(PATH, redirect(f"http://www.demo.test:{site.web.port}/there"))
    await site.proven()
    site.web.on(PATH, redirect(location.format(port=site.web.port)))
    await site.refused(ErrorType.CONNECTION, says)
    assert len(site.web.seen) == 3


@pytest.mark.std("A-162")
async def test_https_hops_ignore_certificate_errors(site: Site) -> None:
    context = server_context(challenge_certificate(["expired.elsewhere.test"], None))
    async with WebSimulator.start(tls=context) as secure:
        secure.on("/there", GOOD)
        site.web.on(PATH, redirect(f"https://{NAME}:{secure.port}/there"))
        outcome = await site.proven(tls_port=secure.port)
        assert outcome.detail["redirects"][0]["url"] == f"https://{NAME}:{secure.port}/there"
        await site.refused(ErrorType.CONNECTION, f"leads to port {secure.port}", tls_port=443)


@pytest.mark.std("A-165")
async def test_an_https_hop_without_tls_is_a_tls_error(site: Site) -> None:
    async def answer_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        site.web.on(PATH, redirect(f"https://{NAME}:{port}/there"))
        await site.refused(ErrorType.TLS, "the TLS connection failed", tls_port=port)


@pytest.mark.std("A-161")
async def test_a_name_at_an_internal_address_is_not_dialled(site: Site) -> None:
    await site.proven()
    await site.refused(ErrorType.CONNECTION, "no public address: 127.0.0.1", allow_private=False)
    assert site.web.connections == 1


@pytest.mark.std("A-161")
@pytest.mark.parametrize("address", ["0.0.0.0", "169.254.169.254"])
async def test_a_redirect_to_an_internal_address_is_not_dialled(site: Site, address: str) -> None:
    """On Linux 0.0.0.0 would reach the very server that answers here."""
    site.web.on("/there", GOOD)
    site.web.on(PATH, redirect(f"http://trap.demo.test:{site.web.port}/there"))
    site.dns.add("trap.demo.test", "A", "127.0.0.1")
    await site.proven()
    site.dns.remove("trap.demo.test", "A")
    site.dns.add("trap.demo.test", "A", address)
    await site.refused(ErrorType.CONNECTION, f"trap.demo.test has no public address: {address}")
    assert site.web.connections == 3


@pytest.mark.std("A-161")
async def test_the_checked_address_is_the_one_dialled(site: Site) -> None:
    """A name that answers differently the second time (rebinding) is looked up once for each hop."""
    site.dns.remove(NAME, "A")
    site.dns.add(NAME, "A", "127.0.0.1")
    site.dns.add(NAME, "A", "0.0.0.0")
    outcome = await site.proven()
    assert outcome.address == "127.0.0.1"
    assert site.dns.asked("A") == [NAME]
    await site.refused(ErrorType.CONNECTION, "no public address: 0.0.0.0")


@pytest.mark.std("A-161")
async def test_permitted_addresses_beside_internal_ones_are_dialled(site: Site) -> None:
    site.dns.add(NAME, "AAAA", "fe80::1", "::ffff:127.0.0.1")
    outcome = await site.proven()
    assert outcome.address == "127.0.0.1"


@pytest.mark.std("A-163")
async def test_ipv6_is_tried_first(dns: DnsSimulator, settings: ValidationSettings) -> None:
    async with WebSimulator.start(hosts=("127.0.0.1", "::1")) as web:
        site = Site(dns, web, settings)
        web.on(PATH, GOOD)
        dns.add(NAME, "A", "127.0.0.1")
        dns.add(NAME, "AAAA", "::1")
        outcome = await site.proven()
        assert outcome.address == "::1"
        assert outcome.detail["addresses"] == ["::1", "127.0.0.1"]
        assert [seen.server for seen in web.seen] == ["::1"]
        web.on(PATH, Reply(404))
        await site.refused(ErrorType.UNAUTHORIZED, "(::1): status 404")
        assert [seen.server for seen in web.seen] == ["::1", "::1"]


@pytest.mark.std("A-163")
async def test_ipv4_follows_when_ipv6_cannot_be_connected(site: Site) -> None:
    site.dns.add(NAME, "AAAA", "::1")
    outcome = await site.proven()
    assert outcome.address == "127.0.0.1"
    site.dns.remove(NAME, "A")
    await site.refused(ErrorType.CONNECTION, f"::1 port {site.web.port}: connection refused")


@pytest.mark.std("A-165")
async def test_a_refused_connection_is_temporary(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = await site.refused(ErrorType.CONNECTION, "127.0.0.1 port", http_port=port)
    assert outcome.temporary


@pytest.mark.std("A-165")
@pytest.mark.parametrize(
    ("behaviour", "temporary"),
    [(Behaviour.SERVFAIL, True), (Behaviour.DROP, True), (Behaviour.NXDOMAIN, False), (Behaviour.BOGUS, False)],
)
async def test_failed_lookups_are_dns_errors(site: Site, behaviour: Behaviour, temporary: bool) -> None:
    await site.proven()
    site.dns.behave(NAME, behaviour)
    site.resolver = Resolver([site.dns.address], lifetime=0.1 if behaviour is Behaviour.DROP else 5)
    outcome = await site.refused(ErrorType.DNS, NAME)
    assert outcome.temporary is temporary


async def test_a_name_without_addresses_is_a_dns_error(site: Site) -> None:
    site.dns.remove(NAME, "A")
    site.dns.add(NAME, "TXT", '"x"')
    outcome = await site.refused(ErrorType.DNS, "no AAAA and no A record")
    assert not outcome.temporary


@pytest.mark.std("A-165")
@pytest.mark.parametrize("action", [Silent(), Drip()])
async def test_slow_servers_are_cut_off(site: Site, action: Silent | Drip) -> None:
    await site.proven()
    site.web.on(PATH, action)
    outcome = await site.refused(ErrorType.CONNECTION, "not finished in 0.3 s", timeout=0.3)
    assert outcome.temporary


@pytest.mark.std("A-164")
async def test_an_endless_body_is_not_read_on(site: Site) -> None:
    site.web.on(PATH, Endless())
    await site.refused(ErrorType.INCORRECT_RESPONSE, "found")


@pytest.mark.std("A-165")
@pytest.mark.parametrize(
    ("action", "type_", "says"),
    [
        (Reset(), ErrorType.CONNECTION, "broke off"),
        (Raw(b""), ErrorType.CONNECTION, "broke off"),
        (Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort"), ErrorType.CONNECTION, "broke off"),
        (Raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), ErrorType.INCORRECT_RESPONSE, "no HTTP/1 response"),
        (Raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000), ErrorType.INCORRECT_RESPONSE, "head over"),
        (
            Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            ErrorType.INCORRECT_RESPONSE,
            "wrongly chunked",
        ),
    ],
)
async def test_broken_responses_are_told_apart(site: Site, action: Reset | Raw, type_: ErrorType, says: str) -> None:
    await site.proven()
    site.web.on(PATH, action)
    await site.refused(type_, says)


@pytest.mark.std("A-203")
@pytest.mark.parametrize(("address", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_an_address_is_dialled_without_a_lookup(
    dns: DnsSimulator, settings: ValidationSettings, address: str, host: str
) -> None:
    async with WebSimulator.start(hosts=(address,)) as web:
        site = Site(dns, web, settings)
        web.on(PATH, redirect(f"http://{host}:{web.port}/there"))
        web.on("/there", GOOD)
        outcome = await site.proven(address)
        assert outcome.address == address
        assert [seen.headers["host"] for seen in web.seen] == [f"{host}:{web.port}"] * 2
        assert dns.queries == []
        await site.refused(ErrorType.CONNECTION, "no public address", address, allow_private=False)


async def test_the_server_name_of_an_https_hop_is_its_host(site: Site) -> None:
    names: list[str | None] = []
    context = server_context(challenge_certificate(["a.test"], None))
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    async with WebSimulator.start(tls=context) as secure:
        secure.on("/there", GOOD)
        site.web.on(PATH, redirect(f"https://{NAME}:{secure.port}/there"))
        await site.proven(tls_port=secure.port)
    assert names == [NAME]
