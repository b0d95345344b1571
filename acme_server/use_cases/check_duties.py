"""What `keiyaku check` finds that people owe: deadlines of the Terms and of the Baseline Requirements."""

from datetime import datetime, timedelta

from acme_server.config import Settings
from acme_server.storage import check
from acme_server.use_cases.fault import Fault
from sql import Conn

DANGER = timedelta(hours=12)
DRILL_AGE = timedelta(days=365)
SAMPLE_AGE = timedelta(days=92)
LOOKED_UP = timedelta(days=2)  # once a day (T6-5), and a day for what goes wrong
LATE = {
    "access_review": "review of who may do what: the last is more than three months ago",
    "information_change": "changes of certificate information, known for more than five days",
    "leaver": "people left more than a day ago, and nobody saw their other access removed",
    "revalidation": "contracts issue nothing, because their review is too old",
}


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
