"""What auditors look at: key ceremonies, and the samples of the self-audit. BR 8.7; C-117, C-168.

A ceremony itself is held at the machine with the keys, and a sample is examined by `keiyaku audit sample`.
"""

from typing import Annotated

import msgspec

from office.edge.api.calls import Body, Call, Instant, Operation, Paged, answer, created
from office.edge.api.roles import AUDITORS, CA, COMPLIANCE
from office.use_cases import ceremonies, sample, tenants
from office.use_cases.idempotency import Answer
from office.use_cases.sample import Period

Seed = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){16,64}$")]


class NewSample(Body, frozen=True, forbid_unknown_fields=True):
    """BR 8.7. `until`: the first instant after the period; without a seed it is the first checkpoint a minute later."""

    since: Instant
    until: Instant
    percent: Annotated[int, msgspec.Meta(ge=sample.LEAST_PERCENT, le=100)] = sample.LEAST_PERCENT
    seed: Seed | None = None


async def draw(call: Call) -> Answer:
    """A sample of what was issued in a period is drawn and recorded, before anything of it is examined."""
    new: NewSample = call.body
    seed = bytes.fromhex(new.seed) if new.seed is not None else None
    try:
        made = await sample.draw(call.conn, Period(new.since, new.until), new.percent, seed, call.person, call.now)
    except sample.SeedAsked:  # the evidence that asks for a seed is kept
        return answer({"id": None}, 202)
    return created({"id": made})


async def list_samples(call: Call) -> Answer:
    """A page of samples, newest first."""
    rows = await sample.listed(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def show_sample(call: Call) -> Answer:
    """A sample."""
    return answer(await sample.named(call.conn, call.path["sample"]))


async def list_certificates(call: Call) -> Answer:
    """A page of the certificates of a sample, by serial number."""
    query: Paged = call.query
    rows = await sample.certificates(call.conn, call.path["sample"], query.cursor, query.limit + 1)
    return answer(tenants.page(rows, query.limit, lambda each: each.serial))


async def list_ceremonies(call: Call) -> Answer:
    """A page of key ceremonies, newest first."""
    rows = await ceremonies.listed(call.conn, tenants.id_after(call.query.cursor), call.query.limit + 1)
    return answer(tenants.page(rows, call.query.limit, lambda each: each.id))


async def show_ceremony(call: Call) -> Answer:
    """A ceremony: its script, its steps with the hashes of what they signed and made, and its transcript."""
    return answer(await ceremonies.shown(call.conn, call.path["ceremony"]))


OPERATIONS = (
    Operation(
        "drawSample", "POST", "/audit-samples", COMPLIANCE | AUDITORS, draw, body=NewSample, person=True, once=True
    ),
    Operation("listSamples", "GET", "/audit-samples", CA, list_samples, query=Paged),
    Operation("showSample", "GET", "/audit-samples/{sample}", CA, show_sample),
    Operation("listSampled", "GET", "/audit-samples/{sample}/certificates", CA, list_certificates, query=Paged),
    Operation("listCeremonies", "GET", "/ceremonies", CA, list_ceremonies, query=Paged),
    Operation("showCeremony", "GET", "/ceremonies/{ceremony}", CA, show_ceremony, withheld=("transcript",)),
)
