"""pkilint before any signature: what it refuses, that we ask it no less than stock, and that its absence stops all."""

import asyncio
import io
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from pkilint import validation

from acme_server.config_production import PRODUCTION_DEFAULTS
from acme_server.config_sections import Lint, Status
from acme_server.dev.postgres import EmbeddedPostgres
from ca import pkilint_pool
from ca.certificate import SERVER_AUTH, Issuer, to_be_signed
from ca.lint_report import FAULTS, Report, unsigned
from ca.pkilint_pool import PkilintPool
from ca.pkilint_walk import remember
from ca.pkilint_worker import LENGTH, NOT_LINTED, Linter, linters, serve
from ca.profiles import PROFILES, Profile, lifetime
from ca.signer_client import Precertified, Signed, SignerAway, SignRefused
from ca.signer_lint import Demands
from sql import Pool
from tests.ca.arrange import ISSUER, NOW, WANTED, certificate_of, record, spki_of
from tests.ca.test_signer import SECONDS, SIGNED, UNSIGNED, Bench

STOCK = validation.ValidatorContainer._validate_rec
INTERNAL = ("cabf.internal_domain_name",)  # our names end in .test
PUBLIC = msgspec.structs.replace(ISSUER, status_url="http://status.keiyaku.jp")
GOOD = msgspec.structs.replace(WANTED, names=("www.keiyaku.jp", "*.keiyaku.jp"))


def tbs_of(*, precertificate: bool = False, **changes: Any) -> bytes:
    """To-be-signed bytes that are right but for the changes."""
    wanted = msgspec.structs.replace(GOOD, precertificate=precertificate, **changes)
    return to_be_signed(PUBLIC, wanted)


FAULTY: list[tuple[str, bytes, str]] = [
    ("another policy", tbs_of().replace(bytes.fromhex("67810c010202"), bytes.fromhex("67810c010209")), "polic"),
    ("an RSA key of 1024 bits", tbs_of(spki_der=spki_of(rsa.generate_private_key(65537, 1024))), "rsa"),
    ("201 days", tbs_of(not_after=NOW + timedelta(days=200)), "validity"),
    ("an internal name", tbs_of(names=("www.demo.test",)), "cabf.internal_domain_name"),
    ("an address of a private network", tbs_of(names=("10.0.0.1",)), "cabf.internal_ip_address"),
    ("a label that is none", tbs_of(names=("a_b.keiyaku.jp",)), "dns"),
    ("no server", tbs_of().replace(SERVER_AUTH, bytes.fromhex("06082b06010505070304")), "eku"),
    ("half a certificate", tbs_of()[:200], NOT_LINTED),
    ("garbage", b"\x30\x03\x02\x01\x05", NOT_LINTED),
    ("nothing", b"", NOT_LINTED),
]


@pytest.fixture(scope="module")
def both() -> tuple[Linter, Linter]:
    """Linters of certificates and precertificates."""
    return linters()


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """They work as in a worker; stock pkilint afterwards."""
    remember()
    yield
    validation.ValidatorContainer._validate_rec = STOCK


def codes(report: Report) -> set[str]:
    return {one.code for one in report.findings if one.severity in FAULTS}


@pytest.mark.std("C-064", "C-067")
def test_what_is_right_passes_and_each_fault_is_found(both: tuple[Linter, Linter]) -> None:
    final, pre = both
    assert final.lint(tbs_of()).faults() == []
    assert pre.lint(tbs_of(precertificate=True)).faults() == []
    assert codes(pre.lint(tbs_of())), "a precertificate without poison"
    for name, tbs, says in FAULTY:
        found = codes(final.lint(tbs))
        assert any(says in code for code in found), (name, found)


@pytest.mark.std("C-064")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda each: each.name)
def test_of_what_the_demo_issues_nothing_else_is_found(both: tuple[Linter, Linter], profile: Profile) -> None:
    """`keiyaku dev` with the linter on issues as it stands; production ignores nothing."""
    demo = msgspec.structs.replace(ISSUER, status_url=str(Status().base_url))
    wanted = msgspec.structs.replace(WANTED, profile=profile, not_after=NOW + lifetime(profile, NOW))
    assert {"www.demo.test", "127.0.0.1", "::1"} < set(WANTED.names)
    for linter, precertificate in zip(both, (False, True), strict=True):
        tbs = to_be_signed(demo, msgspec.structs.replace(wanted, precertificate=precertificate))
        report = linter.lint(tbs)
        assert codes(report) == set(Lint().ignored)
        assert msgspec.structs.replace(report, ignored=Lint().ignored).faults() == []
        spoilt = tbs.replace(SERVER_AUTH, bytes.fromhex("06082b06010505070304"))
        assert msgspec.structs.replace(linter.lint(spoilt), ignored=Lint().ignored).faults() != []
    assert PRODUCTION_DEFAULTS["lint.ignored"] == ()


@pytest.mark.std("C-065")
def test_what_is_linted_is_signed_by_nobody() -> None:
    made = certificate_of(unsigned(tbs_of()))
    assert made.tbs_certificate_bytes == tbs_of()
    with pytest.raises(InvalidSignature):
        made.verify_directly_issued_by(certificate_of(ISSUER.certificate))
    assert unsigned(tbs_of())[-70:] == unsigned(tbs_of(precertificate=True))[-70:]


def test_a_worker_answers_in_order_until_its_input_ends(both: tuple[Linter, Linter]) -> None:
    messages = [tbs_of(), b"", tbs_of(precertificate=True)]
    sink = io.BytesIO()
    serve(io.BytesIO(b"".join(LENGTH.pack(len(one)) + one for one in messages)), sink, *both)
    answers, raw = [], sink.getvalue()
    while raw:
        size = LENGTH.unpack(raw[: LENGTH.size])[0]
        answers.append(msgspec.json.decode(raw[LENGTH.size : LENGTH.size + size], type=Report))
        raw = raw[LENGTH.size + size :]
    final, pre = both
    assert answers == [final.lint(messages[0]), final.lint(messages[1]), pre.lint(messages[2])]


async def test_processes_lint_share_by_share_and_are_started_again() -> None:
    pool = PkilintPool(2, INTERNAL, SECONDS, patience=None)
    await pool.start()
    try:
        internal = tbs_of(names=("www.demo.test",))
        subjects = [tbs_of(), internal, FAULTY[0][1], tbs_of(precertificate=True), b"\x30\x00"]
        reports = await pool.lint(subjects)
        assert [bool(one and one.faults()) for one in reports] == [False, False, True, False, True]
        first = pool.workers[0].process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
        assert all(await pool.lint(subjects))  # a process that died was not asked: another one is
        assert await pool.lint([]) == []
    finally:
        await pool.close()
    assert [worker.process for worker in pool.workers] == [None, None]


@pytest.fixture
async def bench(pool: Pool, postgres: EmbeddedPostgres, database: str, folder: Path, issuer: Issuer) -> Bench:
    return Bench(pool, postgres, database, folder, issuer)


@pytest.mark.std("C-064", "C-065", "C-124")
async def test_the_signer_signs_nothing_that_pkilint_refuses(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    good, pre = await bench.admitted(), record(bench.issuer, precertificate=True)
    await bench.admit(pre)
    linter = PkilintPool(1, INTERNAL, SECONDS, patience=None)
    async with bench.signer(demands=Demands(linter=linter)) as client:
        answers = await asyncio.gather(client.sign(good.id, SECONDS), client.sign(pre.id, SECONDS))
        assert answers == [Signed(), Precertified()]
        linter.ignored = ()
        row = await bench.admitted()
        answer = await client.sign(row.id, SECONDS)
        assert isinstance(answer, SignRefused)
        assert answer.reason.startswith("pkilint: cabf.internal_domain_name")
        assert await bench.state(row) == UNSIGNED
        for worker in linter.workers:
            await worker.end()
        monkeypatch.setattr(pkilint_pool, "MODULE", "tests.simulators.no_such_module")
        assert await client.sign(row.id, SECONDS) == SignerAway("the linter is away")
    assert await bench.state(good) == SIGNED
    rows = await bench.pool.fetch("SELECT kind, content FROM evidence.records WHERE kind ~ 'signed|lint' ORDER BY id")
    found = {row["kind"]: msgspec.json.decode(row["content"]) for row in rows if not row["kind"].startswith("crl")}
    assert found["certificate.signed"]["lint"]["tool"].startswith("pkilint ")
    assert found["precertificate.signed"]["lint"]["findings"] == ["ERROR cabf.internal_domain_name"]
    assert found["lint.refused"]["certificate_id"] == str(row.id)
    assert "cabf.internal_domain_name" in found["lint.refused"]["faults"][0]
