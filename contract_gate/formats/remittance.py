"""The reference in what a payer sent along: plain text, or an XML text in Base64 behind MIME lines (§1.6)."""

import base64
import binascii
import unicodedata
from collections.abc import Sequence
from xml.parsers import expat

MIME, HEADERS = "mime-version", 3
LONGEST = 140  # characters of a reference
MOST = 65_536  # bytes of the payer's own text
INVOICE_NUMBER = ("請求書番号", "InvoiceNumber")  # what its elements are called


class _Refused(Exception):
    """The payer's text is none that is read."""


def reference(lines: Sequence[str]) -> str:
    """Invoice numbers of the text, or the text itself where it is plain; '' if it cannot be read.

    A payer's bad text is no fault of the bank's file: its line waits for a person.
    """
    if not lines or not lines[0].lower().startswith(MIME):
        return " ".join(lines)[:LONGEST]
    try:
        raw = base64.b64decode("".join(lines[HEADERS:]), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return " ".join(invoice_numbers(raw))[:LONGEST]


def invoice_numbers(raw: bytes) -> list[str]:
    """Texts of the elements that name an invoice, each once; none of what is no XML, too long, or has a DOCTYPE."""
    found: dict[str, None] = {}
    text: list[str] = []

    def doctype(*_: object) -> None:
        raise _Refused

    def start(name: str, attributes: object) -> None:
        text.clear()

    def end(name: str) -> None:
        said = "".join(text).strip()
        if said and unicodedata.normalize("NFKC", name.rpartition(" ")[2]).startswith(INVOICE_NUMBER):
            found[said] = None
        text.clear()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = doctype, start
    parser.EndElementHandler, parser.CharacterDataHandler = end, text.append
    try:
        parser.Parse(raw[: MOST + 1], True)
    except (expat.ExpatError, _Refused):
        return []
    return list(found)
