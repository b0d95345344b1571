"""What nobody could confirm is not proposed; trying it out leaves nothing behind."""

from typing import Any

import pytest

from office.use_cases import application, asked, holds, trial
from office.use_cases.deciding import KINDS, converted
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_decisions import (
    RATE,
    Arranged,
    a_case,
    a_decision,
    accepted,
    nothing,
    open_fee,
    overpaid,
    paid,
    planned,
    two_accounts,
    written_off,
)
from tests.office.edge.api.test_router import NOBODY


async def given_up(conn: Conn, pool: Pool) -> dict[str, Any]:
    await written_off(conn, pool)
    return {}


# Kind: what is there before, arguments that nobody could confirm then, and why.
HOPELESS: dict[str, tuple[Arranged, dict[str, Any], str]] = {
    "bank.close": (two_accounts, {"closed_from": "2026-11-21", "reason": "merged"}, "covered through 2026-11-21"),
    "bank.correct": (
        two_accounts, {"bank": "0001", "branch": "001", "number": "7654321", "reason": "r"}, "another account has this",
    ),
    "contract.accept": (accepted, {"contract": "acme"}, "no application under review"),
    "contract.assign": (nothing, {"contract": "acme", "customer": "nobody", "document": NOBODY}, "no document"),
    "contract.reject": (accepted, {"contract": "acme", "reason": "late"}, "not under review"),
    "contract.rescind": (nothing, {"contract": "acme", "clause": "A11.4.1"}, "not running"),
    "contract.settle": (
        accepted, {"contract": "acme", "cause": "cancelled", "returned_yen": 0, "reason": "r"}, "has not ended",
    ),
    "hold.confirm": (nothing, {"hold": NOBODY}, "no hold"),
    "hold.lift": (nothing, {"hold": NOBODY}, "no hold"),
    "incident.begin": (planned, {"reason": "seen", "wait_seconds": 432_000}, "after the deadline"),
    "invoice.credit": (
        paid, {"invoice": "F00000001", "amount_yen": 60_501, "rate": 1000, "reason": "r"}, "the invoice's total",
    ),
    "invoice.credit_tax": (open_fee, {"invoice": "F00000001", "reason": "rate cut"}, "no credit of tax"),
    "invoice.issuer": (nothing, {"name": "CA", "address": "A", "registration_number": "T0"}, "no registration number"),
    "invoice.leave_tax": (open_fee, {"invoice": "F00000001", "reason": "netted"}, "no credit of tax"),
    "invoice.recover": (paid, {"invoice": "F00000001", "reason": "paid"}, "nothing of 'F00000001' is written off"),
    "invoice.small_difference": (open_fee, {"invoice": "F00000001", "reason": "charge"}, "a small difference is"),
    "invoice.write_off": (given_up, {"invoice": "F00000001", "reason": "bankrupt"}, "0 yen of invoice"),
    "payment.refund": (overpaid, {"amount_yen": 501, "reason": "overpaid"}, "has no 501 yen left"),
    "revocation.decide": (a_decision, {"reason": "asked"}, "decided already"),
    "revocation.material": (a_case, {"reason": "r", "deadline_at": "2026-11-27T12:00:00Z"}, "a clock of its own"),
    "revocation.withdraw": (a_case, {"reason": "erroneous"}, "no decision to withdraw"),
    "tax_rate.add": (nothing, {"effective_on": "2026-11-22", "basis_points": 1200}, "not to come"),
    "tax_rate.remove": (nothing, {**RATE, "reason": "misread"}, "no rate of 1200 basis points begins on 2027-04-01"),
    "service.end": (nothing, {"cause": "closing", "ends_on": "2026-12-01", "certificates": "revoke"}, "three months"),
}  # fmt: skip


def test_every_kind_is_tried_with_what_nobody_could_confirm() -> None:
    assert HOPELESS.keys() == {name for name, kind in KINDS.items() if not kind.vouched}


async def left(pool: Pool) -> list[int]:
    tables = ("office.proposals", "evidence.records", "office.notices", "office.adjustments", "office.endings")
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.rule("T17-1")
@pytest.mark.parametrize("kind", HOPELESS)
async def test_what_nobody_could_confirm_is_not_proposed(api: Api, applied: Conn, pool: Pool, kind: str) -> None:
    arrange, arguments, why = HOPELESS[kind]
    wanted = {"kind": kind, "arguments": {**arguments, **await arrange(applied, pool)}}
    before = await left(pool)
    role = next(each for each in ("officer", "operator", "compliance") if each in KINDS[kind].proposers)
    status, problem = await api.call(role, "POST", "/proposals", wanted)
    assert (status, why in problem["detail"]) == (422, True), problem
    assert await left(pool) == before


async def test_a_trial_leaves_nothing_and_holds_nobody(api: Api, applied: Conn, pool: Pool) -> None:
    """A proposal leaves its own two rows; the contract can change while the proposal's transaction still runs."""
    before = await left(pool)
    await api.made("officer", "/proposals", {"kind": "contract.accept", "arguments": {"contract": "acme"}})
    assert await left(pool) == [before[0] + 1, before[1] + 1, *before[2:]]
    assert await pool.fetchval("SELECT state FROM gate.contracts WHERE handle = 'acme'") == "under_review"
    ann = await asked.person(applied, "ann")
    async with applied.transaction(), pool.acquire() as other:
        await other.execute("SET lock_timeout = '50ms'")
        given = converted(KINDS["contract.accept"].given, {"contract": "acme"})
        await trial.tried(applied, "contract.accept", given, ann, NOW)
        await application.add_name(other, "acme", "b.example.jp", None, NOW)


@pytest.mark.rule("T13-3")
async def test_a_proposal_under_article_13_does_not_tell_whether_a_finding_is_confirmed(
    api: Api, applied: Conn
) -> None:
    """Who decides in the end is told."""
    await accepted(applied, applied)  # type: ignore[arg-type]
    wanted = {"kind": "contract.rescind", "arguments": {"contract": "acme", "clause": "A13.1"}}
    proposal = (await api.made("officer", "/proposals", wanted))["id"]
    status, problem = await api.call("approver", "POST", f"/proposals/{proposal}/confirm", {})
    assert (status, "finding" in problem["detail"]) == (422, True)
    hold = await holds.set_hold(applied, "acme", "antisocial", "suspected", None, "r", "ann", NOW)
    await holds.confirm(applied, str(hold), "ann", "bob", NOW)
    assert (await api.made("approver", f"/proposals/{proposal}/confirm", {}))["state"] == "confirmed"


async def test_a_proposal_needs_somebody_who_could_confirm_it(api: Api, pool: Pool) -> None:
    await pool.execute("UPDATE gate.persons SET left_at = $1 WHERE handle <> 'ann'", NOW)
    wanted = {"kind": "contract.reject", "arguments": {"contract": "acme", "reason": "late"}}
    status, problem = await api.call("officer", "POST", "/proposals", wanted)
    assert (status, "nobody else is there" in problem["detail"]) == (422, True)
