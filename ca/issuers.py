"""Which issuing CA issues when, and until when it owes CRLs and OCSP answers (pure). C-145, C-160.

Several stand below one root: the one of this year, those of years before, one that waits for its time or in reserve.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import msgspec

from ca.certificate import Issuer
from ca.profiles import DAY, PROFILES

LONGEST = max(profile.lifetime for profile in PROFILES.values())
SERVED_AFTER = 10 * DAY  # past the last certificate's end: a CRL is made that its entry is not on any more (C-141)


class Issuing(msgspec.Struct, frozen=True):
    """An issuing CA: since when it is the one that issues, and the end and the revocation of its own certificate."""

    issuer: Issuer
    issues_from: datetime
    not_after: datetime
    revoked_at: datetime | None


def active_issuer(issuing: Sequence[Issuing], at: datetime) -> Issuing | None:
    """The one that signs new certificates at `at`: of those whose time has come, and that are neither revoked nor at
    their end, the newest. None: nothing is issued.
    """
    able = [each for each in begun(issuing, at) if at < each.not_after and not is_revoked(each, at)]
    return able[-1] if able else None


def begun(issuing: Sequence[Issuing], at: datetime) -> list[Issuing]:
    """Those whose time has come, the newest last."""
    come = [each for each in issuing if each.issues_from <= at]
    return sorted(come, key=lambda each: (each.issues_from, each.issuer.id))


def is_revoked(one: Issuing, at: datetime) -> bool:
    """Whether its own certificate is revoked at `at`."""
    return one.revoked_at is not None and one.revoked_at <= at


def issued_until(issuing: Sequence[Issuing], one: Issuing, now: datetime) -> datetime | None:
    """The last instant up to `now` at which it was the one that issues; None: it never was."""
    changes = {at for each in issuing for at in (each.issues_from, each.not_after, each.revoked_at) if at is not None}
    instants = [*sorted(at for at in changes if at <= now), now]
    ends = [until for since, until in pairwise(instants) if active_issuer(issuing, since) == one]
    return ends[-1] if ends else None


class Shown(msgspec.Struct, frozen=True):
    """An issuing CA as people are shown it.

    `state`: `issues`; `waits` for its time; `before`, when a newer one issues; `revoked`; `ended`.
    """

    number: int
    name: str
    state: str
    issues_from: datetime
    issued_until: datetime | None
    not_after: datetime
    revoked_at: datetime | None
    crls: int
    crls_until: datetime


def shown(issuing: Sequence[Issuing], now: datetime) -> list[Shown]:
    """Each of them, by id."""
    return [
        Shown(
            each.issuer.id, each.issuer.name, state(issuing, each, now), each.issues_from,
            issued_until(issuing, each, now), each.not_after, each.revoked_at, each.issuer.shard_count,
            serves_until(issuing, each, now),
        )
        for each in issuing
    ]  # fmt: skip


def state(issuing: Sequence[Issuing], one: Issuing, now: datetime) -> str:
    """In a word."""
    if is_revoked(one, now):
        return "revoked"
    if one.not_after <= now:
        return "ended"
    if now < one.issues_from:
        return "waits"
    return "issues" if active_issuer(issuing, now) == one else "before"


def served(issuing: Sequence[Issuing], now: datetime) -> list[int]:
    """Ids of those whose CRLs go on."""
    return [each.issuer.id for each in issuing if now <= serves_until(issuing, each, now)]


def serves_until(issuing: Sequence[Issuing], one: Issuing, now: datetime) -> datetime:
    """Until when its CRLs are made: as long as it may issue, then until the last of its certificates has ended, and
    never beyond its own end.
    """
    if now < one.issues_from and not is_revoked(one, now):
        return one.not_after
    last = issued_until(issuing, one, now) or one.issues_from
    return one.not_after if last == now else min(one.not_after, last + LONGEST + SERVED_AFTER)
