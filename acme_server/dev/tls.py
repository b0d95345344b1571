"""The TLS certificate of `keiyaku dev`'s own listener: a small root of its own, apart from the demo CA."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=825)
RENEW_BEFORE = timedelta(days=30)


def ensure_tls(folder: Path, now: datetime) -> None:
    """`ca.pem`, `server.pem` and `server.key` for localhost are in `folder` and valid for a month or more."""
    if usable(folder / "server.pem", now):
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certify("Keiyaku dev listener root", root_key, None, root_key, now)
    server = certify("localhost", key, root, root_key, now)
    write(folder / "server.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write(folder / "ca.pem", root.public_bytes(Encoding.PEM))
    write(folder / "server.pem", server.public_bytes(Encoding.PEM))


def usable(file: Path, now: datetime) -> bool:
    """Whether the certificate is there and good for a month."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc > now + RENEW_BEFORE
    except (OSError, ValueError):
        return False


def write(file: Path, content: bytes) -> None:
    """The file holds `content`, for its owner alone."""
    file.touch(mode=0o600)
    file.write_bytes(content)


def certify(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:  # fmt: skip
    """A self-signed root, or with an issuer the listener's certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), True)
        .add_extension(key_id, False).add_extension(signer_id, False)
    )  # fmt: skip
    if issuer is None:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
        )
    else:
        addresses = [x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", "::1")]
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(signer, hashes.SHA256())
