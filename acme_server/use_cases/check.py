"""`keiyaku check`: finds faults of a deployment and says what to do about each."""

import shutil
import stat
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from cryptography import x509

from acme_server.clock import by_machine
from acme_server.config import Settings
from acme_server.storage import check, evidence, house, jobs
from acme_server.use_cases import check_bank, check_money, check_service_end
from acme_server.use_cases.log_list import lists_here, unseen_key
from acme_server.use_cases.readiness import SEAL_LIMIT, shipped
from acme_server.validation.corroboration import remotes_needed
from ca import status_storage
from ca import storage as ca
from ca.blocklist import Blocklist, BlocklistUnusable
from ca.ct_logs import enough, needed
from ca.ct_publisher import PublisherUnfit
from ca.issuers import active_issuer, begun
from ca.profiles import PROFILES, lifetime
from ca.signer_client import SignerAway, SignerClient
from ca.status_storage import Unpublished
from sql import Conn

MONTHS_AHEAD = 2
SKEW = timedelta(seconds=5)
CRL_LATE, CRL_OLD = timedelta(minutes=5), timedelta(hours=26)  # made anew each day (C-134)
ROOT_CRL_LEFT = timedelta(days=60)
OCSP_LATE = timedelta(minutes=15)  # C-147
DANGER = timedelta(hours=12)
PERSPECTIVES_AHEAD = timedelta(days=30)
DRILL_AGE = timedelta(days=365)
SAMPLE_AGE = timedelta(days=92)
OLDEST_JOB = 300.0  # seconds
LOOKED_UP = timedelta(days=2)  # once a day (T6-5), and a day for what goes wrong
CA_LEFT, TLS_LEFT = timedelta(days=400), timedelta(days=14)  # a CA must outlive what it signs
FREE_OCTETS, FREE_PART = 2**30, 0.05
SIGNER_SECONDS = 5.0
NOBODY = UUID(int=0)
LATE = {
    "access_review": "review of who may do what: the last is more than three months ago",
    "information_change": "changes of certificate information, known for more than five days",
    "leaver": "people left more than a day ago, and nobody saw their other access removed",
    "revalidation": "contracts issue nothing, because their review is too old",
}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and what to do."""

    about: str
    what: str
    do: str


Look = Callable[[Settings, Conn, datetime], Awaitable[list[Fault]]]


async def migrations(_settings: Settings, conn: Conn, _now: datetime) -> list[Fault]:
    """The database has exactly the migrations of this program, unedited."""
    applied = await house.migrations(conn)
    faults = []
    if missing := sorted(shipped().keys() - applied.keys()):
        faults.append(Fault("migrations", f"migration {missing[0]} is not applied", "run `keiyaku migrate`"))
    if newer := sorted(applied.keys() - shipped().keys()):
        faults.append(Fault("migrations", f"the database has migration {newer[-1]}", "use a newer program"))
    edited = [version for version, digest in applied.items() if shipped().get(version, digest) != digest]
    if edited:
        faults.append(Fault("migrations", f"migration {edited[0]} was edited", "restore the program's own file"))
    return faults


async def roles(_settings: Settings, conn: Conn, _now: datetime) -> list[Fault]:
    """Each kind of process has a role that may log in and do its work."""
    do = "run `keiyaku migrate` as the owner, then ALTER ROLE … LOGIN"
    return [Fault("roles", f"{name} may not log in or lacks its grants", do) for name in await check.unfit_roles(conn)]


async def partitions(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Big tables have partitions for the next two months."""
    ahead = await house.months_ahead(conn, now)
    if ahead >= MONTHS_AHEAD:
        return []
    return [Fault("partitions", f"partitions exist {ahead} months ahead", "run `keiyaku work`, which makes them")]


async def cluster(_settings: Settings, conn: Conn, _now: datetime) -> list[Fault]:
    """The database is no copy that somebody restored."""
    if await evidence.is_known_cluster(conn):
        return []
    return [Fault("restored", "this database is a restored copy: nothing is issued", "run `keiyaku check --restored`")]


async def seal(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """The evidence is sealed up to a minute ago."""
    lag = await evidence.seal_lag(conn, now)
    if lag <= SEAL_LIMIT:
        return []
    age = "has never been" if lag == timedelta.max else f"is {lag.total_seconds():.0f} s behind,"
    do = "run `keiyaku work`; its log says why evidence.not_sealed"
    return [Fault("evidence seal", f"the evidence {age} sealed: nothing is issued", do)]


async def waiting_jobs(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """No job is dead or waits long, no order is in processing past its deadline."""
    faults = []
    for kind, depth in sorted((await jobs.depth(conn)).items()):
        if depth.dead:
            do = "see last_error in acme.jobs; mend the cause, then delete them"
            faults.append(Fault("jobs", f"{depth.dead} jobs of kind {kind} are dead", do))
        if depth.oldest > OLDEST_JOB:
            faults.append(Fault("jobs", f"a job of kind {kind} waits for {depth.oldest:.0f} s", "run `keiyaku work`"))
    if late := await check.overdue_orders(conn, now):
        faults.append(Fault("orders", f"{late} orders in processing are past their deadline", "run `keiyaku work`"))
    return faults


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


async def revocation_deadlines(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """No revocation, no result of one and no problem report is overdue or within twelve hours of its deadline.

    T11-6, T11-9, C-162. What was asked for and revoked waits for its CRL, and then those who asked are told.
    """
    nearest, overdue = await check.deadlines(conn, now)
    do = "see `keiyaku revocation list` and `keiyaku report list`, then decide, execute, publish or answer"
    if overdue:
        return [Fault("revocation", f"{overdue} deadlines are missed", do)]
    if nearest is None or nearest - now > DANGER:
        return []
    return [Fault("revocation", f"a deadline is {(nearest - now).total_seconds():.0f} s away", do)]


async def drills(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Bulk revocation was rehearsed within a year, or the CA is younger than that (C-166)."""
    since = await check.drilled_since(conn)
    if since is None or now - since <= DRILL_AGE:
        return []
    what = f"bulk revocation was not rehearsed since {since:%Y-%m-%d}"
    return [Fault("incidents", what, "run `keiyaku incident drill`: BR 5.7.1.2 wants one a year")]


async def self_audit(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Within a quarter a sample of what was issued was examined to its end, if anything was issued (C-175)."""
    faults = []
    do = "run `keiyaku audit sample`: BR 8.7 wants 3 % each quarter"
    since, waiting = await check.sampled(conn)
    if since is not None and now - since > SAMPLE_AGE:
        faults.append(Fault("self-audit", f"no sample was drawn since {since:%Y-%m-%d}", do))
    if waiting:
        faults.append(
            Fault("self-audit", f"{waiting} sampled certificates are not examined", "run it again: it goes on")
        )
    return faults


async def desk(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Nothing that waits for a person is past a deadline that binds the CA (C-176, T4-4)."""
    late = await check.late_tasks(conn, now)
    return [
        Fault("desk", f"{number} {LATE.get(kind, kind)}", "see `keiyaku desk`: it names the command that ends each")
        for kind, number in late.items()
    ]


async def register(settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Every customer was looked up in the corporate-number register (T6-5); in development nobody must be."""
    if settings.register.url is None:
        do = "set register.url and register.id_file; until then officers look up every customer each day"
        missing = Fault("register", "nobody looks into the corporate-number register", do)
        return [missing] if settings.environment == "production" else []
    if not (late := await check.late_lookups(conn, now - LOOKED_UP)):
        return []
    return [Fault("register", f"{late} customers were not looked up for two days", "see the log of `keiyaku work`")]


async def service_end(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Everybody was told in time for the day on which the service ends, or may be (T23-2)."""
    return [Fault(*each) for each in await check_service_end.wrong(conn, now)]


async def transparency(settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Where certificates need SCTs: the list of logs is its publisher's and fresh (C-130), and enough logs take each
    profile's.
    """
    if not settings.ct.required:
        return []
    faults = []
    if unseen := unseen_key(settings):
        what = f"the signature of the list of logs was not looked at: this machine has no folder {unseen.parent}"
        faults.append(Fault("transparency", what, "put the publisher's public key there, or look where it is"))
    try:
        lists = lists_here(settings)
    except PublisherUnfit as fault:
        do = "put the publisher's public key there: without it no process that needs SCTs starts"
        return [Fault("transparency", str(fault), do)]
    newest = await lists.refresh(conn)
    do = "find out who changed ca.log_lists, and delete that row as the owner of the database"
    faults += [Fault("transparency", f"not believed: {reason}", do) for reason in lists.refused]
    if newest is None:
        do = "run `keiyaku work`; its log says why log_list_not_read"
        return [*faults, Fault("transparency", "there is no list of logs: nothing is issued", do)]
    if (age := now - newest.logs.listed_at) > settings.ct.list_age:
        what = f"the list of logs is of {newest.logs.listed_at:%Y-%m-%d}, {age.days} days old"
        faults.append(Fault("transparency", what, "renew the file of ct.log_list, or see why log_list_not_read"))
    for profile in (PROFILES[name] for name in settings.ca.profiles):
        end = now + lifetime(profile, now)
        if not enough([log for log in newest.logs.logs if log.takes(end, now)], needed(now, end)):
            what = f"too few logs take certificates of profile {profile.name} (until {end:%Y-%m-%d})"
            faults.append(Fault("transparency", what, "wait for logs of that shard, or name another list"))
    return faults


async def bank(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Bank data is up to date, its files are booked, and no line waits for long (T8-6)."""
    return [Fault(about, what, do) for about, what, do in await check_bank.wrong(conn, now)]


async def invoices(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Two people said who issues the invoices to come, and where they are paid (T8-3)."""
    return [Fault(about, what, do) for about, what, do in await check_money.wrong(conn, now)]


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


async def clocks(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """This machine's clock and the database's agree."""
    skew = abs(await check.clock(conn) - by_machine(now))
    if skew <= SKEW:
        return []
    what = f"this machine and the database differ by {skew.total_seconds():.0f} s"
    return [Fault("clock", what, "run chrony or another NTP client on both")]


async def files(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """Files with secrets are their owner's alone. Those of other machines are looked at there."""
    secret = (settings.ca.passphrase_file, settings.pkcs11.pin_file, settings.evidence.key_file)
    named = (*secret, settings.acme.tls_key, settings.register.id_file)
    found = [settings.data / path for path in named if path is not None]
    found += sorted((settings.data / settings.ca.folder).glob("*.key.pem"))
    return [
        Fault("files", f"{path} can be read by others", f"run `chmod 600 {path}`")
        for path in found
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


async def blocklist(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The list of keys that are public can be read, if its folder is on this machine (C-073)."""
    named = settings.keys.blocklist
    if named is None or not (settings.data / named).parent.is_dir():
        return []
    try:
        Blocklist(settings.data / named)
    except BlocklistUnusable as fault:
        return [Fault("keys", str(fault), "put blocklist.dat of badkeys there: without it nothing is issued")]
    return []


async def perspectives(settings: Settings, _conn: Conn, now: datetime) -> list[Fault]:
    """As many other places of the network may be asked as must take part in a month (C-053)."""
    named, needed = len(settings.mpic.perspectives), remotes_needed(now + PERSPECTIVES_AHEAD)
    if settings.mpic.url is None or named >= needed:
        return []
    what = f"{named} perspectives are named, {needed} must take part by {now + PERSPECTIVES_AHEAD:%Y-%m-%d}"
    return [Fault("perspectives", what, "name more in mpic.perspectives: with fewer, nothing is validated")]


async def tls(settings: Settings, _conn: Conn, now: datetime) -> list[Fault]:
    """The listener's own certificate is valid for two weeks more."""
    if settings.acme.tls_certificate is None or not (path := settings.data / settings.acme.tls_certificate).exists():
        return []
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    if end - by_machine(now) > TLS_LEFT:
        return []
    what = f"{path} ends at {end:%Y-%m-%d %H:%M}Z"
    return [Fault("TLS certificate", what, "replace it, then restart `keiyaku serve`")]


async def disk(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The data folder has room."""
    if not settings.data.is_dir():
        return []
    found = shutil.disk_usage(settings.data)
    if found.free >= max(FREE_OCTETS, FREE_PART * found.total):
        return []
    return [Fault("disk", f"{settings.data} has {found.free / 2**20:.0f} MiB left", "make room: without it all stops")]


async def signer(settings: Settings, _conn: Conn, _now: datetime) -> list[Fault]:
    """The signer answers, if its socket's folder is on this machine: it knows no record of number 0."""
    path = settings.data / settings.signer.socket
    if not path.parent.is_dir():
        return []
    client = SignerClient(path)
    try:
        answer = await client.sign(NOBODY, SIGNER_SECONDS)
    finally:
        await client.close()
    if not isinstance(answer, SignerAway):
        return []
    return [Fault("signer", f"no answer at {path}: {answer.reason}", "run `keiyaku sign`")]


LOOKS: tuple[Look, ...] = (
    migrations, cluster, roles, partitions, seal, waiting_jobs, crls, root_crls, ocsp, publication,
    revocation_deadlines, desk, register, bank, invoices, service_end, transparency, perspectives, issuers,
    revoked_issuers, clocks, drills, self_audit, files, blocklist, tls, disk, signer,
)  # fmt: skip


async def faults_of(settings: Settings, conn: Conn, clock: Callable[[], datetime]) -> list[Fault]:
    """Every fault found, in the order of LOOKS. A schema that is behind is the only fault then."""
    found: list[Fault] = []
    for look in LOOKS:
        found += await look(settings, conn, clock())
        if found and look is migrations:
            break
    return found
