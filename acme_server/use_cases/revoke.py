"""revokeCert, three ways. RFC 8555 §7.6; T11-3, T11-5, T11-8."""

from datetime import datetime

import msgspec
from cryptography import x509

from acme_server import tally
from acme_server.protocol.csr import decode_field
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.keys import AccountKey
from acme_server.protocol.objects import Account
from acme_server.protocol.revocation import parse_reason
from acme_server.storage import authorizations, certificates
from acme_server.use_cases.context import Context
from acme_server.use_cases.issue import enqueue_crl
from acme_server.use_cases.orders import actor_of
from ca import storage as ca
from ca.storage import Certificate
from sql import Conn

KEY_COMPROMISE = 1


class NoSuchCertificate(AcmeError):
    """This CA did not issue the certificate: 404 (A-186, A-188)."""

    def __init__(self) -> None:
        super().__init__(ErrorType.MALFORMED, "This CA did not issue this certificate.")


class Requester(msgspec.Struct, frozen=True):
    """On what ground somebody may have the certificate revoked, and the actor for the record."""

    ground: str
    actor: str
    may_report_compromise: bool


async def by_account(context: Context, account: Account, certificate: str, reason: int | None, now: datetime) -> None:
    """The certificate is revoked at the request of its account, or of one that holds all its names (A-179, A-180)."""
    target, code = await target_of(context, certificate), parse_reason(reason)
    owner = await certificates.owner(context.pool, target.id)
    if owner is not None and owner.account_id == account.id:
        requester = Requester("requested by its account (A11.3)", actor_of(account), may_report_compromise=True)
    elif await authorizations.holds_all(context.pool, account.id, target.names, now):
        requester = Requester(
            "requested by the holder of its names (T2-3)", actor_of(account), may_report_compromise=False
        )
    else:
        raise AcmeError(
            ErrorType.UNAUTHORIZED,
            "This account may not revoke this certificate: it neither ordered it nor holds a valid authorization for "
            "each of its names.",
        )
    await revoke(context, target, code, requester, now)


async def by_certificate_key(
    context: Context, key: AccountKey, certificate: str, reason: int | None, now: datetime
) -> None:
    """The certificate is revoked at the request of whoever has its key (A-181)."""
    target, code = await target_of(context, certificate), parse_reason(reason)
    if target.spki_sha256 != key.spki_sha256:
        raise AcmeError(ErrorType.UNAUTHORIZED, "The request is signed with a key that is not the certificate's.")
    requester = Requester(
        "requested with its key (A11.1.2)", f"key:{key.spki_sha256.hex()}", may_report_compromise=True
    )
    await revoke(context, target, code, requester, now)


async def target_of(context: Context, certificate: str) -> Certificate:
    """What was issued, as certificate or precertificate (C-125), matched on its full DER: a forged one with a copied
    serial is none of ours (A-188).
    """
    der = decode_field(certificate)
    try:
        serial = x509.load_der_x509_certificate(der).serial_number
    except (ValueError, x509.InvalidVersion):
        raise AcmeError(ErrorType.MALFORMED, '"certificate" is not a DER certificate.') from None
    if serial <= 0:
        raise NoSuchCertificate
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    async with context.pool.acquire() as conn:
        found = await ca.certificate_by_serial(conn, octets)
    if found is None or der not in (found.der, found.precertificate):
        raise NoSuchCertificate
    return found


async def revoke(
    context: Context, target: Certificate, reason: int | None, requester: Requester, now: datetime
) -> None:
    """The revocation, its evidence and its publication job exist: all or none.

    With reason 1 the key is blocked and every live certificate with it is revoked as well (T11-3, C-163).
    """
    check(target, reason, requester, now)
    async with context.pool.acquire() as conn, conn.transaction():
        targets, blocked = [ca.Named(target.id, target.serial)], False
        if reason == KEY_COMPROMISE:
            blocked = await ca.block_key(conn, target.spki_sha256, requester.ground, now, actor=requester.actor)
            targets = await ca.live_with_key(conn, target.spki_sha256, now)  # this one is among them
        changed = [await revoke_one(conn, each, reason, requester, now) for each in targets]
        shards = {shard for shard in changed if shard is not None}
        if not shards and not blocked:
            raise AcmeError(ErrorType.ALREADY_REVOKED, "This certificate is revoked already.")
        for shard in sorted(shards, key=msgspec.structs.astuple):  # in one order, so that nobody waits in a circle
            await enqueue_crl(conn, shard, now)
    tally.count("revocation", str(reason or 0))


def check(target: Certificate, reason: int | None, requester: Requester, now: datetime) -> None:
    """The request can be met. Proof of key compromise may still change the code of a revoked one (T11-8, A-185)."""
    if target.not_after <= now:
        raise AcmeError(ErrorType.UNAUTHORIZED, "This certificate has expired; there is nothing to revoke.")
    if reason == KEY_COMPROMISE and not requester.may_report_compromise:
        raise AcmeError(
            ErrorType.BAD_REVOCATION_REASON,
            "Reason 1 (keyCompromise) needs a request signed with the certificate's key. Allowed to you: 0, 3, 4, 5.",
        )
    if target.revoked_at is not None and reason != KEY_COMPROMISE:
        raise AcmeError(ErrorType.ALREADY_REVOKED, "This certificate is revoked already.")


async def revoke_one(
    conn: Conn, target: ca.Named, reason: int | None, requester: Requester, now: datetime
) -> ca.Shard | None:
    """The certificate is revoked, or its code is now keyCompromise: the CRL that must say so; None: nothing changed.

    That somebody else revoked it a moment ago takes nothing from the proof of a compromise.
    """
    owner = await certificates.owner(conn, target.id)
    contract_id = owner.contract_id if owner else None
    shard = await ca.revoke(
        conn, target.serial, reason=reason, ground=requester.ground, requested_by=requester.actor,
        requested_at=now, now=now, contract_id=contract_id,
    )  # fmt: skip
    if shard is None and reason == KEY_COMPROMISE:
        shard = await ca.upgrade_reason_to_key_compromise(
            conn, target.serial, requested_by=requester.actor, now=now, contract_id=contract_id
        )
    return shard
