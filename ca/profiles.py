"""What each kind of certificate holds, from the BRs, as data (pure)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

OV_POLICY = "2.23.140.1.2.2"  # organization-validated, C-098
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Profile(msgspec.Struct, frozen=True):
    """A kind of certificate. `lifetime` counts both ends, in days of 86,400 s (C-081)."""

    name: str
    description: str
    policy: str
    lifetime: timedelta
    curves: tuple[str, ...] = ("P-256", "P-384", "P-521")
    rsa_bits_min: int = 2048
    rsa_bits_max: int = 8192
    ocsp: bool = False  # whether its certificates name an OCSP responder, besides their CRL


TLSSERVER = Profile("tlsserver", "TLS server, organisation validated, 199 days at most", OV_POLICY, 199 * DAY)
SHORTLIVED = Profile("shortlived", "TLS server, organisation validated, 6 days", OV_POLICY, 6 * DAY)
TLSSERVER_OCSP = Profile(
    "tlsserver-ocsp", "TLS server, organisation validated, 199 days at most, with OCSP", OV_POLICY, 199 * DAY, ocsp=True
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (TLSSERVER, SHORTLIVED, TLSSERVER_OCSP)}

# BR 6.3.2 (C-080): valid at most so many days when issued from this instant on. Newest first.
VALIDITY_LIMITS = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47 * DAY),
    (datetime(2027, 3, 15, tzinfo=UTC), 100 * DAY),
    (datetime(2026, 3, 15, tzinfo=UTC), 200 * DAY),
)


def offered(names: Iterable[str]) -> dict[str, Profile]:
    """The profiles of these names, in their order."""
    return {name: PROFILES[name] for name in names}


def first_offered(profiles: Mapping[str, Profile]) -> Profile:
    """What an order that asks for none gets, and what is reckoned with before there is an order. A-226."""
    return next(iter(profiles.values()))


def lifetime(profile: Profile, at: datetime) -> timedelta:
    """The greatest notAfter - notBefore of a certificate issued at `at`. T12-5, C-080, C-081.

    The profile's lifetime or the BR limit less one day, whichever is shorter, less the second that counting both ends
    adds. Raises ValueError before the first dated row.
    """
    for since, limit in VALIDITY_LIMITS:
        if at >= since:
            return min(profile.lifetime, limit - DAY) - SECOND
    raise ValueError(
        f"no validity limit is known for {at:%Y-%m-%d}: the table begins {VALIDITY_LIMITS[-1][0]:%Y-%m-%d}"
    )
