"""Answers of the corporate-number register (法人番号 Web-API, version 4, type 12) as records. T6-5."""

from datetime import date
from xml.etree import ElementTree

import msgspec

from contract_gate.articles.article_06_changes import Registered
from contract_gate.corporate_number import is_corporate_number

NAME_LONGEST = 1000


class Corporation(msgspec.Struct, frozen=True):
    """A row of the register: the latest of its number."""

    number: str
    process: str
    registered: Registered


class AnswerRefused(ValueError):
    """The answer is not what the register sends. The text says where and why; nothing of it was taken."""


def corporations(answer: bytes) -> list[Corporation]:
    """The rows of an answer, each number once, the latest row. Raises AnswerRefused."""
    if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:
        raise AnswerRefused("the register's answer declares a document type, which it never does")
    try:
        root = ElementTree.fromstring(answer)  # noqa: S314 - no entity can be declared, see above
    except ElementTree.ParseError as error:
        raise AnswerRefused(f"the register's answer is no XML: {error}") from error
    if root.tag != "corporations":
        raise AnswerRefused(f"the register's answer holds {root.tag!r} in place of corporations")
    rows = root.findall("corporation")
    if root.findtext("count") != str(len(rows)):
        raise AnswerRefused(f"the register's answer counts {root.findtext('count')} rows and holds {len(rows)}")
    latest = {row.number: row for row in map(_row, (each for each in rows if each.findtext("latest") != "0"))}
    return list(latest.values())


def _row(row: ElementTree.Element) -> Corporation:
    number = _text(row, "corporateNumber")
    if not is_corporate_number(number):
        raise AnswerRefused(f"row {_text(row, 'sequenceNumber')}: {number!r} is no corporate number")
    name = _text(row, "name")
    if not 0 < len(name) <= NAME_LONGEST:
        raise AnswerRefused(f"row of {number}: its name has {len(name)} characters")
    registered = Registered(
        name, _text(row, "prefectureName"), _text(row, "cityName"), _text(row, "streetNumber"),
        _day(number, "closeDate", _text(row, "closeDate")), _text(row, "successorCorporateNumber") or None,
    )  # fmt: skip
    return Corporation(number, _text(row, "process"), registered)


def _text(row: ElementTree.Element, field: str) -> str:
    return (row.findtext(field) or "").strip()


def _day(number: str, field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise AnswerRefused(f"row of {number}: {field} is {text!r}, no day") from error
