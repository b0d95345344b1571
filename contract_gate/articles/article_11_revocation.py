"""Article 11: revocation and termination (証明書の失効・契約の解除)."""

from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.articles.article_08_payment import default_of_customer, last_day_in_time, overdue
from contract_gate.calendar import bank_days_after, day_start, jst_date
from contract_gate.decision import Breach, Case, Finding, Request, Satisfied
from contract_gate.facts import Facts, Invoice
from contract_gate.readings import of_invoice

DAY, FIVE_DAYS = timedelta(seconds=86_400), timedelta(seconds=432_000)
KEY_COMPROMISE, AFFILIATION_CHANGED, SUPERSEDED, CESSATION, PRIVILEGE_WITHDRAWN = 1, 3, 4, 5, 9
CUSTOMER_CODES = (None, KEY_COMPROMISE, AFFILIATION_CHANGED, SUPERSEDED, CESSATION)

NOTICE_WAIT = timedelta(minutes=5)  # for the notice before revoking to leave us
CRL_MADE = timedelta(minutes=10)  # by then a CRL shows what is revoked

DANGERS = tuple(timedelta(hours=h) for h in (24, 12, 4, 1, 0))  # left until a deadline

Establishes = Literal["customer", "proof", "decision", "ledger", "contract"]
Clock = Literal["always", "if_material", "if_cps_demands"]


class Ground(msgspec.Struct, frozen=True):
    """A row of the table of Article 11.

    `span` runs to the published revocation when `clock` says that it runs. `ends`: the decision covers all
    certificates and ends the contract at once (T12-3). `code`: None means no reasonCode at all (T11-8).
    """

    clause: str
    establishes: Establishes
    notice_before: bool
    code: int | None
    span: timedelta
    clock: Clock = "always"
    ends: bool = False
    code_if_material: bool = False
    asked: bool = False


def _asked(clause: str, code: int | None = None) -> Ground:
    return Ground(clause, "customer", True, code, DAY, asked=True)


def _baseline(code: int | None, span: timedelta) -> Ground:
    return Ground("A2.1", "proof", False, code, span)


GROUNDS: Mapping[str, Ground] = MappingProxyType(
    {
        "change_asked": _asked("A11.1.1", AFFILIATION_CHANGED),
        "change_learned": Ground("A11.1.1", "proof", False, PRIVILEGE_WITHDRAWN, FIVE_DAYS),
        "name_lost_asked": _asked("A11.1.1", CESSATION),
        "name_lost_learned": Ground("A11.1.1", "proof", False, CESSATION, FIVE_DAYS),
        "compromise_asked": _asked("A11.1.2", KEY_COMPROMISE),
        "compromise": Ground("A11.1.2", "proof", False, KEY_COMPROMISE, DAY),
        "cancellation": _asked("A11.2"),
        "request": _asked("A11.3"),
        "breach": Ground(
            "A11.4.1", "decision", False, PRIVILEGE_WITHDRAWN, FIVE_DAYS, "if_material", True, code_if_material=True
        ),
        "conduct": Ground("A11.4.2", "decision", False, PRIVILEGE_WITHDRAWN, FIVE_DAYS, ends=True),
        "guideline_ignored": Ground("A11.4.3", "decision", False, None, FIVE_DAYS, ends=True),
        "unpaid": Ground(
            "A11.4.4", "ledger", False, PRIVILEGE_WITHDRAWN, FIVE_DAYS, "if_material", True, code_if_material=True
        ),
        "dishonoured": Ground("A11.4.5", "decision", False, None, FIVE_DAYS, "if_cps_demands", True),
        "insolvency": Ground("A11.4.6", "decision", False, None, FIVE_DAYS, "if_cps_demands", True),
        "damage": Ground("A11.4.7", "decision", False, PRIVILEGE_WITHDRAWN, FIVE_DAYS, "if_material", True),
        "ca_key": Ground("A11.4.8", "proof", False, SUPERSEDED, DAY),
        "rescinded": Ground("A11.4.9", "contract", False, None, DAY, ends=True),
        "rescinded_antisocial": Ground("A11.4.9", "contract", False, PRIVILEGE_WITHDRAWN, DAY, ends=True),
        "service_end": Ground("A23.1", "contract", False, None, DAY),
        # grounds of the CP/CPS and the Baseline Requirements 4.9.1.1 only (T2-3, C-157, C-158)
        "names_holder": _baseline(None, DAY),
        "unauthorised": _baseline(PRIVILEGE_WITHDRAWN, DAY),
        "weak_key": _baseline(KEY_COMPROMISE, DAY),
        "validation_unreliable": _baseline(SUPERSEDED, DAY),
        "non_compliant_key": _baseline(SUPERSEDED, FIVE_DAYS),
        "misuse": _baseline(PRIVILEGE_WITHDRAWN, FIVE_DAYS),
        "misleading_wildcard": _baseline(PRIVILEGE_WITHDRAWN, FIVE_DAYS),
        "misissued": _baseline(SUPERSEDED, FIVE_DAYS),
        "inaccurate": _baseline(PRIVILEGE_WITHDRAWN, FIVE_DAYS),
        "right_to_issue_lost": _baseline(None, FIVE_DAYS),
        "cps": _baseline(None, FIVE_DAYS),
        "flawed_key_generation": _baseline(KEY_COMPROMISE, FIVE_DAYS),
    }
)

# what a contract may be rescinded for (解除): what the customer did or suffers, and Article 13. T13-2
RESCISSION = (*(f"A11.4.{item}" for item in range(1, 8)), ANTISOCIAL := "A13.1")


def ground_of(name: str, underlying: str | None = None) -> Ground:
    """The ground of that name; A11.4.3 has code, span and clock of the one that lies under it. Raises KeyError."""
    found = GROUNDS[name]
    if underlying is None:
        return found
    under = GROUNDS[underlying]
    return msgspec.structs.replace(found, code=under.code, span=under.span, clock=under.clock)


class Awareness(msgspec.Struct, frozen=True):
    """When and how the CA came to know: T11-9. `material` is two people's record (T11-12)."""

    kind: Literal["request", "report", "own_evidence", "recorded", "confirmed", "material"]
    at: datetime


def deadline(ground: Ground, known: Iterable[Awareness], cps_demands: bool = False) -> datetime | None:
    """The instant by which the revocation is published; None while no clock runs. T11-9, T11-12, T2-2, C-157 to C-159.

    Counted in seconds from the earliest awareness: a later confirmation never restarts it, and one that makes the
    clock run lets it run from the report that came first.
    """
    instants = list(known)
    kinds = {each.kind for each in instants}
    runs = {
        "always": True,
        "if_material": "material" in kinds,
        "if_cps_demands": cps_demands,
    }[ground.clock]
    return min(each.at for each in instants) + ground.span if runs and instants else None


def result_due(ended_at: datetime, within: int, holidays: Set[date]) -> datetime:
    """The instant before which who asked for a revocation is told the result. T11-6 [A11.5].

    The end of the last of `within` bank days, JST; the day on which it was revoked or refused is not counted.
    """
    return day_start(bank_days_after(jst_date(ended_at), within, holidays) + DAY)


def notice_awaited_until(queued_at: datetime, deadline_at: datetime | None) -> datetime:
    """From when on nobody waits for the notice before revoking to leave us. T11-5 [A11.3], T11-9.

    Never so late that the revocation would not be published by its deadline.
    """
    longest = queued_at + NOTICE_WAIT
    return longest if deadline_at is None else min(longest, deadline_at - CRL_MADE)


def danger(deadline_at: datetime, span: timedelta, now: datetime) -> timedelta | None:
    """The threshold that was passed last: a deadline is in danger from there on. T11-9 [A11.4].

    None while more than half of `span` is left, which is all the time there was: one of a day begins in no danger.
    """
    left = deadline_at - now
    return min((passed for passed in DANGERS if left <= passed <= span / 2), default=None)


def code_of(ground: Ground, asked: int | None, material: bool) -> int | None:
    """The CRL's reasonCode; None: the entry has none. T11-8, and the table of Article 11.

    The customer's own choice counts where the customer asks; a breach has code 9 only if it is material.
    """
    if ground.asked:
        return asked or ground.code
    return None if ground.code_if_material and not material else ground.code


def may_choose(code: int | None) -> bool:
    """Whether a customer may ask for this code: none, 0 (which means none too), 1, 3, 4, 5. T11-8, C-144."""
    return (code or None) in CUSTOMER_CODES


def unpaid_too_long(facts: Facts, grace: timedelta, today: date) -> list[str]:
    """Numbers of the fees for which a running contract may be revoked by itself. T11-7 [A11.4.4], R-16.

    Each is in default more than `grace` past its last day in time.
    """
    if facts.contract is None or facts.contract.state != "accepted":
        return []
    late = fees_in_default(facts, facts.contract.id, today)
    return [each.number for each in late if last_day_in_time(each, facts) + grace < today]


def fees_in_default(facts: Facts, contract_id: UUID, today: date) -> list[Invoice]:
    """The contract's own fees that A11.4.4 may rest on: overdue by the ledger, and by more than a small rest. T8-15.

    A deducted bank charge never revokes: it is written off, or is a case of A11.4.1. Nor does a tax difference (T8-11),
    or what a dealer owes (T8-16).
    """
    return [
        each for each in facts.invoices
        if each.contract_id == contract_id and each.kind == "fee" and default_of_customer(each)
        and each.open_yen > of_invoice(facts.readings, each.created_at).small_difference_yen
        and overdue(each, today, facts)
    ]  # fmt: skip


AfterPayment = Literal["withdraw", "lapse", "proceed"]


def after_payment(decided_at: datetime, value_on: date, material: bool) -> AfterPayment:
    """What becomes of a decision under A11.4.4 when the fee is paid before it is executed. A11.4.4, example (unpaid).

    Value-dated on or before the day of the decision in Japan: it was an error, and two people withdraw it. Later: a
    material breach stays one; without it the decision lapses and returns to its deciders.
    """
    if value_on <= jst_date(decided_at):
        return "withdraw"
    return "proceed" if material else "lapse"


def certificate_unchanged(facts: Facts, request: Request, now: datetime) -> Finding:
    """No unresolved change touches what a live certificate says. T11-2 [A11.1.1]."""
    changed = [change.item for change in facts.changes if change.in_certificate]
    if changed:
        note = f"changed in a certificate: {', '.join(changed)}"
        return Breach("T11-2", "A11.1.1", note, Case.INFORMATION_CHANGED)
    return Satisfied("T11-2", "A11.1.1")
