"""What the gate would answer, and why: for any contract, names and instant (design §5)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ca.profiles import Profile as Profile
from ca.profiles import lifetime
from contract_gate.decision import Admitted, Breach, Refused, Request
from contract_gate.gate import ASKED, decide
from contract_gate.storage import facts_of_contract
from office.storage import contracts, keys
from office.use_cases import asked
from office.use_cases.asked import Unfit
from office.use_cases.forecast import assumed_by, gone_on
from sql import Conn

MOST_NAMES = 100


class Rule(msgspec.Struct, frozen=True):
    """What one rule said. G7 tells neither clause nor reason (T13-3)."""

    gate: str
    rule: str
    clause: str
    result: str
    note: str


class Explanation(msgspec.Struct, frozen=True):
    """What the gate would answer at an instant, and what every rule said; `assumed`: of what is to come till then."""

    contract: str
    names: list[str]
    at: datetime
    outcome: str
    gate: str | None
    case: str | None
    failing_names: list[str]
    not_after_limit: datetime | None
    assumed: str | None
    rules: list[Rule]


async def explain(
    conn: Conn, contract: str, kid: str | None, names: Sequence[str], at: datetime, profile: Profile,
    *, ahead: bool = False,
) -> Explanation:  # fmt: skip
    """The gate's own answer to a wish for that profile, from the facts as they are now; nothing is recorded.

    Without names those the contract lists, without a key its newest live one. `ahead`: the instant is to come, and what
    comes till then is taken as the forecast takes it. Raises Unfit.
    """
    key = await asked.contract(conn, contract)
    wanted = [name.strip().lower() for name in names if name.strip()] or await listed(conn, contract)
    if len(wanted) > MOST_NAMES:
        raise Unfit(f"{len(wanted)} names: a certificate has at most {MOST_NAMES}, name some with --names")
    try:
        allowed = lifetime(profile, at)
    except ValueError as error:
        raise Unfit(str(error)) from error
    if kid is not None and not await keys.serves(conn, kid, key.id):
        raise Unfit(f"contract '{contract}' has no key '{kid}': `keiyaku key list {contract}` shows them")
    loaded = await facts_of_contract(conn, key.id, wanted, at, kid)
    assert loaded is not None  # contracts are never deleted
    answer = decide(gone_on(loaded, at) if ahead else loaded, Request(tuple(wanted), None, None, allowed), at)
    return explained(contract, answer, assumed_by(at) if ahead else None)


async def listed(conn: Conn, contract: str) -> list[str]:
    """Names of the contract that a certificate could hold; of a network none is told. Raises Unfit."""
    key = await asked.contract(conn, contract)
    names = [name.value for name in await contracts.live_names(conn, key.id) if name.kind != "network"]
    if not names:
        raise Unfit(f"contract '{contract}' lists no DNS name: name some with --names")
    return names


def explained(contract: str, answer: Admitted | Refused, assumed: str | None) -> Explanation:
    """The answer in words for the CA's people."""
    refused = answer if isinstance(answer, Refused) else None
    return Explanation(
        contract=contract,
        names=list(answer.request.names),
        at=answer.decided_at,
        outcome="refused" if refused else "admitted",
        gate=refused.gate.value if refused else None,
        case=refused.case.value if refused else None,
        failing_names=list(refused.names) if refused else [],
        not_after_limit=answer.not_after_limit if isinstance(answer, Admitted) else None,
        assumed=assumed,
        rules=[
            Rule(gate.value, found.rule, found.clause, "breach", found.note)
            if isinstance(found, Breach)
            else Rule(gate.value, found.rule, found.clause, "satisfied", "")
            for (gate, _), found in zip(ASKED, answer.findings, strict=True)
        ],
    )
