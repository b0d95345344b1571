"""Contracts made as an operator makes them: by command."""

from datetime import date, datetime, timedelta
from time import monotonic

from acme_server.clock import utc_now
from contract_gate.calendar import jst_date
from office.use_cases.application import REVIEWS
from office.use_cases.demo import VERSION
from tests.acceptance.dev import Dev

FIRST, SECOND = "demo-officer-1", "demo-officer-2"


def days_ago(days: int) -> date:
    """A day in Japan."""
    return jst_date(utc_now()) - timedelta(days=days)


def make_contract(dev: Dev, handle: str, *domains: str, reviewed_on: date | None = None, plan: str = "demo") -> None:
    """An accepted contract of the demo's customer for the domains and all under them."""
    dev.keiyaku(f"contract create {handle} --customer demo --plan {plan}")
    for domain in domains:
        dev.keiyaku(f"contract name-add {handle} {domain} --kind domain")
    review_and_accept(dev, handle, reviewed_on or days_ago(1))


def review_and_accept(dev: Dev, handle: str, reviewed_on: date) -> None:
    """What an application needs beside its names, and its acceptance."""
    dev.keiyaku(f"contract consent {handle} --terms {VERSION} --cps {VERSION} --by {FIRST}")
    for kind in REVIEWS:
        review(dev, handle, kind, "positive", reviewed_on)
    dev.keiyaku(f"contract subject {handle} --organization Example --country JP --locality Minato-ku --by {FIRST}")
    dev.keiyaku(f"application state {handle} --representative Demo --by {FIRST}")
    dev.keiyaku(f"application requester-add {handle} {FIRST} --by {FIRST}")
    dev.keiyaku(f"review call-back {handle} --number-from directory --confirmed --by {FIRST}")
    dev.keiyaku(f"screening clear {handle} --source list --by {SECOND}")
    dev.keiyaku(f"contract accept {handle} --by {FIRST} --and {SECOND}")
    post(dev, handle)


def post(dev: Dev, handle: str) -> None:
    """The letter that tells the customer of the acceptance is posted, once the worker has written it (T4-5)."""
    until = monotonic() + 30
    while not (found := [each for each in dev.keiyaku_json(f"notice list {handle}") if each["state"] == "person"]):
        assert monotonic() < until, f"no letter of {handle}"
    for each in found:
        day = jst_date(datetime.fromisoformat(each["queued_at"]))
        dev.keiyaku(f"notice posted {each['id']} --on {day} --by {FIRST}")


def review(dev: Dev, handle: str, kind: str, verdict: str, obtained_on: date) -> None:
    """An item of the review."""
    said = f"--source register --criteria 1 --by {FIRST} --obtained {obtained_on}"
    dev.keiyaku(f"contract review {handle} {kind} {verdict} {said}")


def new_key(dev: Dev, handle: str, *words: str) -> tuple[str, str]:
    """A binding key of the contract: kid and HMAC key."""
    made = dev.keiyaku_json(" ".join(["key new", handle, *words]))
    return made["kid"], made["hmac_key"]
