"""What `keiyaku check` finds wrong with the database, the evidence and the jobs."""

from datetime import datetime, timedelta

from acme_server.clock import by_machine
from acme_server.config import Settings
from acme_server.storage import check, evidence, house, jobs
from acme_server.use_cases.fault import Fault
from acme_server.use_cases.readiness import SEAL_LIMIT, shipped
from sql import Conn

MONTHS_AHEAD = 2
OLDEST_JOB = 300.0  # seconds
SKEW = timedelta(seconds=5)


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


async def cluster(_settings: Settings, conn: Conn, _now: datetime) -> list[Fault]:
    """The database is no copy that somebody restored."""
    if await evidence.is_known_cluster(conn):
        return []
    return [Fault("restored", "this database is a restored copy: nothing is issued", "run `keiyaku check --restored`")]


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


async def clocks(_settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """This machine's clock and the database's agree."""
    skew = abs(await check.clock(conn) - by_machine(now))
    if skew <= SKEW:
        return []
    what = f"this machine and the database differ by {skew.total_seconds():.0f} s"
    return [Fault("clock", what, "run chrony or another NTP client on both")]
