"""What relying parties see: openssl with the CRL at the address inside the certificate."""

import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.acceptance.clients import Finished, Lego, leaf, run
from tests.acceptance.dev import Dev

REVOKED_SHOWS_WITHIN = 20.0  # seconds


def crl_url(certificate: x509.Certificate) -> str:
    """Where the CRL of the certificate is."""
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    [name] = points[0].full_name or []
    return str(name.value)


def issuer_url(certificate: x509.Certificate) -> str:
    """Where the issuer's certificate is."""
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    [found] = [each for each in access if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    return str(found.access_location.value)


def verify(dev: Dev, chain: Path, crl: x509.CertificateRevocationList) -> Finished:
    """openssl's verdict on the chain under the demo root, with the CRL."""
    folder = chain.parent
    (folder / "root.pem").write_bytes(dev.fetch(dev.url("management", "/roots/0")))
    (folder / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    words = ["-CAfile", "root.pem", "-CRLfile", "crl.pem", "-crl_check", "-x509_strict", "-purpose", "sslserver"]
    return run(["openssl", "verify", *words, "-untrusted", chain, chain], folder)


def test_openssl_accepts_a_certificate_until_it_is_revoked(dev: Dev, tmp_path: Path) -> None:
    client, name = Lego(dev, tmp_path / "lego", dev.key), "crl.demo.test"
    client.succeeds(name, "run")
    chain = client.file(name)
    certificate = leaf(chain)
    for address in (crl_url(certificate), issuer_url(certificate)):
        assert address.startswith(dev.url("status", "/"))
    issuer = x509.load_der_x509_certificate(dev.fetch(issuer_url(certificate)))
    certificate.verify_directly_issued_by(issuer)

    before = x509.load_der_x509_crl(dev.fetch(crl_url(certificate)))
    good = verify(dev, chain, before)
    assert good.returncode == 0, good.stdout

    client.succeeds(name, "revoke", "--keep")
    after = revoked_on(dev, certificate)
    bad = verify(dev, chain, after)
    assert bad.returncode != 0
    assert "certificate revoked" in bad.stdout
    assert number(after) > number(before)


def revoked_on(dev: Dev, certificate: x509.Certificate) -> x509.CertificateRevocationList:
    """The CRL once it holds the certificate; it must within seconds."""
    until = time.monotonic() + REVOKED_SHOWS_WITHIN
    while True:
        crl = x509.load_der_x509_crl(dev.fetch(crl_url(certificate)))
        if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            return crl
        assert time.monotonic() < until, "the revoked certificate is not on its CRL"
        time.sleep(0.1)


def number(crl: x509.CertificateRevocationList) -> int:
    """Its number."""
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
