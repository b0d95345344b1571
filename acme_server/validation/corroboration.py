"""Do enough places of the network see what we see? BR §3.2.2.9.

A coordinator asks the perspectives; whether they are enough is decided here alone, from what it says of each one and
from what the settings say of where each one is. What it concludes itself can only refuse.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import asin, cos, radians, sin, sqrt

import msgspec

APART = 500.0  # km between any two perspectives (C-056)
EARTH = 6371.0  # km
REGISTRIES = ("AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE")
SKEW = timedelta(minutes=1)  # by which a perspective's clock may differ from ours
# How many remote perspectives take part at least, from each date on (C-053).
REMOTES = (
    (datetime(2026, 12, 15, tzinfo=UTC), 5),
    (datetime(2026, 6, 15, tzinfo=UTC), 4),
    (datetime(2026, 3, 15, tzinfo=UTC), 3),
    (datetime(2025, 3, 15, tzinfo=UTC), 2),
)


class Perspective(msgspec.Struct, frozen=True):
    """A place from which is looked: its code at the coordinator, whose service region it is in, where on Earth."""

    code: str
    registry: str
    latitude: float
    longitude: float


class Check(msgspec.Struct, frozen=True):
    """What one perspective says: in the reply's record itself or, as the published schema has it, one level below."""

    check_passed: bool
    timestamp_ns: int
    check_completed: bool = True
    check_type: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """One perspective's record."""

    perspective_code: str
    check_response: Check | None = None
    check_passed: bool | None = None
    check_completed: bool = True
    timestamp_ns: int | None = None
    check_type: str | None = None

    def passed(self, kind: str, since: datetime, until: datetime) -> bool:
        """Whether it saw what was asked for, in a look of its own between the two instants (C-058, C-059)."""
        found = self.check_response or self
        if found.check_passed is not True or not found.check_completed or found.check_type not in (None, kind):
            return False
        return found.timestamp_ns is not None and since <= instant(found.timestamp_ns) <= until


class Numbers(msgspec.Struct, frozen=True):
    """How the coordinator says that it went about it."""

    quorum_count: int
    perspective_count: int | None = None


class Reply(msgspec.Struct, frozen=True):
    """The coordinator's answer, so far as it matters; more may stand in it, and all of it is evidence."""

    is_valid: bool
    check_type: str
    domain_or_ip_target: str
    perspectives: list[Seen]
    actual_orchestration_parameters: Numbers
    trace_identifier: str | None = None
    mpic_completed: bool = True


class Question(msgspec.Struct, frozen=True):
    """What was asked, when, and of whom an answer may come."""

    kind: str
    target: str
    trace: str
    asked_at: datetime
    remotes: Mapping[str, Perspective]


class Quorum(msgspec.Struct, frozen=True):
    """How it came out (C-063): `fault` None is corroborated."""

    corroborating: list[str]
    others: list[str]
    registries: list[str]
    fault: str | None

    @property
    def said(self) -> str:
        """Such as 5/6."""
        return f"{len(self.corroborating)}/{len(self.corroborating) + len(self.others)}"


def instant(nanoseconds: int) -> datetime:
    """The instant of a perspective's record; one that no calendar has is the oldest there is."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.min.replace(tzinfo=UTC)


def remotes_needed(at: datetime) -> int:
    """How many remote perspectives take part at least. C-053."""
    return next((number for since, number in REMOTES if at >= since), 2)


def may_fail(remotes: int) -> int:
    """How many of them may fail to corroborate. C-054."""
    return 1 if remotes <= 5 else 2


def judge(reply: Reply, question: Question, now: datetime) -> Quorum:
    """Whether the look is corroborated. C-053 to C-055, C-059, C-060.

    A reply about something else, of a perspective that is not known or is listed twice, with a lower quorum than ours,
    or that says itself that it is none, corroborates nothing. Who was asked and is not in it saw nothing (C-054).
    """
    since, until = question.asked_at - SKEW, now + SKEW
    passed = {each.perspective_code for each in reply.perspectives if each.passed(question.kind, since, until)}
    answered = [each.perspective_code for each in reply.perspectives]
    registries = sorted({question.remotes[code].registry for code in passed if code in question.remotes})
    fault = unfit_reply(reply, question, answered)
    fault = fault or short_of(len(answered), len(question.remotes), len(passed), len(registries), now)
    return Quorum(sorted(passed), sorted({*answered, *question.remotes} - passed), registries, fault)


def unfit_reply(reply: Reply, question: Question, codes: Sequence[str]) -> str | None:
    """Why the reply answers another question, or cannot be counted; None when it can."""
    if (reply.check_type, reply.domain_or_ip_target) != (question.kind, question.target):
        return "the coordinator answered about something else"
    if reply.trace_identifier not in (None, question.trace):
        return "the coordinator answered another request"
    if unknown := sorted(set(codes) - question.remotes.keys()):
        return f"the coordinator asked a perspective that is not known: {unknown[0][:40]}"
    if len(set(codes)) < len(codes):
        return "the coordinator counted a perspective twice"
    wanted = len(question.remotes) - may_fail(len(question.remotes))
    if reply.actual_orchestration_parameters.quorum_count < wanted:
        return f"the coordinator took a quorum of {reply.actual_orchestration_parameters.quorum_count}, not {wanted}"
    return None if reply.is_valid and reply.mpic_completed else "the coordinator says that it is not corroborated"


def short_of(answered: int, asked: int, passed: int, registries: int, now: datetime) -> str | None:
    """What is missing to the numbers of the day; None when nothing is. C-053 to C-055."""
    if answered < remotes_needed(now):
        return f"{answered} remote perspectives took part, {remotes_needed(now)} must"
    if asked - passed > may_fail(asked):
        return f"{passed} of {asked} remote perspectives saw it, {asked - may_fail(asked)} must"
    return (
        None if registries >= 2 else "the perspectives that saw it lie in the region of one registry, two must have one"
    )


def unfit_places(places: Sequence[Perspective], primary: Perspective) -> str | None:
    """What is wrong with the perspectives of the settings, whoever answers (C-055, C-056); None when nothing is."""
    everywhere = [primary, *places]
    if len({each.code for each in everywhere}) < len(everywhere):
        return "a code stands there twice"
    for number, one in enumerate(everywhere):
        for other in everywhere[number + 1 :]:
            if (km := distance(one, other)) < APART:
                return f"{one.code} and {other.code} are {km:.0f} km apart, 500 are needed"
    return None if len({each.registry for each in places}) >= 2 else "they lie in the region of one registry"


def distance(one: Perspective, other: Perspective) -> float:
    """Kilometres along the surface of the Earth."""
    north, south = radians(one.latitude), radians(other.latitude)
    half = sin((north - south) / 2) ** 2
    half += cos(north) * cos(south) * sin(radians(one.longitude - other.longitude) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))


def place(text: str) -> Perspective:
    """`code REGISTRY latitude longitude`, such as `us-east-2 ARIN 39.96 -83.00`. Raises ValueError."""
    code, registry, *where = text.split()
    latitude, longitude = map(float, where)
    if registry not in REGISTRIES or not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        raise ValueError
    return Perspective(code, registry, latitude, longitude)
