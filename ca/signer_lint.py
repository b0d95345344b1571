"""What is demanded of a record before the signer asks a key: SCTs to come, a linter's report. C-064, C-065, C-131."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from ca.ct_publisher import Publisher
from ca.lint_report import Report
from ca.precertificate import is_precertificate
from ca.signer_lines import SignAnswer, SignerAway, SignRefused
from ca.signing import Record
from sql import Conn, evidence

LOG = structlog.get_logger(__name__)
ACTOR = "process:signer"
NO_PRECERTIFICATE = "C-128: every certificate needs SCTs here, and this is no precertificate"
SHOWN = 5


class Linter(Protocol):
    """Who is asked about to-be-signed bytes before a key is."""

    async def lint(self, tbs: Sequence[bytes]) -> Sequence[Report | None]:
        """What there is to say of each; None: nobody could say."""

    async def close(self) -> None:
        """Nobody is asked any more."""


class Demands(NamedTuple):
    """Whether every certificate needs SCTs; who lints, None: nobody does; who must have signed the list of logs."""

    transparency: bool = False
    linter: Linter | None = None
    publisher: Publisher | None = None


NO_DEMANDS = Demands()


class Looked(NamedTuple):
    """Reports by record, and the answers to those that will not be signed now."""

    reports: Mapping[UUID, Report]
    answers: dict[UUID, SignAnswer]


async def look(conn: Conn, demands: Demands, records: Sequence[Record], now: datetime) -> Looked:
    """Which of the records may not be signed; what the linter forbids leaves an incident in evidence."""
    answers: dict[UUID, SignAnswer] = {}
    if demands.transparency:
        answers = {r.id: SignRefused(NO_PRECERTIFICATE) for r in records if not is_precertificate(r.tbs)}
    if demands.linter is None:
        return Looked({}, answers)
    records = [record for record in records if record.id not in answers]
    given = list(zip(records, await demands.linter.lint([record.tbs for record in records]), strict=True))
    answers |= {record.id: SignerAway("the linter is away") for record, report in given if report is None}
    if refused := [(record, report) for record, report in given if report is not None and report.faults()]:
        await evidence.append_all(conn, [incident(record, report, now) for record, report in refused])
        answers |= {r.id: SignRefused(f"pkilint: {'; '.join(x.faults()[:SHOWN])}") for r, x in refused}
    return Looked({record.id: report for record, report in given if report is not None}, answers)


def incident(record: Record, report: Report, now: datetime) -> evidence.Entry:
    """What the gate and our own check let through, and a linter stopped: somebody must find out why."""
    LOG.error("lint_refused", record=str(record.id), faults=report.faults())
    return evidence.entry(
        "lint.refused", ACTOR, now, contract_id=record.contract_id, certificate_id=record.id,
        serial=record.serial.hex(), tool=report.tool, faults=report.faults(), tbs_sha256=sha256(record.tbs).hexdigest(),
    )  # fmt: skip
