"""What other contracts have helps and harms a contract in nothing; what was ended counts no more."""

from datetime import date, timedelta

import pytest

from contract_gate.decision import Admitted, Case, Gate, Refused
from contract_gate.kept import KeptFacts
from contract_gate.storage import facts_of, facts_of_contract, facts_of_contracts
from sql import Conn
from tests.contract_gate.arrange import NOW, ContractRows, fee_invoice, good_contract, insert
from tests.contract_gate.changes import (
    Change,
    ask,
    confirmed_hold,
    end,
    forget_consent,
    forget_subject,
    hold,
    negative_review,
    overdue_fee,
    renamed,
    screening_hit,
    too_many_names,
    withdraw_key,
)

HOUR = timedelta(hours=1)


async def forget_review(conn: Conn, rows: ContractRows) -> None:
    await conn.execute(
        "DELETE FROM gate.review_items WHERE kind = 'domain_right' AND contract_id = $1", rows.contract_id
    )


async def forget_names(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("DELETE FROM gate.contract_names WHERE contract_id = $1", rows.contract_id)


@pytest.mark.parametrize(
    ("change", "gate", "case"),
    [
        pytest.param(forget_consent, Gate.G2, Case.NO_CONSENT, id="T2-1 consent"),
        pytest.param(forget_review, Gate.G3, Case.REVIEW_INCOMPLETE, id="T4-3 review"),
        pytest.param(forget_subject, Gate.G3, Case.REVIEW_INCOMPLETE, id="T1-2 subject"),
        pytest.param(forget_names, Gate.G5, Case.NAMES, id="T4-8 names"),
    ],
)
async def test_what_another_contract_has_does_not_help(
    conn: Conn, rows: ContractRows, change: Change, gate: Gate, case: Case
) -> None:
    await good_contract(conn, "other")
    assert isinstance(await ask(conn, rows, "www.demo.test", "127.0.0.1"), Admitted)
    await change(conn, rows)
    answer = await ask(conn, rows, "www.demo.test", "127.0.0.1")
    assert isinstance(answer, Refused)
    assert (answer.gate, answer.case) == (gate, case)


@pytest.mark.parametrize(
    "change",
    [
        end, forget_consent, forget_subject, negative_review, screening_hit, hold, confirmed_hold, overdue_fee, renamed,
        too_many_names, withdraw_key,
    ],
    ids=lambda change: change.__name__,
)  # fmt: skip
async def test_what_is_wrong_with_another_contract_does_no_harm(conn: Conn, rows: ContractRows, change: Change) -> None:
    before = await facts_of(conn, rows.binding_key_id, ["www.demo.test"], NOW)
    other = await good_contract(conn, "other")
    await change(conn, other)
    assert isinstance(await ask(conn, rows), Admitted)
    assert isinstance(await ask(conn, other), Refused)
    assert await facts_of(conn, rows.binding_key_id, ["www.demo.test"], NOW) == before


@pytest.mark.rule("T4-8")
async def test_a_removed_name_or_network_covers_nothing(conn: Conn, rows: ContractRows) -> None:
    for name, kind in (("127.0.0.1", "network"), ("www.demo.test", "domain")):
        assert isinstance(await ask(conn, rows, name), Admitted)
        await conn.execute("UPDATE gate.contract_names SET removed_at = $1 WHERE kind = $2", NOW, kind)
        answer = await ask(conn, rows, name)
        assert isinstance(answer, Refused)
        assert answer.gate is Gate.G5


@pytest.mark.rule("T8-13")
async def test_a_removed_name_is_not_counted(conn: Conn, rows: ContractRows) -> None:
    await too_many_names(conn, rows)
    assert isinstance(await ask(conn, rows), Refused)
    await conn.execute("UPDATE gate.contract_names SET removed_at = $1 WHERE kind = 'host'", NOW)
    assert isinstance(await ask(conn, rows), Admitted)


@pytest.mark.rule("T6-4")
async def test_a_resolved_change_blocks_no_more(conn: Conn, rows: ContractRows) -> None:
    await renamed(conn, rows)
    assert isinstance(await ask(conn, rows), Refused)
    await conn.execute("UPDATE gate.information_changes SET resolved_at = $1", NOW)
    assert isinstance(await ask(conn, rows), Admitted)


@pytest.mark.rule("T12-7")
async def test_a_key_serves_the_contract_that_follows_from_its_day_and_up_to_its_end(
    conn: Conn, rows: ContractRows
) -> None:
    second = await good_contract(conn, "second", predecessor_id=rows.contract_id)
    await conn.execute(
        "INSERT INTO gate.successions VALUES ($1, $2, $3, $4)",
        rows.contract_id, second.contract_id, NOW - HOUR, NOW + HOUR,
    )  # fmt: skip
    for hours, serves in ((-2, rows), (-1, second), (0, second), (1, rows)):
        found = (await facts_of(conn, rows.binding_key_id, ["www.demo.test"], NOW + hours * HOUR)).facts
        assert found.contract is not None
        assert found.contract.id == serves.contract_id, hours


@pytest.mark.rule("T12-7")
async def test_a_contract_is_asked_about_with_the_key_that_it_serves_then(conn: Conn, rows: ContractRows) -> None:
    """With its own first, and with none of the line while that does not serve it: asked alone, and with others."""
    second = await good_contract(conn, "second", predecessor_id=rows.contract_id)
    await conn.execute(
        "INSERT INTO gate.successions VALUES ($1, $2, $3, $4)",
        rows.contract_id, second.contract_id, NOW - HOUR, NOW + HOUR,
    )  # fmt: skip
    for withdrawn, expected in (
        (False, {-2: second.binding_key_id, 0: second.binding_key_id, 1: second.binding_key_id}),
        (True, {-2: None, -1: rows.binding_key_id, 0: rows.binding_key_id, 1: None}),
    ):
        if withdrawn:
            await conn.execute(
                "UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE id = $1", second.binding_key_id, NOW - 2 * HOUR
            )
        for hours, key in expected.items():
            at = NOW + hours * HOUR
            alone = await facts_of_contract(conn, second.contract_id, ["www.demo.test"], at, None)
            assert alone is not None
            for loaded in (alone, *await facts_of_contracts(conn, [(second.contract_id, ["www.demo.test"])], at)):
                assert (loaded.facts.binding.id if loaded.facts.binding else None) == key, (withdrawn, hours)


@pytest.mark.rule("T1-2")
async def test_the_subject_that_was_reviewed_last_counts(conn: Conn, rows: ContractRows) -> None:
    for organization, days in (("New KK", 1), ("Old KK", 300)):
        await insert(
            conn, "reviewed_subjects", contract_id=rows.contract_id, organization=organization, country="JP",
            state_or_province="Tokyo", locality="Mitaka-shi", checked_by=rows.people[0],
            recorded_at=NOW - timedelta(days=days),
        )  # fmt: skip
    found = (await facts_of(conn, rows.binding_key_id, ["www.demo.test"], NOW)).facts
    assert found.subject is not None
    assert found.subject.organization == "New KK"


@pytest.mark.rule("T8-6")
@pytest.mark.parametrize(
    ("covered_from", "covered_through"),
    [
        pytest.param(date(2026, 1, 6), date(2026, 11, 21), id="begins after the invoice"),
        pytest.param(date(2026, 1, 1), date(2026, 10, 29), id="ends before the last day in time"),
    ],
)
async def test_nothing_is_overdue_while_one_account_is_not_known(
    conn: Conn, rows: ContractRows, covered_from: date, covered_through: date
) -> None:
    await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))
    assert isinstance(await ask(conn, rows), Refused)
    await insert(conn, "bank_accounts", handle="second", covered_from=covered_from, covered_through=covered_through)
    assert isinstance(await ask(conn, rows), Admitted)


@pytest.mark.rule("T8-15")
async def test_a_strangers_fee_blocks_nobody_however_far_a_block_goes(conn: Conn, rows: ContractRows) -> None:
    at = NOW - timedelta(days=300)
    await conn.execute("INSERT INTO gate.readings VALUES ('block.scope', $1, 'customer', $2, $3)", at, *rows.people)
    await overdue_fee(conn, await good_contract(conn, "strangers"))
    assert isinstance(await ask(conn, rows), Admitted)
    await overdue_fee(conn, await good_contract(conn, "own", customer_id=rows.customer_id))
    assert isinstance(await ask(conn, rows), Refused)


@pytest.mark.rule("T11-13")
async def test_certificates_come_again_without_payment_until_the_end_of_that_and_of_no_other_contract(
    conn: Conn, rows: ContractRows
) -> None:
    """Kept facts end with it too."""
    other, kept, names = await good_contract(conn, "other"), KeptFacts(), ["www.demo.test"]
    await conn.execute("SET LOCAL session_replication_role = replica")  # no case need stand behind it
    await conn.execute(
        "INSERT INTO gate.free_reissues VALUES ($1, gen_random_uuid(), $2, $3)", rows.contract_id, NOW - HOUR, NOW
    )
    await conn.execute("SET LOCAL session_replication_role = origin")
    current = [row["revision"] for row in await conn.fetch("SELECT revision FROM gate.revisions")]
    for key, before, after in ((rows.binding_key_id, True, False), (other.binding_key_id, False, False)):
        found = [(await facts_of(conn, key, names, at, None, kept)).facts for at in (NOW, NOW - HOUR)]
        assert [each.free_reissue for each in found] == [after, before]
        at_end = kept.facts((key, None), names, NOW, current)
        assert at_end is None if before else at_end is not None
        assert kept.facts((key, None), names, NOW - HOUR, current) is not None
