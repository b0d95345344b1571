"""What must hold after every crash, whatever was killed and when. Design §4, §6, §7; issue T0-2, T8-3."""

from collections.abc import Iterable

from cryptography import x509

from sql import Conn

# each finds rows that must not be
QUERIES = {
    "an order is still in processing": "SELECT id, deadline_at FROM acme.orders WHERE status = 'processing'",
    "an order is invalid without a cause": """
        SELECT o.id FROM acme.orders o WHERE o.status = 'invalid' AND o.error IS NULL AND NOT EXISTS (
            SELECT FROM acme.authorizations a
            WHERE a.id = ANY (o.authorization_ids) AND a.challenge_error IS NOT NULL)""",
    "a challenge is still in processing": "SELECT id FROM acme.authorizations WHERE challenge_status = 'processing'",
    "a record belongs to no order, or a serial to another record": """
        SELECT t.id FROM ca.to_be_signed t LEFT JOIN acme.issuances i ON i.to_be_signed_id = t.id
        LEFT JOIN ca.serials s ON s.to_be_signed_id = t.id AND s.serial = t.serial
        WHERE i.order_id IS NULL OR s.serial IS NULL""",
    "an order has two records, a record two orders, or a serial two certificates": """
        SELECT order_id::text FROM acme.issuances GROUP BY 1 HAVING count(*) > 1
        UNION ALL SELECT to_be_signed_id::text FROM acme.issuances GROUP BY 1 HAVING count(*) > 1
        UNION ALL SELECT serial::text FROM ca.certificates GROUP BY 1 HAVING count(*) > 1""",
    "a record waits for a signature after its order has ended": """
        SELECT t.id, o.status FROM ca.to_be_signed t JOIN acme.issuances i ON i.to_be_signed_id = t.id
        JOIN acme.orders o ON o.id = i.order_id WHERE t.state = 'admitted'""",
    "a certificate without its signed record, valid order or evidence": """
        SELECT c.id FROM ca.certificates c JOIN ca.to_be_signed t ON t.id = c.id
        JOIN acme.issuances i ON i.to_be_signed_id = c.id JOIN acme.orders o ON o.id = i.order_id
        WHERE t.state <> 'signed' OR o.status <> 'valid' OR o.certificate_id <> c.id OR c.serial <> t.serial
           OR 1 <> (SELECT count(*) FROM evidence.records e WHERE e.kind = 'certificate.signed'
                    AND convert_from(e.content, 'UTF8')::json->>'certificate_id' = c.id::text)""",
    "a signed record without its certificate, or a valid order without": """
        SELECT t.id FROM ca.to_be_signed t LEFT JOIN ca.certificates c ON c.id = t.id
        WHERE t.state = 'signed' AND c.id IS NULL
        UNION ALL SELECT o.id FROM acme.orders o LEFT JOIN ca.certificates c ON c.id = o.certificate_id
        WHERE o.status = 'valid' AND c.id IS NULL""",
    "a void record whose serial is not revoked, with a certificate, or of an order that is not invalid": """
        SELECT t.id FROM ca.to_be_signed t JOIN acme.issuances i ON i.to_be_signed_id = t.id
        JOIN acme.orders o ON o.id = i.order_id WHERE t.state = 'void' AND (
            o.status <> 'invalid' OR EXISTS (SELECT FROM ca.certificates c WHERE c.id = t.id)
            OR NOT EXISTS (SELECT FROM ca.revocations r WHERE r.serial = t.serial))""",
    "an invalid order whose record may yet be signed": """
        SELECT o.id FROM acme.orders o JOIN acme.issuances i ON i.order_id = o.id
        JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id WHERE o.status = 'invalid' AND t.state <> 'void'""",
    "a contract's term began twice, not at all, or with no certificate": """
        SELECT i.contract_id FROM ca.certificates c JOIN acme.issuances i ON i.to_be_signed_id = c.id
        LEFT JOIN gate.contract_starts s ON s.contract_id = i.contract_id
        LEFT JOIN ca.certificates f ON f.id = s.certificate_id
        GROUP BY 1 HAVING count(DISTINCT s.certificate_id) <> 1 OR count(f.id) <> count(c.id)""",
    "a validation was recorded twice, or not": """
        SELECT a.id FROM acme.authorizations a WHERE a.status IN ('valid', 'invalid') AND 1 <> (
            SELECT count(*) FROM evidence.records e WHERE e.kind = 'authorization.validated'
              AND convert_from(e.content, 'UTF8')::json->>'authorization' = a.id::text)""",
    "an admission was acted on without evidence": """
        SELECT t.id FROM ca.to_be_signed t WHERE 1 <> (
            SELECT count(*) FROM evidence.records e WHERE e.kind = 'gate.decided'
              AND convert_from(e.content, 'UTF8')::json->>'decision' = t.admission_id::text)""",
    "a job is stuck or dead": "SELECT kind, subject, dead, last_error FROM acme.jobs WHERE dead OR kind <> 'crl'",
}


async def violations(conn: Conn, signed: Iterable[bytes]) -> list[str]:
    """What does not hold; `signed` is every certificate that the signer ever made."""
    found = []
    for what, query in QUERIES.items():
        found += [f"{what}: {dict(row)}" for row in await conn.fetch(query)]
    return found + await unknown(conn, signed)


async def unknown(conn: Conn, signed: Iterable[bytes]) -> list[str]:
    """Certificates that exist somewhere, and neither are stored as they are nor have their serial revoked."""
    stored = {bytes(row["der"]) for row in await conn.fetch("SELECT der FROM ca.certificates")}
    revoked = {bytes(row["serial"]) for row in await conn.fetch("SELECT serial FROM ca.revocations")}
    return [f"signed and unknown: {der.hex()}" for der in set(signed) - stored if serial_of(der) not in revoked]


def serial_of(der: bytes) -> bytes:
    """Content octets of the serial number."""
    number = x509.load_der_x509_certificate(der).serial_number
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
