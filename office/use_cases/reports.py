"""Problem reports are taken at any hour and answered within 24 hours (BR 4.9.3, 4.9.5; C-161, C-162)."""

from datetime import datetime
from uuid import UUID

from contract_gate.articles.article_11_revocation import GROUNDS
from office.storage import contracts, reports
from office.storage.reports import NewReport, Report
from office.storage.revocations import Scope
from office.use_cases import asked, cases
from office.use_cases.asked import MOST, NoSuch, Unfit, checked_text, id_of
from office.use_cases.cases import Opening, Standing
from office.use_cases.notify import notify
from sql import Conn
from sql.evidence import append, entry

OPEN_INTAKE = "process:office"
SHOWN = 10


def new(reporter: str, email: str, what: str, serials: list[bytes], received_at: datetime) -> NewReport:
    """A report as it came in."""
    return NewReport(reporter, email, what, serials, received_at)


async def may_report(conn: Conn, network: str, now: datetime) -> bool:
    """Whether somebody at that network may hand in another report now; if so it is counted."""
    return await reports.count(conn, network, now)


async def take(conn: Conn, new: NewReport, person: str | None, now: datetime) -> Report:
    """The report is on record and its clock runs from its receipt (C-162). No person: the open intake. Raises Unfit."""
    checked_text("reporter", new.reporter, 200)
    checked_text("e-mail address", new.email, 254)
    checked_text("what", new.what, 2000)
    if "@" not in new.email:
        raise Unfit(f"'{new.email}' is no e-mail address: the preliminary report goes there")
    if new.received_at > now:
        raise Unfit("it was received after now: give the instant of receipt")
    if not new.serials:
        raise Unfit("name at least one certificate by its serial number")
    if unknown := await reports.unknown_serials(conn, new.serials):
        raise Unfit(f"this CA issued no certificate with serial {unknown[0].hex()}")
    who = await asked.person(conn, person) if person else None
    async with conn.transaction():
        report_id = await reports.insert(conn, new, who.id if who else None, now)
        proof = entry(
            "report.taken", asked.actor(who) if who else OPEN_INTAKE, now, rule="T24-1", report=report_id,
            received_at=new.received_at, serials=[serial.hex() for serial in new.serials],
        )  # fmt: skip
        await append(conn, proof)
    return await named(conn, str(report_id))


async def answer(conn: Conn, report: str, findings: str, person: str, now: datetime) -> Report:
    """The preliminary report goes to the reporter and to each subscriber (C-162). Raises Unfit."""
    checked_text("findings", findings, 2000)
    found, who = await named(conn, report), await asked.person(conn, person)
    received = found.received_at.isoformat()
    async with conn.transaction():
        if not await reports.answer(conn, found.id, findings, who.id, now):
            raise Unfit("the preliminary report went out before")
        for contract_id in found.contract_ids:
            await notify(
                conn, "problem_report_preliminary", now, contract_id=contract_id, received_at=received,
                findings=findings,
            )  # fmt: skip
        await notify(
            conn, "problem_report_answer", now, received_at=received, findings=findings, reporter=found.reporter,
            email=found.email,
        )  # fmt: skip
        await append(conn, entry("report.answered", asked.actor(who), now, rule="T24-1", report=found.id))
    return await named(conn, report)


async def lead(
    conn: Conn, report: str, ground: str, person: str, now: datetime, key: bytes | None = None,
    contract: str | None = None,
) -> Standing:  # fmt: skip
    """The report leads to a case; its clock counts from the receipt of the report (T11-9, C-162). Raises Unfit.

    A ground that ends contracts is about one of them: a report of certificates of several may lead to a case of each.
    """
    found, who = await named(conn, report), await asked.person(conn, person)
    scope = await _scope(conn, found, ground, key, contract)
    async with conn.transaction():
        said = f"problem report {found.id}"  # who told what is there alone, and destroyed there in time (T16-2)
        opening = Opening(ground, scope, said, f"as {said} tells", found.received_at, "report")
        made = await cases.open_case(conn, opening, now)
        if not await reports.lead(conn, found.id, made.case.id, scope.contract_id):
            raise Unfit("the report led to a case about that before: `keiyaku report show` tells which")
        await append(conn, entry("report.led", asked.actor(who), now, rule="T24-1", report=found.id, case=made.case.id))
    return made


async def _scope(conn: Conn, found: Report, ground: str, key: bytes | None, contract: str | None) -> Scope:
    """What the case covers: a key, a contract, or the certificates that the report names. Raises Unfit."""
    if ground not in GROUNDS or not GROUNDS[ground].ends:
        if contract is not None:
            raise Unfit("this ground ends no contract: it covers the certificates of the report, or --key")
        return Scope(spki_sha256=key) if key is not None else Scope(serials=found.serials)
    if key is not None:
        raise Unfit("this ground ends a contract with all its certificates: name no key")
    ids = [(await asked.contract(conn, contract)).id] if contract is not None else found.contract_ids
    if not set(ids) <= set(found.contract_ids):
        raise Unfit(f"no certificate of the report is of contract '{contract}'")
    if len(ids) != 1:
        handles = [(await contracts.shown(conn, each)).handle or str(each) for each in ids[:SHOWN]]
        raise Unfit(f"this ground ends contracts, and the report is about several: name one of {', '.join(handles)}")
    return Scope(contract_id=ids[0])


async def close(conn: Conn, report: str, person: str, now: datetime) -> Report:
    """An answered report is done. Raises Unfit."""
    found, who = await named(conn, report), await asked.person(conn, person)
    async with conn.transaction():
        if not await reports.close(conn, found.id, now):
            raise Unfit("it is closed already, or not answered: `keiyaku report answer` first")
        await append(conn, entry("report.closed", asked.actor(who), now, rule="T24-1", report=found.id))
    return await named(conn, report)


async def named(conn: Conn, report: str) -> Report:
    """The report of an id. Raises Unfit."""
    if found := await reports.report_of(conn, id_of("report", report)):
        return found
    raise NoSuch(report, f"there is no report '{report}': `keiyaku report list` shows them")


async def listed(conn: Conn, closed: bool, after: UUID | None = None, most: int = MOST) -> list[Report]:
    """Open reports, or all, the earliest received first."""
    return await reports.reports(conn, closed, most, after)
