"""A bundle of a certificate that the running server issued; then each part of it changed, cut, taken away or added."""

import os
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from acme_server import bundle_files, checkpoint_file
from acme_server.bundle_files import BundleUnusable
from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.sealer import take_over
from ca import storage as ca
from contract_gate.evidence import Checkpoint
from office.use_cases import bundle
from office.use_cases.asked import Unfit
from office.use_cases.bundle import Draft, Part, Parts
from office.use_cases.bundle_verify import Fault, consistency, verify
from sql import Conn
from tests.acme_server.client import leaf
from tests.acme_server.conftest import Served
from tests.acme_server.edge.test_transparency import logging
from tests.simulators.ct_log import three

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "www.demo.test"


class Bundler:
    """A server that has issued one certificate, and its sealer."""

    def __init__(self, served: Served, operator: Conn, sealer: Conn, file: Path) -> None:
        self.served, self.operator, self.seal_conn, self.file = served, operator, sealer, file
        self.serial = ""

    async def issue(self) -> None:
        client = await self.served.registered()
        self.serial = f"{leaf(await client.certificate(NAME)).serial_number:032x}"

    async def draft(self) -> Draft:
        return await bundle.draft(self.operator, self.serial, "operator", utc_now())

    async def seal(self) -> None:
        sealer = await take_over(self.seal_conn, KEY, self.file)
        assert sealer is not None
        await sealer.run_once(utc_now())

    def checkpoints(self) -> list[Checkpoint | None]:
        return list(checkpoint_file.read(self.file, os.stat(self.file).st_size))

    async def whole(self) -> Parts:
        made = await self.draft()
        await self.seal()
        parts = bundle.finished(made, self.checkpoints())
        assert parts is not None
        return parts


@pytest.fixture
async def bundler(served: Served, postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> AsyncIterator[Bundler]:
    operator = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    sealer = await asyncpg.connect(postgres.dsn("keiyaku_seal", database))
    made = Bundler(served, operator, sealer, tmp_path / "checkpoints.jsonl")
    await made.issue()
    yield made
    await operator.close()
    await sealer.close()


def again(parts: Parts) -> Parts:
    """The manifest and its digests made anew, as a forger would."""
    manifest = msgspec.json.decode(parts[bundle.MANIFEST], type=bundle.Manifest)
    rest = {name: one for name, one in parts.items() if name != bundle.MANIFEST}
    inner = {name: one for name, one in rest.items() if name != bundle.EVIDENCE}
    listed = {name: Part(sha256(one).hexdigest(), len(one)) for name, one in rest.items()}
    made = msgspec.structs.replace(manifest, parts=listed, sealed=bundle.digest_of(inner))
    return rest | {bundle.MANIFEST: bundle.shown(made)}


def subjects(faults: list[Fault]) -> set[str]:
    return {fault.subject for fault in faults}


@pytest.mark.std("C-167", "C-169", "C-170")
async def test_a_bundle_is_whole_and_each_changed_part_is_named(bundler: Bundler) -> None:
    parts = await bundler.whole()
    assert verify(parts, KEY.public_key(), bundler.checkpoints()) == []
    assert {
        "request.json", "contract.json", "consent.json", "review.json", "payment.json", "validation.json", "lint.json",
        "decision-1.json", "decision-1-facts.json", "decision-2.json", "certificate.der", "issuer-1.der",
        "issuer-2.der", "index.html", "evidence.json", "manifest.json",
    } <= parts.keys()  # fmt: skip
    kinds = {row["kind"] for row in msgspec.json.decode(parts["evidence.json"])["rows"]}
    assert {"account.created", "gate.decided", "authorization.validated", "certificate.signed", "review.recorded",
            "contract.accepted", "certificate.bundled"} <= kinds  # fmt: skip
    seen = msgspec.json.decode(parts["validation.json"])
    assert [(one["domain"], one["method"], one["section"]) for one in seen] == [(NAME, "http-01", "3.2.2.4.19")]
    for row in msgspec.json.decode(parts["evidence.json"])["rows"]:
        assert "" not in (row["recorded_at"], row["actor"], row["kind"]), row
    for name, content in parts.items():
        changed = content[:-3] + b" " + content[-2:] if content[-3:-2] != b" " else content[:-3] + b"x" + content[-2:]
        wrong = verify(parts | {name: changed}, KEY.public_key())
        assert name == bundle.MANIFEST or Fault(name, "changed") in wrong, name
        if name != bundle.MANIFEST:
            assert Fault(name, f"truncated: {len(content) - 1} of {len(content)} octets") in verify(
                parts | {name: content[:-1]}, KEY.public_key()
            )
        assert Fault(name, "missing") in verify({n: c for n, c in parts.items() if n != name}, KEY.public_key())
    assert Fault("more.txt", "added") in verify(parts | {"more.txt": b""}, KEY.public_key())


@pytest.mark.rule("T27-1")
async def test_whoever_makes_the_manifest_anew_is_found(bundler: Bundler) -> None:
    parts = await bundler.whole()
    sealed_parts = [name for name in parts if name not in (bundle.MANIFEST, bundle.EVIDENCE)]
    assert verify(again(parts), KEY.public_key()) == []
    for name in sealed_parts:
        assert subjects(verify(again(parts | {name: parts[name] + b" "}), KEY.public_key())) == {"bundle"}, name
    evidence = msgspec.json.decode(parts[bundle.EVIDENCE], type=bundle.Evidence)
    row, one = evidence.rows[0], evidence.checkpoints[0]
    replace: Callable[..., bundle.Evidence] = msgspec.structs.replace
    for forged, subject in (
        (replace(evidence, rows=[msgspec.structs.replace(row, actor="x"), *evidence.rows[1:]]), f"row {row.id}"),
        (replace(evidence, rows=[msgspec.structs.replace(row, checkpoint=99), *evidence.rows[1:]]), f"row {row.id}"),
        (
            replace(evidence, checkpoints=[
                msgspec.structs.replace(one, sealed_at=one.sealed_at + timedelta(days=1)), *evidence.checkpoints[1:]]),
            f"checkpoint {one.number}",
        ),
    ):  # fmt: skip
        assert subject in subjects(verify(again(parts | {bundle.EVIDENCE: bundle.shown(forged)}), KEY.public_key()))
    for gone in ("gate.decided", "authorization.validated", "certificate.signed", "certificate.bundled"):
        left = replace(evidence, rows=[r for r in evidence.rows if r.kind != gone])
        assert verify(again(parts | {bundle.EVIDENCE: bundle.shown(left)}), KEY.public_key()), gone
    stranger = Ed25519PrivateKey.generate().public_key()
    assert f"checkpoint {one.number}" in subjects(verify(parts, stranger))
    assert subjects(verify(parts, KEY.public_key(), [])) == {f"checkpoint {c.number}" for c in evidence.checkpoints}


@pytest.mark.std("C-169")
async def test_a_sealed_bundle_that_does_not_allow_the_certificate_is_found(bundler: Bundler) -> None:
    """As if whoever holds the sealer's key had made it so."""
    parts = await bundler.whole()
    evidence = msgspec.json.decode(parts[bundle.EVIDENCE], type=bundle.Evidence)
    assert consistency(parts, evidence) == []
    facts, decided = parts["decision-2-facts.json"], parts["decision-2.json"]
    held = re.sub(rb'"held" ?: ?false', b'"held":true', facts)
    for change, subject, what in (
        ({"decision-2-facts.json": held}, "decision-2.json", "not those of the row"),
        ({"decision-2-facts.json": held}, "decision-2.json", "made again"),
        ({"decision-2-facts.json": b"{"}, "bundle", "cannot be read"),
        ({"decision-2.json": decided.replace(NAME.encode(), b"else.demo.test")}, "certificate.der", "not within"),
        ({"decision-2.json": decided.replace(NAME.encode(), b"else.demo.test")}, "validation.json", "else.demo.test"),
        ({"certificate.der": parts["issuer-1.der"]}, "bundle", "cannot be read"),
        ({"certificate.der": parts["certificate.der"][:-1]}, "bundle", "cannot be read"),
        ({"issuer-1.der": parts["issuer-2.der"]}, "certificate.der", "chain breaks"),
    ):
        assert [one for one in consistency(parts | change, evidence) if one.subject == subject and what in one.what], (
            what
        )
    none = {name: one for name, one in parts.items() if not name.startswith("decision-")}
    assert Fault("decision-1.json", "missing") in consistency(none, evidence)
    for gone in ("gate.decided", "authorization.validated", "certificate.signed"):
        left = msgspec.structs.replace(evidence, rows=[row for row in evidence.rows if row.kind != gone])
        assert len(consistency(parts, left)) == (2 if gone == "gate.decided" else 1), gone


@pytest.mark.std("C-125", "C-169")
async def test_precertificate_and_scts_are_part_of_the_bundle(bundler: Bundler, tmp_path: Path) -> None:
    async with logging(bundler.served, three([], utc_now), tmp_path / "logs.json"):
        await bundler.issue()
        parts = await bundler.whole()
    assert len(msgspec.json.decode(parts["scts.json"])) == 3
    kinds = {row["kind"] for row in msgspec.json.decode(parts["evidence.json"])["rows"]}
    assert {"precertificate.signed", "scts.recorded", "certificate.signed"} <= kinds
    assert verify(parts, KEY.public_key(), bundler.checkpoints()) == []
    evidence = msgspec.json.decode(parts[bundle.EVIDENCE], type=bundle.Evidence)
    swapped = parts | {"precertificate.der": parts["certificate.der"]}
    assert Fault("precertificate.der", "no row precertificate.signed names it") in consistency(swapped, evidence)


@pytest.mark.rule("T16-3")
async def test_a_bundle_waits_for_its_seal_and_names_nobody(bundler: Bundler) -> None:
    made = await bundler.draft()
    assert bundle.finished(made, []) is None
    parts = await bundler.whole()
    everything = b"".join(parts.values()).decode("utf-8", "replace")
    names = await bundler.served.owner.fetch("SELECT name FROM gate.persons")
    assert [row["name"] for row in names if row["name"] in everything] == []
    assert len(names) == 2


async def test_revocation_is_part_of_the_bundle(bundler: Bundler) -> None:
    with pytest.raises(Unfit, match="there is no certificate"):
        await bundle.draft(bundler.operator, "01" * 16, "operator", utc_now())
    now = utc_now()
    shard = await ca.revoke(
        bundler.served.owner, bytes.fromhex(bundler.serial), reason=4, ground="superseded", requested_by="operator",
        requested_at=now, now=now,
    )  # fmt: skip
    assert shard is not None
    parts = await bundler.whole()
    assert msgspec.json.decode(parts["revocation.json"])["reason"] == 4
    assert "certificate.revoked" in {row["kind"] for row in msgspec.json.decode(parts["evidence.json"])["rows"]}
    assert verify(parts, KEY.public_key()) == []


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_folders_and_zips_hold_the_same(tmp_path: Path, name: str) -> None:
    parts = {"manifest.json": b"{}", "a.der": bytes(300)}
    bundle_files.write(tmp_path / name, parts)
    assert bundle_files.read(tmp_path / name) == parts
    with pytest.raises(BundleUnusable, match="nothing is written"):
        bundle_files.write(tmp_path / name, parts)


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(BundleUnusable, match="no bundle"):
        bundle_files.read(tmp_path / "x.zip")
