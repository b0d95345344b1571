"""The resolver of `keiyaku dev`."""

from pathlib import Path

from acme_server.dev.stub_resolver import StubResolver
from acme_server.protocol.challenges import dns_value as expected_value
from acme_server.validation import dns_01
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import CaaSet, Texts
from acme_server.validation.settings import ValidationSettings

SETTINGS = ValidationSettings(("ca.example",), allow_private=True)


async def test_every_name_is_this_machine(tmp_path: Path) -> None:
    stub = StubResolver(tmp_path / "none.txt")
    assert await stub.addresses("www.demo.test") == ["127.0.0.1"]
    assert await stub.caa("www.demo.test") == CaaSet([])
    assert await stub.txt("www.demo.test") == Texts([])


async def test_txt_records_are_read_again_at_each_look(tmp_path: Path) -> None:
    file = tmp_path / "dev-dns.txt"
    stub = StubResolver(file)
    file.write_text(
        '# comment\n\nA.demo.test. TXT "one"\nb.demo.test TXT "two"\na.demo.test txt "three"\na.demo.test TXT four'
    )
    assert await stub.txt("a.demo.test") == Texts([b"one", b"three"])
    file.write_text('a.demo.test TXT "five"\n')
    assert await stub.txt("a.demo.test") == Texts([b"five"])


async def test_a_line_in_the_file_answers_dns_01(tmp_path: Path) -> None:
    file = tmp_path / "dev-dns.txt"
    stub = StubResolver(file)
    assert isinstance(await dns_01.look("*.demo.test", "token.thumbprint", stub, SETTINGS), NotProven)
    file.write_text(f'_acme-challenge.demo.test TXT "{expected_value("token.thumbprint")}"\n')
    assert isinstance(await dns_01.look("*.demo.test", "token.thumbprint", stub, SETTINGS), Proven)
