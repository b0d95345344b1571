"""/metrics: the sum over all processes of a data folder, and what the database says at that moment. Prometheus text."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from acme_server import tally
from acme_server.tally import Tallies
from acme_server.use_cases.backlog import Backlog
from sql.away import DATABASE_AWAY


class Family(NamedTuple):
    """What one kind of tally is called, and the names of its labels."""

    name: str
    help: str
    labels: tuple[str, ...]


REQUESTS = Family(
    "keiyaku_request_seconds", "Requests by the route that took them, with the time until the answer was ready.",
    ("listener", "route", "method", "status"),
)  # fmt: skip
COUNTERS: Mapping[str, Family] = {
    "problem": Family("keiyaku_problems", "Problem documents by type; badNonce are the nonces refused.", ("type",)),
    "decision": Family("keiyaku_gate_decisions", "Answers of the contract gate; gate and case of refusals.",
                       ("stage", "outcome", "gate", "case")),
    "validation": Family("keiyaku_validations", "Attempts at a challenge by its method.", ("method", "outcome")),
    "certificate": Family("keiyaku_certificates_issued", "Certificates that were waited for and stored.", ()),
    "sct": Family("keiyaku_scts", "Answers of CT logs by their operator; failed: no SCT that counts.",
                  ("operator", "outcome")),
    "log_list": Family("keiyaku_ct_list_reads", "How often the list of CT logs was read: newer, same, failed.",
                       ("outcome",)),
    "revocation": Family("keiyaku_revocations", "Certificates revoked by ACME request.", ("reason",)),
    "connection": Family("keiyaku_connections_ended", "Connections refused at the limit, or cut for being slow.",
                         ("listener", "cause")),
}  # fmt: skip


class Found(Collector):
    """Families of the tallies and of the backlog, as they were when asked for."""

    def __init__(self, tallies: Tallies, waiting: Backlog | None, now: datetime) -> None:
        self.tallies, self.waiting, self.now = tallies, waiting, now

    def collect(self) -> Iterable[Metric]:
        yield requests(self.tallies)
        yield from counters(self.tallies)
        yield pools(self.tallies)
        if self.waiting is not None:
            yield from gauges(self.waiting, self.now)


def requests(tallies: Tallies) -> Metric:
    """The histogram of requests."""
    family = HistogramMetricFamily(REQUESTS.name, REQUESTS.help, labels=REQUESTS.labels)
    for (name, *labels), numbers in sorted(tallies.durations.items()):
        if name == "request":
            family.add_metric(labels, buckets=tally.cumulative(numbers), sum_value=numbers[-1])
    return family


def counters(tallies: Tallies) -> Iterable[Metric]:
    """A counter for each kind of thing counted."""
    for kind, family in COUNTERS.items():
        metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for (name, *labels), number in sorted(tallies.counts.items()):
            if name == kind:
                metric.add_metric(labels, number)
        yield metric


def pools(tallies: Tallies) -> Metric:
    """Who waits for a connection, in the processes that live."""
    family = GaugeMetricFamily("keiyaku_pool_waiting", "Users that wait for a database connection.", labels=("role",))
    for (name, *labels), level in sorted(tallies.levels.items()):
        if name == "pool":
            family.add_metric(labels, level)
    return family


def gauges(waiting: Backlog, now: datetime) -> Iterable[Metric]:
    """Jobs and the evidence seal, from the database: the same whichever process is asked, so take the maximum."""
    jobs = GaugeMetricFamily("keiyaku_jobs", "Jobs by kind: waiting, or dead after their last try.",
                             labels=("kind", "state"))  # fmt: skip
    oldest = GaugeMetricFamily("keiyaku_job_oldest_seconds", "How long the oldest due job waits.", labels=("kind",))
    for kind, depth in sorted(waiting.jobs.items()):
        jobs.add_metric((kind, "waiting"), depth.waiting)
        jobs.add_metric((kind, "dead"), depth.dead)
        oldest.add_metric((kind,), depth.oldest)
    yield jobs
    yield oldest
    lag = waiting.seal_lag / timedelta(seconds=1) if waiting.seal_lag != timedelta.max else float("inf")
    yield GaugeMetricFamily("keiyaku_evidence_seal_lag_seconds", "Age of what is not sealed; 60 stops issuance.", lag)
    behind = GaugeMetricFamily("keiyaku_publication_lag_seconds", "How long a shelf has lacked what is new.",
                               labels=("shelf",))  # fmt: skip
    for shelf, span in sorted(waiting.publication_lag.items()):
        behind.add_metric((shelf,), span.total_seconds())
    yield behind
    left = (waiting.nearest_deadline - now).total_seconds() if waiting.nearest_deadline else float("inf")
    yield GaugeMetricFamily(
        "keiyaku_revocation_deadline_seconds",
        "Left until the nearest deadline of a revocation, its result or a problem report.",
        left,
    )
    if waiting.log_list_at is not None:
        yield GaugeMetricFamily(
            "keiyaku_ct_list_age_seconds",
            "Age of the list of CT logs that is in use.",
            (now - waiting.log_list_at).total_seconds(),
        )
    yield GaugeMetricFamily(
        "keiyaku_revocation_overdue", "Deadlines of revocations, results and reports that are past.", waiting.overdue
    )


def text(tallies: Tallies, waiting: Backlog | None, now: datetime) -> bytes:
    """The answer to a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found(tallies, waiting, now))
    return generate_latest(registry)


def handler(
    folder: Path, asked: Callable[[datetime], Awaitable[Backlog]] | None, clock: Callable[[], datetime]
) -> Handler:
    """GET /metrics. `asked` None, or while the database is away: what the database says is left out."""

    async def metrics(_request: web.Request) -> web.Response:
        now, waiting = clock(), None
        if asked is not None:
            try:
                waiting = await asked(now)
            except (*DATABASE_AWAY, TimeoutError):
                waiting = None
        body = text(tally.total(folder), waiting, now)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return metrics
