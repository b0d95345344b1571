"""Every transaction that changes a fact of a contract: its lock comes first, its evidence with it (design §4, §6)."""

import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from contract_gate.calendar import jst_date
from contract_gate.storage import lock_shared
from office.storage import bank_lines
from office.storage import notices as stored
from office.storage.bank_files import Dialect
from office.storage.contracts import Subject
from office.storage.notices import Letter
from office.storage.revocations import Scope
from office.use_cases import (
    acceptance,
    application,
    bank,
    bank_booking,
    bank_desk,
    bank_import,
    case_decisions,
    cases,
    changes,
    contracts,
    credit_invoices,
    ending,
    holds,
    keys,
    ledger,
    notices,
    payments,
    register,
    renewal,
    review,
    revocations,
)
from office.use_cases.cases import Opening
from office.use_cases.demo import make_demo
from sql import Conn, Pool, statements
from tests.conftest import NOW
from tests.office.conftest import ACCESS, stated
from tests.office.use_cases.issued import issue
from tests.simulators.bank_files import Credit, Statement, whole
from tests.sql.test_statements import MODULES

DAY = date(2026, 9, 1)
REVIEW = application.Review("address", "1", "register", DAY, "positive")
BILL = payments.Bill("I-1", "fee", DAY, None, 1000)
PAYMENT = payments.Payment(600, DAY, "REI", "file 1, line 1")

FEE = payments.Payment(60_500, DAY, "REI", "file 1, line 1")
ISSUE = """
SELECT gate.issue_invoice(id, 'fee', '2026-09-01', NULL, ROW(id, '2026-09-01', '2026-10-31', '2026-09-01', '2027-09-01',
    '{1000}', '{12}', '{55000}', '{5500}')::gate.bill_drafts, $1) FROM gate.contracts WHERE handle = 'acme'
"""

FACTS = re.compile(
    r"(?:INSERT INTO|UPDATE) gate\.(contract_names|contracts|consents|review_items|reviewed_subjects|binding_keys|"
    r"invoices|payment_matches|receipts|holds|information_changes|successions|free_reissues|formation_notices)\b"
)
# Of a contract nobody else can know yet; what tests below cover.
BESIDE = {
    ("contracts", "insert_contract"), ("contracts", "accept"), ("contracts", "tell"), ("applications", "move"),
    ("applications", "reject"), ("renewals", "serve"), ("renewals", "give_back"), ("revocations", "free_reissue"),
    ("money_books", "mark_spent"),  # a mark of the books on a receipt: what is open of an invoice stays as it is
}  # fmt: skip
ONCE_MORE = """
INSERT INTO office.bank_lines (file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen, uncleared_yen,
    query_number, remitter_code, remitter, sending_bank, sending_branch, edi, cancels, virtual_number, ordinal)
SELECT file_id, record, bank_account_id, nature, booked_on, value_on, amount_yen, uncleared_yen, query_number,
    remitter_code, remitter, sending_bank, sending_branch, edi, cancels, virtual_number, ordinal + 1
FROM office.bank_lines WHERE id = $1 RETURNING file_id
"""


async def a_key(conn: Conn) -> str:
    return (await keys.new_key(conn, "acme", "l", [], None, None, NOW)).kid


async def a_hold(conn: Conn, status: str) -> str:
    return str(await holds.set_hold(conn, "acme", "conduct", status, 2, "r", "ann", NOW))


async def a_receipt(conn: Conn) -> str:
    await payments.add_invoice(conn, "acme", BILL, NOW)
    return str((await payments.record_payment(conn, "I-1", PAYMENT, NOW)).receipt)


async def a_rest(conn: Conn) -> str:
    """A receipt with a rest, and another invoice I-2."""
    await payments.add_invoice(conn, "acme", payments.Bill("I-0", "fee", DAY, None, 100), NOW)
    await payments.add_invoice(conn, "acme", payments.Bill("I-2", "fee", DAY, None, 100), NOW)
    return str((await payments.record_payment(conn, "I-0", PAYMENT, NOW)).receipt)


async def a_change(conn: Conn) -> str:
    return str(await changes.report(conn, "acme", "address", True, NOW))


async def an_invoice(conn: Conn) -> str:
    return (await payments.add_invoice(conn, "acme", BILL, NOW)).number


async def given_up(conn: Conn) -> str:
    """A receipt that comes after the invoice was written off."""
    await ledger.write_off(conn, await an_invoice(conn), "write_off", "r", "ann", "bob", NOW)
    return str(await payments.record_unexplained(conn, FEE, NOW))


async def a_fee(conn: Conn) -> str:
    """A receipt that pays the invoice F00000001, which the books made."""
    await conn.execute(ISSUE, NOW)
    return str((await payments.record_payment(conn, "F00000001", FEE, NOW)).receipt)


async def a_dealers(conn: Conn) -> str:
    """An invoice under a dealer."""
    await conn.execute("UPDATE office.applications SET dealer = 'Dealer KK'")
    await conn.execute(ISSUE, NOW)
    return "F00000001"


async def lines(conn: Conn, *credits: Credit) -> list[int]:
    """Lines of one file each, imported before anybody knew of an invoice: their ids, oldest first."""
    await bank.open_account(conn, "main", DAY, "statement", NOW)
    told = Dialect(UUID(int=0), "main", "0001", "001", "1", "1234567", "zengin-01", "era", "none", None)
    await bank_desk.set_dialect(conn, "main", told, NOW)
    for credit in credits:
        await bank_import.import_octets(conn, whole([Statement([credit], DAY, DAY)]), None, NOW)
        await conn.execute("DROP TABLE bank_staging")  # as the end of the transaction would, which has not come
    return sorted(line.id for line in await bank_import.queue(conn))


async def a_line(conn: Conn) -> str:
    """A line that waits, and the invoice that it names."""
    [line] = await lines(conn, Credit(600, day=DAY, edi="INV20260001"))
    await payments.add_invoice(conn, "acme", payments.Bill("INV-2026-0001", "fee", DAY, None, 1000), NOW)
    return str(line)


async def a_cancellation(conn: Conn) -> str:
    """A line that takes back one which came after it, and pays an invoice by now."""
    cancels, earlier = await lines(conn, *(Credit(600, day=DAY, cancels=each) for each in (True, False)))
    await payments.add_invoice(conn, "acme", BILL, NOW)
    await bank_desk.match_line(conn, earlier, "I-1", "ann", NOW)
    return str(cancels)


async def staged(conn: Conn, line: str) -> bank_lines.Line:
    """An equal line behind it in its file, which an import has not booked yet."""
    file = await conn.fetchval(ONCE_MORE, int(line))
    found = [*await bank_lines.staged(conn, file, 1, 0), *await bank_lines.cancelling(conn, file, 1)]
    return found[0]


async def taken_back(conn: Conn, line: str) -> None:
    """The line does what it was imported for."""
    found = await staged(conn, line)
    assert (await bank_booking.cancel_by(conn, found, NOW)).cancelled == 1


async def booked(conn: Conn, line: str) -> None:
    """The line once more, as a batch of its own."""
    found = await staged(conn, line)
    assert (await bank_booking.book_batch(conn, await bank_booking.look(conn, [found]), NOW)).matched == 1


async def reviewed_and_stated(conn: Conn, contract: str) -> None:
    """The contract may be accepted."""
    await application.consent(conn, contract, "1", "1", "ann", "web", NOW, NOW)
    await application.subject(conn, contract, Subject("Rei K.K.", "JP", "Tokyo", None), "ann", NOW)
    for kind in application.REVIEWS:
        await application.review(conn, contract, application.Review(kind, "1", "register", DAY, "positive"), "ann", NOW)
    await stated(conn, contract)


async def a_decision(conn: Conn) -> str:
    """A case that two people may decide."""
    opening = Opening("damage", await cases.scope_of(conn, "acme", None, None, []), "somebody", "why", NOW, "recorded")
    return str((await cases.open_case(conn, opening, NOW)).case.id)


async def another(conn: Conn) -> str:
    """Another customer."""
    await register.add_customer(
        conn, register.customer("other", "Other", "sole_proprietor", None, True, None, NOW), NOW
    )
    return "other"


async def nothing(conn: Conn) -> str:
    return ""


async def reported(conn: Conn) -> str:
    return await a_hold(conn, "reported")


async def a_letter(conn: Conn) -> str:
    """The notice of formation on paper, which nobody has posted."""
    await conn.execute("UPDATE gate.formation_notices SET dispatched_at = NULL")
    notice = await conn.fetchval("SELECT notice_id FROM gate.formation_notices")
    letter = Letter(notice, "customer", None, "paper", "person", "", "ja", "s", "b", bytes(32))
    return str(await stored.insert_delivery(conn, letter, "ca.example", NOW))


Writer = Callable[[Conn, str], Awaitable[object]]
WRITERS: dict[str, tuple[Callable[[Conn], Awaitable[str]], Writer]] = {
    "add_name": (nothing, lambda c, _: application.add_name(c, "acme", "b.example.jp", None, NOW)),
    "remove_name": (nothing, lambda c, _: application.remove_name(c, "acme", "a.example.jp", None, NOW)),
    "consent": (nothing, lambda c, _: application.consent(c, "acme", "1", "1", "ann", "paper", NOW, NOW)),
    "review": (nothing, lambda c, _: application.review(c, "acme", REVIEW, "ann", NOW)),
    "subject": (
        nothing,
        lambda c, _: application.subject(c, "acme", Subject("R", "JP", None, "Chiyoda-ku"), "ann", NOW),
    ),
    "end": (nothing, lambda c, _: ending.cancel(c, "acme", "ann", NOW)),
    "new_key": (nothing, lambda c, _: keys.new_key(c, "acme", "l", [], None, None, NOW)),
    "withdraw": (a_key, lambda c, kid: keys.withdraw(c, kid, NOW)),
    "add_invoice": (nothing, lambda c, _: payments.add_invoice(c, "acme", BILL, NOW)),
    "record_payment": (an_invoice, lambda c, number: payments.record_payment(c, number, PAYMENT, NOW)),
    "match": (a_rest, lambda c, receipt: payments.match(c, receipt, "I-2", NOW)),
    "unmatch": (a_receipt, lambda c, receipt: ledger.unmatch(c, receipt, "I-1", "ann", NOW)),
    "write_off": (an_invoice, lambda c, number: ledger.write_off(c, number, "write_off", "r", "ann", "bob", NOW)),
    "credit": (
        a_fee,
        lambda c, receipt: credit_invoices.credit(c, "F00000001", 1100, 1000, receipt, "agreed", "ann", "bob", NOW),
    ),
    "recover": (given_up, lambda c, receipt: ledger.recover(c, receipt, "I-1", "r", "ann", "bob", NOW)),
    "state_default": (a_dealers, lambda c, number: ledger.state_default(c, number, "letter", "ann", NOW)),
    "book_batch": (a_line, booked),
    "cancel_by": (a_cancellation, taken_back),
    "match_line": (a_line, lambda c, line: bank_desk.match_line(c, int(line), "INV-2026-0001", "ann", NOW)),
    "cancel": (a_receipt, lambda c, receipt: payments.cancel(c, receipt, NOW)),
    "set_hold": (nothing, lambda c, _: holds.set_hold(c, "acme", "antisocial", "suspected", None, "r", "ann", NOW)),
    "suspect": (reported, lambda c, hold: holds.suspect(c, hold, "ann", NOW)),
    "confirm": (reported, lambda c, hold: holds.confirm(c, hold, "ann", "bob", NOW)),
    "lift": (reported, lambda c, hold: holds.lift(c, hold, "ann", "bob", NOW)),
    "report": (nothing, lambda c, _: changes.report(c, "acme", "address", True, NOW)),
    "posted": (a_letter, lambda c, letter: notices.posted(c, letter, jst_date(NOW), "ann", NOW)),
    "apply": (nothing, lambda c, _: renewal.apply(c, "acme-2", "acme", None, "change", NOW)),
    "assign": (another, lambda c, _: application.assign(c, "acme", "other", bytes(32), "ann", "bob", NOW)),
    "end_contract": (a_decision, lambda c, case: case_decisions.decide(c, case, "ann", "bob", "seen", NOW)),
    "resolve": (a_change, lambda c, change: changes.resolve(c, change, "ann", NOW)),
}


async def test_writers_take_the_lock_first_and_append_evidence(accepted: Conn) -> None:
    written: set[str] = set()
    for name, (arrange, write) in WRITERS.items():
        undo = accepted.transaction()
        await undo.start()  # what a writer did is undone: each finds the same contract
        subject = await arrange(accepted)
        with accepted.query_logger(said := Queries()):
            await write(accepted, subject)
        await undo.rollback()
        check(name, said.texts)
        written |= set(said.texts)
    await check_all_written(accepted, written)


class Queries:
    """Texts of the statements a connection ran."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, record: object) -> None:
        self.texts.append(record.query.strip())  # type: ignore[attr-defined]


def check(name: str, texts: list[str]) -> None:
    """Between the begin and the end of the one transaction: the lock first, evidence somewhere."""
    begun = next(at for at, text in enumerate(texts) if text.startswith(("BEGIN", "SAVEPOINT")))
    assert "pg_advisory_xact_lock(7001" in texts[begun + 1], name
    assert not any(FACTS.search(text) for text in texts[:begun]), name
    assert any("INSERT INTO evidence.records" in text for text in texts[begun:]), name


async def check_all_written(conn: Conn, written: set[str]) -> None:
    """No statement of ours that changes a fact is left out of WRITERS, but those of the tests below and a mark."""
    for module in (module.removeprefix("office/") for module in MODULES if module.startswith("office/")):
        for name, text in statements(f"office/{module}").items():
            if FACTS.search(text) and (module, name) not in BESIDE:
                assert text in written, f"{module}.{name}"


OF_APPLICATIONS: dict[str, Writer] = {
    "accept": lambda c, _: acceptance.accept(c, "acme", "ann", "bob", ACCESS, NOW),
    "reject": lambda c, _: acceptance.reject(c, "acme", "documents", "ann", "bob", NOW),
    "withdraw": lambda c, _: acceptance.withdraw(c, "acme", "ann", NOW),
    "ask_customer": lambda c, _: review.ask_customer(c, "acme", "a copy", "ann", NOW),
}


@pytest.mark.parametrize("name", OF_APPLICATIONS)
async def test_what_becomes_of_an_application_takes_the_lock_first(applied: Conn, name: str) -> None:
    with applied.query_logger(said := Queries()):
        await OF_APPLICATIONS[name](applied, "")
    check(name, said.texts)


async def test_a_successor_begins_and_gives_back_under_its_lock(accepted: Conn) -> None:
    await renewal.apply(accepted, "acme-2", "acme", None, "change", NOW)
    await reviewed_and_stated(accepted, "acme-2")
    for name, write in (
        ("serve", acceptance.accept(accepted, "acme-2", "ann", "bob", ACCESS, NOW)),
        ("give_back", ending.cancel(accepted, "acme-2", "ann", NOW)),
    ):
        with accepted.query_logger(said := Queries()):
            await write
        assert statements("office/renewals")[name] in said.texts
        check(name, said.texts)


@pytest.mark.rule("T11-13")
async def test_free_reissues_are_granted_under_the_lock(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    opening = Opening("ca_key", Scope(issuer_id=2), "somebody", "why", NOW, "own_evidence")
    case = str((await cases.open_case(accepted, opening, NOW)).case.id)
    await case_decisions.decide(accepted, case, "ann", "bob", "seen", NOW)
    with accepted.query_logger(said := Queries()):
        await revocations.execute(accepted, case, NOW)
    granted = said.texts.index(statements("office/revocations")["free_reissue"])
    begun = max(at for at, text in enumerate(said.texts[:granted]) if text.startswith("BEGIN"))
    check("free_reissue", said.texts[begun:])
    [kept] = await accepted.fetch("SELECT kind FROM evidence.records WHERE kind = 'reissue.freed'")
    assert kept["kind"] == "reissue.freed"


async def test_a_demo_made_before_is_changed_under_its_locks(operator: Conn) -> None:
    await make_demo(operator, NOW)
    with operator.query_logger(said := Queries()):
        await make_demo(operator, NOW)
    begun = said.texts.index("BEGIN;")
    assert all("pg_advisory_xact_lock(7001" in text for text in said.texts[begun + 1 : begun + 3])


@pytest.mark.parametrize("held", [True, False])
async def test_a_writer_waits_for_a_decision_under_way(accepted: Conn, pool: Pool, held: bool) -> None:
    """While another transaction shares the lock no fact changes; without one it does."""
    number = (await contracts.shown(accepted, "acme")).number
    await accepted.execute("SET lock_timeout = '50ms'")
    async with pool.acquire() as deciding, deciding.transaction():
        await lock_shared(deciding, number if held else number + 1)
        with pytest.raises(asyncpg.LockNotAvailableError) if held else nullcontext():
            await application.add_name(accepted, "acme", "b.example.jp", None, NOW)
