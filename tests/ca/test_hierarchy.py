import stat
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from acme_server.dev.postgres import EmbeddedPostgres
from ca import hierarchy, keys, storage
from ca.der import split
from ca.hierarchy import AlreadyThere
from sql import Pool
from tests.ca.arrange import ALTERNATES, ISSUING, NAMES, NOW, PASSPHRASE, ROOT, certificate_of

ROOTS = (ROOT, *ALTERNATES)


@pytest.mark.std("C-115", "C-116")
@pytest.mark.parametrize("root", ROOTS)
def test_root(root: hierarchy.Made) -> None:
    made = certificate_of(root.issuer.certificate)
    made.verify_directly_issued_by(made)
    lifetime = made.not_valid_after_utc - made.not_valid_before_utc + timedelta(seconds=1)
    assert timedelta(days=2922) <= lifetime <= timedelta(days=9132)
    assert [extension.oid for extension in made.extensions] == [
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ]
    assert [attribute.oid._name for attribute in made.subject] == ["countryName", "organizationName", "commonName"]


def cross(root: hierarchy.Made) -> x509.Certificate:
    return certificate_of(hierarchy.cross_certificate(ISSUING, root, NOW))


@pytest.mark.std("C-114", "C-115", "C-179")
@pytest.mark.parametrize(
    ("made", "root"),
    [(certificate_of(ISSUING.issuer.certificate), ROOT), *((cross(root), root) for root in ALTERNATES)],
)
def test_issuing_ca_and_its_cross_certificates(made: x509.Certificate, root: hierarchy.Made) -> None:
    made.verify_directly_issued_by(certificate_of(root.issuer.certificate))
    assert [(extension.oid._name, extension.critical) for extension in made.extensions] == [
        ("basicConstraints", True),
        ("keyUsage", True),
        ("extendedKeyUsage", False),
        ("certificatePolicies", False),
        ("subjectKeyIdentifier", False),
        ("authorityKeyIdentifier", False),
        ("authorityInfoAccess", False),
        ("cRLDistributionPoints", False),
    ]
    find = made.extensions.get_extension_for_class
    assert (find(x509.BasicConstraints).value.ca, find(x509.BasicConstraints).value.path_length) == (True, 0)
    usage = find(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert list(find(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert find(x509.AuthorityKeyIdentifier).value.key_identifier == root.issuer.key_id
    points = find(x509.CRLDistributionPoints).value
    assert [name.value for name in points[0].full_name or []] == [root.issuer.crl_url(0)]
    assert made.subject == certificate_of(ISSUING.issuer.certificate).subject
    assert made.public_key() == certificate_of(ISSUING.issuer.certificate).public_key()


@pytest.mark.std("C-133", "C-168")
async def test_init(pool: Pool, postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> None:
    operator = postgres.dsn(user="keiyaku_operator", database=database)
    issuer = await hierarchy.init(tmp_path / "keys", operator, PASSPHRASE, NAMES, NOW, shard_count=3)
    async with pool.acquire() as conn:
        assert (await storage.active_issuer(conn, NOW)).issuer == issuer
        rows = await conn.fetch(
            "SELECT id, kind, parent_id, issues_from, certificate, spki_sha256 FROM ca.issuers ORDER BY id"
        )
        assert [tuple(row)[:4] for row in rows] == [
            (0, "root", None, None),
            (1, "issuing", 0, NOW),
            (2, "root", None, None),
            (3, "root", None, None),
        ]
        for row in rows:
            path = hierarchy.key_file(tmp_path / "keys", row["id"])
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert sha256(keys.load(path, PASSPHRASE).spki).digest() == row["spki_sha256"]
        crls = await conn.fetch("SELECT issuer_id, shard, der FROM ca.crls WHERE number = 1 ORDER BY 1, 2")
        assert [(row["issuer_id"], row["shard"]) for row in crls] == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]
        for row in crls:
            certificate = certificate_of(rows[row["issuer_id"]]["certificate"])
            assert x509.load_der_x509_crl(row["der"]).is_signature_valid(certificate.public_key())  # type: ignore[arg-type]
        chains = await conn.fetch("SELECT chain FROM ca.cross_certificates ORDER BY id")
        for row, root in zip(chains, rows[2:], strict=True):
            made, anchor = map(certificate_of, split(row["chain"]))
            made.verify_directly_issued_by(anchor)
            assert anchor.public_bytes(Encoding.DER) == root["certificate"]
        assert await conn.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'issuer.made'") == 4


async def test_init_twice_changes_nothing(
    pool: Pool, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    dsn = postgres.dsn(user="keiyaku_operator", database=database)
    await hierarchy.init(tmp_path / "keys", dsn, PASSPHRASE, NAMES, NOW)
    before = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    with pytest.raises(AlreadyThere, match="the database has a CA already"):
        await hierarchy.init(tmp_path / "keys", dsn, PASSPHRASE, NAMES, NOW)
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before


async def test_init_beside_foreign_keys_makes_nothing(
    pool: Pool, postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    foreign = hierarchy.key_file(tmp_path, 2)
    foreign.write_text("precious")
    with pytest.raises(AlreadyThere, match=r"issuer-2\.key\.pem exists already"):
        await hierarchy.init(tmp_path, postgres.dsn(user="keiyaku_operator", database=database), PASSPHRASE, NAMES, NOW)
    assert [path.name for path in tmp_path.iterdir()] == [foreign.name]
    assert await pool.fetchval("SELECT count(*) FROM ca.issuers") == 0
