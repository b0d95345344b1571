"""Notices are put into the outbox in the transaction of their cause (Article 5, T5-5)."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from string import Template
from uuid import UUID

import msgspec

from contract_gate.articles.article_05_notices import KINDS, NoticeKind
from office.storage import notices
from office.use_cases.wording import worded
from sql import Conn
from sql.evidence import append, entry

LANGUAGES = ("ja", "en")  # the Japanese text governs (T26-1)
LONGEST = 2000  # of one value
GIVEN = ("recipient", "contract")  # what every text may use beside its own values
ACTOR = "process:office"


async def notify(
    conn: Conn, kind: str, now: datetime, *, contract_id: UUID | None = None, customer_id: UUID | None = None,
    clause: str | None = None, **values: str,
) -> UUID:  # fmt: skip
    """One notice, sent once the caller's transaction commits. Its texts are complete, or ValueError is raised.

    Who gets it follows from its kind: the customer named, or the contract's; the contract's payer and dealer;
    the CA's officers; or every customer of a live contract, of whom one may be named. `clause`: on which this one
    rests, where its cause tells that and not its kind.
    """
    found = checked(kind, values)
    if clause is not None:
        found = msgspec.structs.replace(found, clause=clause)
    if {"customer", "payer", "dealer"} & set(found.to) and contract_id is None and customer_id is None:
        raise ValueError(f"notice '{kind}' needs a contract or a customer")
    notice_id = await notices.insert(conn, found, contract_id, customer_id, values, now)
    proof = entry(
        "notice.queued", ACTOR, now, contract_id=contract_id, rule=found.rule, clause=found.clause,
        notice=notice_id, notice_kind=kind,
    )  # fmt: skip
    await append(conn, proof)
    return notice_id


def checked(kind: str, values: Mapping[str, str]) -> NoticeKind:
    """The kind, if `values` are exactly those its texts need. Raises ValueError."""
    if kind not in KINDS:
        raise ValueError(f"there is no notice '{kind}'")
    found = KINDS[kind]
    if set(values) != set(found.values):
        raise ValueError(f"notice '{kind}' takes {', '.join(found.values) or 'no values'}, not {', '.join(values)}")
    for name, value in values.items():
        if not 0 < len(value) <= LONGEST:
            raise ValueError(f"notice '{kind}': {name} must have 1 to {LONGEST} characters")
    for language in LANGUAGES:
        rendered(kind, language, {**values, **dict.fromkeys(GIVEN, "-")})
    return found


def rendered(kind: str, language: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject (one line) and body. Raises KeyError for a value that the text needs and nobody gave."""
    subject, body = texts(kind, language)
    told = {name: worded(kind, name, value, language) for name, value in values.items()}
    return " ".join(subject.substitute(told).split()), body.substitute(told)


@cache
def texts(kind: str, language: str) -> tuple[Template, Template]:
    """The templates of `office/notices/<kind>.<language>.txt`: a line of subject, a blank line, the body."""
    text = (files("office") / "notices" / f"{kind}.{language}.txt").read_text(encoding="utf-8")
    subject, _, body = text.partition("\n\n")
    return Template(subject), Template(body)
