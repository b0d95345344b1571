"""Article 5: notices (通知). Which notices there are, how each may travel, and when one counts as delivered."""

from collections.abc import Mapping, Set
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

import msgspec

from contract_gate.calendar import bank_days_after, day_start

Channel = Literal["email", "paper", "web"]
Importance = Literal["courtesy", "ordinary", "important", "grave", "public"]
Recipient = Literal["customer", "payer", "dealer", "officers", "reporter", "everyone"]

# T5-1 [A5.1]: the channels that an importance allows, the first that is open first.
ALLOWED: Mapping[Importance, tuple[Channel, ...]] = MappingProxyType(
    {
        "courtesy": ("email",),  # owed to nobody: what cannot be delivered is nobody's task
        "ordinary": ("email",),
        "important": ("email", "paper"),
        "grave": ("email", "paper"),  # a document or e-mail only, never web (A23.1)
        "public": ("web", "email"),
    }
)


class NoticeKind(msgspec.Struct, frozen=True):
    """A kind of notice: the clause it rests on, what it must be told, and whom it goes to.

    `values` are those its texts need and nothing else; they hold no secret, and of G7 no ground (T13-3).
    """

    name: str
    clause: str
    rule: str
    importance: Importance
    values: tuple[str, ...] = ()
    to: tuple[Recipient, ...] = ("customer",)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """T5-1."""
        return ALLOWED[self.importance]


MONEY: tuple[Recipient, ...] = ("customer", "payer", "dealer")  # T8-14: default and reminders go to both
OFFICERS: tuple[Recipient, ...] = ("officers",)
EVERYONE: tuple[Recipient, ...] = ("everyone",)  # every customer of a live contract
_KEY = ("key_sha256", "certificates", "revoked_by")

_ALL = (
    NoticeKind("contract_formed", "A4.3", "T4-5", "important", ("directory", "portal")),
    NoticeKind("contract_not_formed", "A4.3", "T4-7", "important", ("destroyed_on",)),
    NoticeKind("documents_wanted", "A4.2", "T4-3", "ordinary", ("wanted",)),
    NoticeKind("lapse_announced", "A12.1", "T12-8", "important", ("lapses_on",)),
    NoticeKind("contract_lapsed", "A12.1", "T12-8", "important", ("lapsed_on",)),
    NoticeKind("contract_ended", "A12.1", "T12-3", "important", ("ended_on",)),
    NoticeKind("renewal_open", "A12.1", "T12-6", "important", ("ends_on", "issuance_opens_on", "portal")),
    NoticeKind(
        "renewal_applied", "A12.1", "T12-4", "important", ("application", "plan", "fee_yen", "ends_on", "portal")
    ),
    NoticeKind("term_ended", "A12.1", "T12-3", "important", ("ended_on",)),
    NoticeKind("invoice_issued", "A8.1", "T8-3", "important", ("invoice", "total_yen", "due_on"), MONEY),
    NoticeKind("difference_invoice_issued", "A8.1", "T8-11", "important", ("invoice", "total_yen", "due_on"), MONEY),
    NoticeKind("credit_invoice_issued", "A8.1", "T8-11", "important", ("credit", "invoice", "total_yen"), MONEY),
    NoticeKind("payment_reminder", "A8.1", "T8-17", "ordinary", ("invoice", "open_yen", "due_on"), MONEY),
    NoticeKind("payment_overdue", "A8.1", "T8-15", "important", ("invoice", "open_yen", "due_on"), MONEY),
    NoticeKind("payment_unblocked", "A8.1", "T8-15", "ordinary", ("invoice",)),
    NoticeKind("revocation_requested", "A11.3", "T11-5", "important", ("certificates", "requested_at")),
    NoticeKind("certificate_revoked", "A11.4", "T11-7", "important", ("certificates", "revoked_at", "grounds")),
    NoticeKind("request_result", "A11.5", "T11-6", "important", ("request", "result", "decided_at")),
    NoticeKind("revoked_with_certificate_key", "A2.1", "T11-5", "important", ("certificates", "revoked_at")),
    NoticeKind("ca_key_compromised", "A11.4.8", "T11-13", "grave", ("certificates", "revoked_at"), EVERYONE),
    NoticeKind("seal_deletion", "A19.1", "T19-1", "important", ("since",)),
    NoticeKind("seal_deletion_after_revocation", "A11.6", "T11-10", "important", ("since",)),
    NoticeKind("change_confirmed", "A6.1", "T6-2", "ordinary", ("item", "effective_at")),
    NoticeKind("change_needs_contract", "A14.1", "T14-1", "important", ("item", "revoked_by")),
    NoticeKind("contact_stale", "A5.2", "T5-3", "important", ("since",)),
    NoticeKind("revalidation_due", "A4.2", "T4-4", "ordinary", ("fails_on",)),
    NoticeKind("problem_report_preliminary", "A2.1", "T2-3", "important", ("received_at", "findings")),
    NoticeKind(
        "problem_report_answer",
        "A2.1",
        "T2-3",
        "important",
        ("received_at", "findings", "reporter", "email"),
        ("reporter",),
    ),
    NoticeKind("key_compromise_found", "A2.1", "T11-3", "important", ("received_at", *_KEY)),
    NoticeKind("key_compromise_answer", "A2.1", "T11-3", "important", ("received_at", *_KEY, "email"), ("reporter",)),
    NoticeKind(
        "own_key_answer", "A2.1", "T11-13", "important", ("received_at", "key_sha256", "whose", "email"), ("reporter",)
    ),
    NoticeKind("caa_forbidden", "A2.1", "T2-3", "courtesy", ("domain", "forbidden_at", "email"), ("reporter",)),
    NoticeKind("personal_data_leak", "A16.3", "T16-2", "grave", ("found_at", "affected", "measures")),
    NoticeKind("terms_changed", "A20.1", "T20-1", "public", ("version", "change", "effective_at", "address"), EVERYONE),
    NoticeKind("maintenance", "A22.2", "T22-2", "public", ("reason", "starts_at", "ends_at"), EVERYONE),
    NoticeKind("service_end", "A23.1", "T23-1", "grave", ("ends_on", "certificates"), EVERYONE),
    NoticeKind("deadline_in_danger", "A11.4", "T11-9", "ordinary", ("subject", "deadline"), OFFICERS),
    NoticeKind("own_key_proven", "A11.4.8", "T11-13", "ordinary", ("whose", "received_at"), OFFICERS),
    NoticeKind("revalidation_task", "A4.2", "T4-4", "ordinary", ("fails_on",), OFFICERS),
    NoticeKind("bank_data_missing", "A8.1", "T8-6", "ordinary", ("covered_through",), OFFICERS),
    NoticeKind("register_changed", "A6.1", "T6-5", "ordinary", ("item", "learned_at"), OFFICERS),
)
KINDS: Mapping[str, NoticeKind] = MappingProxyType({kind.name: kind for kind in _ALL})


def channels_open(kind: NoticeKind, *, email: bool, stale: bool) -> tuple[Channel, ...]:
    """How a notice of the kind travels to one recipient; none: a person must find a way. T5-1, T5-2 [A5.1].

    By e-mail where there is an address; on paper where the kind allows it and there is none, or it bounced.
    """
    if "web" in kind.channels:
        return ("web", "email") if email else ("web",)
    ways: tuple[Channel, ...] = ("email",) if email else ()
    return (*ways, "paper") if "paper" in kind.channels and (stale or not email) else ways


def deemed_delivery(posted_on: date, postal_days: int, holidays: Set[date]) -> datetime:
    """When a document counts as delivered: the beginning of the day on which it would normally have arrived.

    `postal_days` bank days after the posting date, which is not counted, JST. T5-2 [A5.2].
    """
    return day_start(bank_days_after(posted_on, postal_days, holidays))


class Handling(msgspec.Struct, frozen=True):
    """What is known of one notice on its way by one channel."""

    channel: Channel
    handed_at: datetime | None = None  # accepted by the mail server we hand to
    own_relay: bool = False  # that server is the CA's own
    relayed_at: datetime | None = None  # accepted by the first server that is not, as the relay reported
    first_viewed_at: datetime | None = None  # the page, by a fetch from outside
    posted_on: date | None = None
    bounced_at: datetime | None = None  # undoes nothing


def delivered_at(handling: Handling, postal_days: int, holidays: Set[date]) -> datetime | None:
    """The instant of delivery; None while there is none. T5-2, T5-3, T5-4 [A5.2, A5.3].

    E-mail: the first acceptance by a mail server that the CA does not run; while the CA's own relay has it, it is
    not sent. A web posting: when it was seen from outside, not when drafted. A bounce undoes nothing.
    """
    match handling.channel:
        case "email":
            return handling.relayed_at if handling.own_relay else handling.handed_at
        case "web":
            return handling.first_viewed_at
        case "paper":
            posted_on = handling.posted_on
            return None if posted_on is None else deemed_delivery(posted_on, postal_days, holidays)
