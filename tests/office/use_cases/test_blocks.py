"""Holds, changes and suspensions, with what the gate makes of them; and what `gate explain` tells."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from ca.profiles import TLSSERVER
from office.use_cases import application, changes, holds
from office.use_cases.asked import Unfit
from office.use_cases.contracts import dossier
from office.use_cases.explain import explain
from office.use_cases.keys import new_key, withdraw
from sql import Conn
from tests.conftest import NOW

LATER = NOW + timedelta(hours=1)


async def gate(conn: Conn, at: datetime = NOW) -> str | None:
    return (await explain(conn, "acme", None, ["a.example.jp"], at, TLSSERVER)).gate


@pytest.fixture
async def bound(accepted: Conn) -> Conn:
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    return accepted


@pytest.mark.rule("T3-4", "T13-2")
async def test_a_hold_blocks_from_suspicion_until_two_people_lift_it(bound: Conn) -> None:
    hold = str(await holds.set_hold(bound, "acme", "conduct", "reported", 2, "report", "ann", NOW))
    assert await gate(bound) is None
    await holds.suspect(bound, hold, "ann", NOW)
    assert await gate(bound) == "G7"
    await holds.confirm(bound, hold, "ann", "bob", NOW)
    with pytest.raises(Unfit, match="two different people"):
        await holds.lift(bound, hold, "bob", "bob", NOW)
    assert await gate(bound) == "G7"
    await holds.lift(bound, hold, "ann", "bob", NOW)
    assert await gate(bound) is None


@pytest.mark.rule("T13-2", "T3-4")
async def test_a_hit_in_the_review_is_lifted_by_two_people_too(bound: Conn) -> None:
    """One officer's later item alone does not set the contract free."""
    for verdict, minutes in (("negative", 1), ("positive", 2)):
        item = application.Review("screening", "1", "list", NOW.date(), verdict)
        await application.review(bound, "acme", item, "ann", NOW + timedelta(minutes=minutes))
        assert await gate(bound, LATER) == "G7"
    [hold] = await holds.listed(bound, "acme")
    assert (hold.kind, hold.status, hold.reason) == ("antisocial", "suspected", "see compliance")
    await holds.lift(bound, str(hold.id), "ann", "bob", LATER)
    assert await gate(bound, LATER) is None


@pytest.mark.rule("T13-3")
async def test_explain_and_evidence_tell_no_reason_of_a_hold(bound: Conn) -> None:
    await holds.set_hold(bound, "acme", "antisocial", "suspected", None, "a secret reason", "ann", NOW)
    said = str(await explain(bound, "acme", None, ["a.example.jp"], NOW, TLSSERVER)) + str(await dossier(bound, "acme"))
    recorded = b"".join(row["content"] for row in await bound.fetch("SELECT content FROM evidence.records"))
    for secret in ("secret", "antisocial", "anti-social"):
        assert secret not in said
        assert secret.encode() not in recorded


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize(("in_certificate", "expected"), [(True, "G8"), (False, None)])
async def test_a_change_blocks_while_certificates_show_it(
    bound: Conn, in_certificate: bool, expected: str | None
) -> None:
    change = str(await changes.report(bound, "acme", "other", in_certificate, NOW))
    assert await gate(bound) == expected
    await changes.resolve(bound, change, "ann", NOW)
    assert await gate(bound) is None


@pytest.mark.rule("T10-1", "T22-1")
@pytest.mark.parametrize("clause", changes.CLAUSES)
async def test_a_suspension_blocks_from_its_start_to_its_end(bound: Conn, clause: str) -> None:
    end = LATER + timedelta(hours=1)
    made = await changes.suspend(bound, clause, "flood", LATER, end, "ann", NOW)
    assert [await gate(bound, at) for at in (NOW, LATER, end)] == [None, "G9", None]
    await changes.resume(bound, str(made), "bob", LATER + timedelta(minutes=1))
    assert await gate(bound, LATER + timedelta(minutes=2)) is None


async def test_explain_answers_for_another_instant_key_and_name(bound: Conn) -> None:
    free = await new_key(bound, "acme", "other", ["b.example.jp"], None, None, NOW + timedelta(seconds=1))
    assert (await explain(bound, "acme", None, [], NOW, TLSSERVER)).gate == "G5"  # the newest key is for another name
    other = await explain(bound, "acme", free.kid, ["b.example.jp"], NOW, TLSSERVER)
    assert (other.gate, other.failing_names) == ("G5", ["b.example.jp"])
    await withdraw(bound, free.kid, NOW)
    said = await explain(bound, "acme", None, [], NOW, TLSSERVER)
    assert (said.outcome, said.names) == ("admitted", ["a.example.jp"])
    assert await gate(bound, NOW + timedelta(days=400)) == "G3"
    with pytest.raises(Unfit, match="no validity limit"):
        await explain(bound, "acme", None, [], datetime(2020, 1, 1, tzinfo=UTC), TLSSERVER)


Wrong = Callable[[Conn], Awaitable[object]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda c: holds.lift(c, "x", "ann", "bob", NOW), "'x' is the id of no hold"),
        (lambda c: holds.set_hold(c, "acme", "conduct", "suspected", None, "r", "ann", NOW), "names its item"),
        (lambda c: holds.set_hold(c, "acme", "conduct", "suspected", 1, "r", "eve", NOW), "no person 'eve'"),
        (lambda c: holds.set_hold(c, "acme", "conduct", "suspected", 1, "a\nb", "ann", NOW), "one line"),
        (lambda c: changes.suspend(c, "A10.1", "r", LATER, NOW, "ann", NOW), "must lie after"),
        (lambda c: new_key(c, "acme", "l", ["localhost"], None, None, NOW), "at least two labels"),
        (lambda c: new_key(c, "acme", "l", ["10.0.0.1/8"], None, None, NOW), "host bits set"),
        (lambda c: new_key(c, "acme", "l", [], 0, None, NOW), "1 or more"),
        (lambda c: new_key(c, "acme", "l", [], None, NOW, NOW), "in the past"),
    ],
)
async def test_what_cannot_be_done_says_why_and_changes_nothing(applied: Conn, wrong: Wrong, said: str) -> None:
    before = await applied.fetchval("SELECT count(*) FROM evidence.records")
    with pytest.raises(Unfit, match=said):
        await wrong(applied)
    assert await applied.fetchval("SELECT count(*) FROM evidence.records") == before
