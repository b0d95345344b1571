"""What people do in a story: the CA's officers, the customers, the bank. Each act is one of the office's use cases."""

import os
from datetime import date
from hashlib import sha256
from uuid import UUID

from acme_server.dev.story import bank_file
from acme_server.dev.story.bank_file import Credit
from acme_server.dev.story.machine import registered
from acme_server.dev.story.telling import Line, refusal
from acme_server.dev.story.world import World
from contract_gate.calendar import DAY, bank_day, bank_days_between, jst_date
from contract_gate.money import TaxRate
from office.storage.bank_files import Dialect
from office.storage.contracts import Subject
from office.storage.people import Text
from office.use_cases import (
    acceptance,
    application,
    bank,
    bank_desk,
    bank_import,
    case_decisions,
    cases,
    change_reports,
    changes,
    contracts,
    documents,
    ending,
    holds,
    keys,
    ledger,
    payments,
    plans,
    register,
    renewal,
    review,
    revocations,
    screening,
    seal,
    sellers,
    service_end,
    tax_rates,
)
from office.use_cases.acceptance import Access
from office.use_cases.cases import Opening

ANN, BOB, APPLICANT = "ann", "bob", "applicant"  # two officers, and who asks for the customers
PLAN, FEE_YEN, MONTHS, NAMES = "yearly", 55_000, 12, 3
CRITERIA = "2026-1"
ACCOUNT = "main"
FIRST_DAYS = 5  # of a month, in which last days in time lie


async def found(world: World) -> None:
    """The CA has people, a plan, texts, a bank account and an issuer of invoices."""
    conn, now = world.conn, world.now
    for handle in (ANN, BOB, APPLICANT):
        await register.add_person(conn, handle, handle.title(), "Keiyaku story", now)
    await plans.add(conn, register.plan(PLAN, "One year", FEE_YEN, MONTHS, NAMES, now), now, now)
    for kind in ("terms", "cps"):
        text = Text(kind, "1", sha256(kind.encode()).digest(), f"https://ca.story.test/{kind}", now)
        await register.add_text(conn, text, now)
    world.bank_through = jst_date(now) - DAY
    await bank.open_account(conn, ACCOUNT, world.bank_through, "opening", now)
    at = Dialect(UUID(int=0), ACCOUNT, bank_file.BANK, bank_file.BRANCH, "1", bank_file.NUMBER, "zengin-01", "era",
                 "none", None)  # fmt: skip
    await bank_desk.set_dialect(conn, ACCOUNT, at, now)
    into = sellers.Told(account=ACCOUNT, bank_name="例示銀行", branch_name="本店", holder="ｹｲﾔｸ ｽﾄ-ﾘ-")
    seller = sellers.NewSeller("Keiyaku Story CA", "Tokyo", "T7000012050002", into)
    await sellers.set_seller(conn, seller, ANN, BOB, now)


async def apply(world: World, contract: str, name: str, kana: str) -> None:
    """A customer applies; the officers review (A4)."""
    conn, now = world.conn, world.now
    customer = register.customer(contract, name, "juridical_person", None, True, f"{contract}@{contract}.test", now)
    await register.add_customer(conn, customer, now)
    await bank_desk.add_alias(conn, contract, kana, ANN, now)
    await contracts.create(conn, contract, contract, PLAN, now)
    await application.add_name(conn, contract, f"{contract}.test", "domain", now)
    await reviewed(world, contract, name)


async def reviewed(world: World, contract: str, name: str) -> None:
    """Consent, review, statement, call-back and screening of an application are on record."""
    conn, now = world.conn, world.now
    await application.consent(conn, contract, "1", "1", APPLICANT, "web", now, now)
    await application.subject(conn, contract, Subject(name, "JP", "Tokyo", None), ANN, now)
    for kind in application.REVIEWS:
        item = application.Review(kind, CRITERIA, "register", jst_date(now), "positive")
        await application.review(conn, contract, item, ANN, now)
    await application.state(conn, contract, application.Stated("The president", APPLICANT), now)
    await application.name_requester(conn, contract, APPLICANT, APPLICANT, now)
    await review.call_back(conn, contract, "telephone directory", True, ANN, now)
    await screening.clear(conn, contract, "police list", BOB, now)


async def accept(world: World, contract: str) -> None:
    """Two people accept (T4-5)."""
    access = Access(f"{world.context.base_url}/directory", world.posting.base_url)
    await acceptance.accept(world.conn, contract, ANN, BOB, access, world.now)


async def install(world: World, contract: str) -> None:
    """The customer's machine has a binding key, registers and asks for its first certificate (T4-2)."""
    key = await keys.new_key(world.conn, contract, "web server", [], 1, None, world.now)
    world.machines[contract] = await registered(world.context, key, [f"www.{contract}.test"], world.now)
    await order(world, contract)


async def order(world: World, contract: str) -> None:
    """The machine asks for a certificate now; a refusal is told of the contract that its key serves by now (T12-7)."""
    await world.seal()
    if refused := await world.machines[contract].ask(world.context, world.now, world.work):
        served = await contracts.shown(world.conn, str(refused.contract_id))
        world.tell(refusal(served.handle, refused))


async def switch_off(world: World, contract: str) -> None:
    """The customer takes the machine away."""
    world.machines[contract].is_off = True


async def revoke_one(world: World, contract: str) -> None:
    """The machine has its newest certificate revoked, as superseded (A11.3)."""
    await world.machines[contract].revoke(world.context, 4, world.now)


async def pay(world: World, contract: str, kana: str, yen: int) -> None:
    """The customer pays in at the bank; the CA reads of it in the bank's next file."""
    world.credits.append(Credit(jst_date(world.now), kana, yen))
    world.tell(Line(world.now, contract, f"the customer transfers {yen} yen", "T8-5"))


async def explain_line(world: World, contract: str) -> None:
    """An accountant says which invoice the line that waits pays (T8-5)."""
    [waiting] = await bank_import.queue(world.conn)
    [bill] = await payments.listed(world.conn, contract, unpaid=True)
    await bank_desk.match_line(world.conn, waiting.id, bill.number, ANN, world.now)


async def write_off_rest(world: World, contract: str) -> None:
    """Two people give up a deducted bank charge (T8-15)."""
    [bill] = await payments.listed(world.conn, contract, unpaid=True)
    await ledger.write_off(world.conn, bill.number, "small_difference", "bank charge", ANN, BOB, world.now)


async def renew(world: World, old: str, new: str, link: str, name: str) -> None:
    """The customer applies for a contract that follows the old one (T12-4, T14-1)."""
    await renewal.apply(world.conn, new, old, None, link, world.now)
    await reviewed(world, new, name)


async def learn_of_new_name(world: World, contract: str) -> None:
    """The CA learns that the organisation has another name: five days run (T11-2, T14-2)."""
    await changes.report(world.conn, contract, "organization", True, world.now)


async def report_merger(world: World, contract: str, name: str, succeeded_on: date) -> None:
    """The successor reports the merger with its proof; certificates would show its name (T6-3, T6-4)."""
    conn, now = world.conn, world.now
    document = await documents.keep(
        conn, contract, "registry", jst_date(now), b"registry of " + name.encode(), APPLICANT, os.urandom(32), now
    )
    told = change_reports.Reported("succession", str(document), organization=name, succeeded_on=succeeded_on)
    made = await change_reports.report(conn, contract, told, APPLICANT, now)
    await change_reports.confirm(conn, str(made.id), "corporate register", ANN, now)
    world.notes[contract] = str(made.id)


async def finish_merger(world: World, contract: str, name: str) -> None:
    """The work is done, and the change takes effect (T6-2)."""
    await change_reports.finish(world.conn, world.notes[contract], ANN, name, None, world.now)


async def ask_for_seal(world: World, contract: str) -> None:
    """The customer shows the seal on its pages from now on (T1-3)."""
    await seal.request(world.conn, contract, APPLICANT, world.now)


async def revoke_unpaid(world: World, contract: str) -> None:
    """Two people record the default as material, and decide (A11.4.4, T11-12)."""
    conn, now = world.conn, world.now
    scope = await cases.scope_of(conn, contract, None, None, [])
    opening = Opening("unpaid", scope, "accounting", "the fee is unpaid, reminders had no answer", now, None)
    case = str((await cases.open_case(conn, opening, now)).case.id)
    await case_decisions.record_material(
        conn, case, ANN, BOB, "two reminders", await case_decisions.material_deadline(conn, case, now), now
    )
    await case_decisions.decide(conn, case, ANN, BOB, "the fee is unpaid", now)
    await revocations.execute(conn, case, now)


async def cancel(world: World, contract: str) -> None:
    """The customer cancels by the designated act (T11-4)."""
    await ending.cancel(world.conn, contract, APPLICANT, world.now)


async def hold(world: World, contract: str) -> None:
    """Compliance has a finding: the contract is held, and nobody outside learns why (T13-2)."""
    made = await holds.set_hold(world.conn, contract, "antisocial", "suspected", None, "see compliance", BOB, world.now)
    world.notes[contract] = str(made)


async def rescind(world: World, contract: str) -> None:
    """Two people confirm the finding and rescind without demand (T13-2)."""
    await holds.confirm(world.conn, world.notes[contract], ANN, BOB, world.now)
    await ending.rescind(world.conn, contract, "A13.1", ANN, BOB, world.now)


async def new_rate(world: World, basis_points: int, on: date) -> None:
    """Two people add a tax rate that is to come (T8-8)."""
    await tax_rates.add(world.conn, TaxRate(on, basis_points), ANN, BOB, world.now)


async def end_service(world: World, on: date) -> None:
    """Two people decide that the service ends, three months ahead (A23.1)."""
    await service_end.decide(world.conn, "the CA gives up the business", on, "revoke", ANN, BOB, world.now)


async def bank_morning(world: World) -> None:
    """The bank's file of the days since the last one is imported (T8-6).

    It comes after two bank days, in the first days of a month, and on the bank day after money came in.
    """
    today = jst_date(world.now)
    last = today - DAY
    shown = [each for each in world.credits if each.on <= last]
    comes = shown or today.day <= FIRST_DAYS or bank_days_between(world.bank_through, today, frozenset()) > 1
    if not (comes and bank_day(today, frozenset()) and last > world.bank_through):
        return
    first = world.bank_through + DAY
    world.credits = [each for each in world.credits if each.on > last]
    path = world.settings.data / f"bank-{last}.txt"
    path.write_bytes(bank_file.bank_file(first, last, shown))
    await bank_import.import_file(world.conn, path, None, None, False, lambda *_: None, world.now)
    world.bank_through = last
