"""Whether names were proven, and CAA asked, lately enough when a certificate was signed (pure). BR 4.2.1, 3.2.2.8.

The auditor's own reading of the limits, apart from what issuance goes by: neither takes them from the other.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from office.storage.proofs import Looked, Proof, Validated

CAA_AGE = timedelta(hours=8)  # C-046
OLDEST = (
    (datetime(2029, 3, 15, tzinfo=UTC), 10),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
)  # C-015: days, from then on
OLDEST_BEFORE, PERSISTENT = 200, 10  # C-015, C-028
OF_ONE_NAME = frozenset({"http-01", "tls-alpn-01"})  # C-027


def proof_faults(
    names: Sequence[str], proofs: Sequence[Proof], looked: Sequence[Looked], at: datetime
) -> Iterator[str]:
    """What is wrong with the proofs of a certificate signed at `at`."""
    for proof in proofs:
        if proof.validated is None or proof.validated.outcome != "valid":
            yield f"there is no evidence that authorization {proof.authorization_id} was proven"
    held = [(one.validated, one.at) for one in proofs if one.validated is not None and one.at is not None]
    for name in names:
        covering = [(each, made) for each, made in held if covers(each, name) and each.outcome == "valid"]
        if not covering:
            yield f"{name} was not proven"
        elif not any(is_fresh(each.method, made, at) for each, made in covering):
            yield f"{name} was proven too long ago: at {max(made for _, made in covering):%FT%TZ}"
        if not is_address(name) and (why := caa_fault(name, covering, looked, at)):
            yield why


def covers(validated: Validated, name: str) -> bool:
    """Whether control of the name follows from that validation. C-012, C-027."""
    if validated.name == name:
        return not (name.startswith("*.") and validated.method in OF_ONE_NAME)
    base = name.removeprefix("*.")
    below = base.endswith(f".{validated.domain}") or (base != name and base == validated.domain)
    return validated.subdomains and below and validated.method not in OF_ONE_NAME and not is_address(name)


def is_fresh(method: str, made: datetime, at: datetime) -> bool:
    """Whether a proof made then could be used at `at`. C-015, C-016, C-028."""
    days = next((days for since, days in OLDEST if at >= since), OLDEST_BEFORE)
    return timedelta(0) <= at - made <= timedelta(days=min(days, PERSISTENT) if method == "dns-persist-01" else days)


def caa_fault(
    name: str, covering: Sequence[tuple[Validated, datetime]], looked: Sequence[Looked], at: datetime
) -> str | None:
    """Why CAA was not asked for the name, or too long ago; None: it was. C-039, C-046."""
    validations = [made for each, made in covering if each.name == name and "caa" in each.seen.detail]
    found = [each for each in (*validations, *(one.at for one in looked if name in one.names)) if each <= at]
    if any(at - each <= CAA_AGE for each in found):
        return None
    return f"CAA of {name} was asked too long ago: at {max(found):%FT%TZ}" if found else f"CAA of {name} was not asked"


def is_address(name: str) -> bool:
    """Whether the name is an IP address, of which nobody asks CAA."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
