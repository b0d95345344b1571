"""What happened, told from the evidence: a line for each thing that people would want to hear of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contract_gate.calendar import JST
from contract_gate.decision import Breach, Gate, Refused
from office.storage.evidence import Record
from office.use_cases import evidence
from sql import Conn

# Kind of evidence -> the words, with what its content holds. What is not here is told by something that is.
# What happens at one instant is told in this order.
WORDS: Mapping[str, str] = {
    "contract.applied": "an application comes in",
    "contract.accepted": "two people accept: the contract is formed",
    "contract.rejected": "two people reject it",
    "contract.follows": "it serves the keys and accounts of the contract before it",
    "change.reported": "the CA learns of a change",
    "change.arrived": "the customer reports: {item}",
    "change.done": "the change takes effect",
    "hold.set": "an officer holds the contract",
    "hold.confirmed": "two people confirm the hold",
    "revocation.material": "two people record a material breach",
    "revocation.revoke": "two people decide to revoke",
    "service.end_decided": "two people decide that the service ends on {ends_on}",
    "tax_rate.added": "two people add a tax rate of {basis_points} basis points from {effective_on} on",
    "tax_rate.removed": "two people remove the tax rate of {effective_on}",
    "contract.ended": "the contract has ended: {cause}",
    "certificate.signed": "a certificate is issued",
    "invoice.issued": "invoice {invoice} goes out",
    "seal.requested": "the customer asks for the seal",
    "payment.matched": "{amount_yen} yen pay invoice {invoice}",
    "invoice.written_off": "{amount_yen} yen are given up: {what}",
    "revocation.replaced": "the new contract's certificate replaces what shows the old data",
    "certificate.revoked": "a certificate is revoked: {ground}",
    "revocation.published": "the revocation is published, {punctual}",
    "notice.queued": "notice: {notice_kind}",
}
ORDER = {kind: number for number, kind in enumerate(WORDS)}
RULES = {"certificate.signed": "T12-5", "certificate.revoked": "T11-11"}  # of what cites none itself


class Line(msgspec.Struct, frozen=True):
    """One thing that happened: when, in Japan, to which contract, what, and by which rule."""

    at: datetime
    contract: str
    what: str
    rule: str

    def __str__(self) -> str:
        return f"{self.at.astimezone(JST):%Y-%m-%d %H:%M}  {self.contract:<10}  {self.rule:<6}  {self.what}"


@dataclass
class Telling:
    """What was told already."""

    since: datetime | None = None
    known: set[UUID] = field(default_factory=set)

    async def news(self, conn: Conn, now: datetime) -> list[Line]:
        """Lines of what is in the evidence anew."""
        records = await evidence.news(conn, self.since or now, self.known)
        self.known |= {each.id for each in records}
        self.since = now
        told = [each for each in records if each.kind in WORDS]
        return [line_of(each) for each in sorted(told, key=turn)]


def turn(record: Record) -> tuple[datetime, int, str]:
    """When it is told."""
    return record.recorded_at, ORDER[record.kind], record.contract or ""


def line_of(record: Record) -> Line:
    """The line that tells a record of these kinds."""
    content: dict[str, Any] = msgspec.json.decode(record.content)
    punctual = "in time" if content.get("in_time") else "too late"
    words = WORDS[record.kind].format(**content, punctual=punctual)
    return Line(record.recorded_at, record.contract or "-", words, content.get("rule") or RULES[record.kind])


def refusal(contract: str, refused: Refused) -> Line:
    """What a machine hears; of a hold no more than that there is one (T13-3)."""
    rules = [each.rule for each in refused.findings if isinstance(each, Breach) and each.case is refused.case]
    rule = "T13-3" if refused.gate is Gate.G7 else rules[0] if rules else "T0-3"
    what = f"its machine is refused: {refused.gate.name} {refused.case.value.replace('_', ' ')}"
    return Line(refused.decided_at, contract, what, rule)
