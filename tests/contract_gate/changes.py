"""One thing at a time that breaks a good contract in the database."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from contract_gate.decision import Admitted, Refused
from contract_gate.gate import decide
from contract_gate.storage import facts_of
from sql import Conn, Pool
from sql.ids import uuid7
from tests.contract_gate.arrange import NOW, ContractRows, fee_invoice, insert, review_item, start, wanted


async def ask(conn: Conn, rows: ContractRows, *names: str) -> Admitted | Refused:
    request = wanted(*names)
    return decide(await facts_of(conn, rows.binding_key_id, request.names, NOW), request, NOW)


Change = Callable[[Conn, ContractRows], Awaitable[object]]


async def end(conn: Conn, rows: ContractRows) -> None:
    await conn.execute(
        "UPDATE gate.contracts SET state = 'ended', ended_at = $2, end_cause = 'cancelled' WHERE id = $1",
        rows.contract_id,
        NOW,
    )


async def untold(conn: Conn, rows: ContractRows) -> None:
    notice = uuid7(NOW)
    await conn.execute(
        "INSERT INTO office.notices (id, kind, clause, queued_at) VALUES ($1, 'contract_formed', 'A4.3', $2)",
        notice,
        NOW,
    )
    await conn.execute("INSERT INTO gate.formation_notices VALUES ($1, $2)", rows.contract_id, notice)


async def forget_consent(conn: Conn | Pool, rows: ContractRows) -> None:
    await conn.execute("DELETE FROM gate.consents WHERE contract_id = $1", rows.contract_id)


async def negative_review(conn: Conn, rows: ContractRows) -> None:
    await review_item(conn, rows.contract_id, rows.people[0], "address", NOW.date(), "negative")


async def forget_subject(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("DELETE FROM gate.reviewed_subjects WHERE contract_id = $1", rows.contract_id)


async def withdraw_key(conn: Conn | Pool, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET withdrawn_at = $2 WHERE id = $1", rows.binding_key_id, NOW)


async def expire_key(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET expires_at = $2 WHERE id = $1", rows.binding_key_id, NOW)


async def narrow_key(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.binding_keys SET names = '{shop.demo.test}' WHERE id = $1", rows.binding_key_id)


async def remove_name(conn: Conn, rows: ContractRows) -> None:
    await conn.execute("UPDATE gate.contract_names SET removed_at = $1 WHERE kind = 'domain'", NOW)


async def too_many_names(conn: Conn, rows: ContractRows) -> None:
    for number in range(4):
        name = f"{number}.other.test"
        await insert(conn, "contract_names", contract_id=rows.contract_id, kind="host", value=name, added_at=NOW)


async def overdue_fee(conn: Conn, rows: ContractRows) -> None:
    await fee_invoice(conn, rows.contract_id, date(2026, 10, 30))


async def hold(
    conn: Conn, rows: ContractRows, kind: str = "conduct", status: str = "suspected", **confirmed: object
) -> None:
    await insert(
        conn,
        "holds",
        contract_id=rows.contract_id,
        kind=kind,
        status=status,
        reason="SECRET",
        set_by=rows.people[0],
        set_at=NOW,
        **confirmed,
    )


async def confirmed_hold(conn: Conn, rows: ContractRows) -> None:
    first, second = rows.people[:2]
    await hold(
        conn, rows, "antisocial", "confirmed", confirmed_by_first=first, confirmed_by_second=second, confirmed_at=NOW
    )


async def screening_hit(conn: Conn, rows: ContractRows) -> None:
    await review_item(conn, rows.contract_id, rows.people[0], "screening", NOW.date(), "negative")


async def renamed(conn: Conn, rows: ContractRows) -> None:
    await insert(
        conn,
        "information_changes",
        contract_id=rows.contract_id,
        item="organization",
        in_certificate=True,
        learned_at=NOW,
    )


async def suspend(conn: Conn, rows: ContractRows) -> None:
    await insert(conn, "suspensions", clause="A10.1", cause="network", starts_at=NOW, set_by=rows.people[0])


async def term_over(conn: Conn, rows: ContractRows) -> None:
    await start(conn, rows.contract_id, NOW - timedelta(days=366))
