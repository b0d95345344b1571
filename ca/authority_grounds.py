"""Why a CA's certificate is revoked, by when a CRL must say so, and with which reason (pure). BR 4.9.1.2, 7.2.2."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

DEADLINE = timedelta(days=7)  # C-160
COMPROMISE = 1
WORDS: Mapping[int, str] = {  # RFC 5280 §5.3.1; no cACompromise, and never absent of a CA (C-140, C-151)
    1: "keyCompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    9: "privilegeWithdrawn",
}


class Ground(msgspec.Struct, frozen=True):
    """An item of BR 4.9.1.2, and the reasons that say it; where there are several, people choose."""

    item: int
    what: str
    reasons: tuple[int, ...]


GROUNDS: Mapping[str, Ground] = {
    "request": Ground(1, "the issuing CA asks for it in writing", (3, 4, 5)),
    "unauthorised": Ground(2, "its certificate was never authorised", (9,)),
    "compromise": Ground(3, "its key is compromised", (COMPROMISE,)),
    "weak_key": Ground(3, "its key is not as BR 6.1.5 and 6.1.6 demand any more", (4,)),
    "misuse": Ground(4, "its certificate was misused", (9,)),
    "misissued": Ground(5, "its certificate was not issued as the BR and the CPS demand", (4,)),
    "noncompliance": Ground(5, "it does not comply with the BR or the CPS", (9,)),
    "inaccurate": Ground(6, "its certificate is inaccurate or misleading", (9,)),
    "ceased": Ground(7, "it ceases, and nobody else would revoke what it issued", (5,)),
    "right_ended": Ground(8, "the right to issue has ended", (5,)),
    "policy": Ground(9, "the CPS demands it", (3, 4, 5, 9)),
}


def deadline(known_at: datetime) -> datetime:
    """By when a published CRL must have the entry: it counts from the event's receipt (C-159, C-160)."""
    return known_at + DEADLINE
