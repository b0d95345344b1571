"""What `keiyaku check` finds wrong with the CA: its certificates, and the status it owes of what it signed."""

from datetime import datetime, timedelta

from cryptography import x509

from acme_server.config import Settings
from acme_server.storage import check
from acme_server.use_cases.fault import Fault
from ca import status_storage
from ca import storage as ca
from ca.issuers import active_issuer, begun
from ca.status_storage import Unpublished
from sql import Conn

CRL_LATE, CRL_OLD = timedelta(minutes=5), timedelta(hours=26)  # made anew each day (C-134)
ROOT_CRL_LEFT = timedelta(days=60)
OCSP_LATE = timedelta(minutes=15)  # C-147
CA_LEFT = timedelta(days=400)  # a CA must outlive what it signs


async def crls(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """CRLs are fresh and show every revocation."""
    faults = []
    if stale := await check.stale_crls(conn, now - CRL_OLD, await ca.served(conn, now)):
        what = f"no fresh CRL of {', '.join(stale[:5])}{'…' if len(stale) > 5 else ''} (issuer/shard)"
        faults.append(Fault("CRLs", what, "run `keiyaku work` and `keiyaku sign`; see its jobs"))
    if hidden := await check.unpublished(conn, now - CRL_LATE):
        what = f"{hidden} revocations are on no CRL after five minutes"
        faults.append(Fault("CRLs", what, "run `keiyaku work` and `keiyaku sign`"))
    return faults


async def root_crls(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """The CRL of no root ends within two months: two people and the root's token are needed for the next one."""
    faults = []
    for each in await status_storage.root_crls_ending(conn, now + ROOT_CRL_LEFT):
        what = f"that of {each.name} ends on {each.next_update:%Y-%m-%d}"
        faults.append(Fault("root CRL", what, f"hold `keiyaku ca root-crl --issuer {each.issuer_id}`"))
    return faults


async def ocsp(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Every OCSP answer that is due is signed within fifteen minutes (C-147)."""
    if not (late := await status_storage.ocsp_late(conn, now - OCSP_LATE, now)):
        return []
    what = f"{late} answers have been due for more than fifteen minutes"
    return [Fault("OCSP", what, "run `keiyaku work` and `keiyaku sign`; the worker's log says why ocsp_not_signed")]


async def publication(settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """What the settings say where to publish is there, the newest CRLs within five minutes."""
    chosen, faults = settings.status, []
    named = {"directory": chosen.publish_directory, "bucket": chosen.publish_bucket}
    for shelf in (f"{kind} {where}" for kind, where in named.items() if where is not None):
        if late := [each.path for each in await status_storage.unpublished(conn, shelf) if is_late(each, now)]:
            what = f"{shelf} lacks the newest {late[0]}" + (f" and {len(late) - 1} more" if len(late) > 1 else "")
            faults.append(Fault("publication", what, "run `keiyaku work`; its log says why not_published"))
    return faults


def is_late(item: Unpublished, now: datetime) -> bool:
    """Whether it should have been published by now."""
    return now - item.since > CRL_LATE


async def issuers(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """An issuing CA issues; it, or one that waits for its time, and the roots live longer than what they sign."""
    faults = []
    for root in await ca.roots(conn):
        end = x509.load_der_x509_certificate(root.certificate).not_valid_after_utc
        if end - now < CA_LEFT:
            what = f"{root.name} ends on {end:%Y-%m-%d}"
            faults.append(Fault("CA certificates", what, "set up a CA with a new root"))
    found = await ca.issuing(conn)
    come = begun(found, now)
    active = active_issuer(found, now)
    able = [each for each in found if each == active or (each.issues_from > now and each.revoked_at is None)]
    if come and all(each.not_after - now < CA_LEFT for each in able) and (active or come[-1].revoked_at is None):
        one = active or come[-1]
        said = f"{one.issuer.name} {'ends' if active else 'has ended'} on {one.not_after:%Y-%m-%d}"
        faults.append(Fault("CA certificates", said, "hold `keiyaku ca ceremony --kind issuing`"))
    return faults


async def revoked_issuers(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Of an issuing CA that is revoked the root's CRL says so within seven days (C-160), and there is another one."""
    faults, active = [], active_issuer(await ca.issuing(conn), now)
    for each in await check.revoked_issuers(conn, now):
        what = f"{each.name} is revoked since {each.decided_at:%Y-%m-%d %H:%M}Z"
        if each.published_at is None:
            late = "should have said so" if each.deadline_at <= now else "must say so"
            what += f", and a CRL of {each.root} {late} by {each.deadline_at:%Y-%m-%d %H:%M}Z"
            faults.append(Fault("revoked CA", what, f"hold `keiyaku ca root-crl --issuer {each.root_id}`"))
        elif each.own and active is None:
            do = (
                f"revoke what it signed: `keiyaku certificate revoke --issuer '{each.name}'`; "
                "then hold `keiyaku ca ceremony --kind issuing`"
            )
            faults.append(Fault("revoked CA", f"{what}: nothing is issued", do))
    return faults
