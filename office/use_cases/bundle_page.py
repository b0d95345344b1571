"""The page of a bundle: what its parts say, for people, without a script or anything from elsewhere (pure)."""

from collections.abc import Mapping
from html import escape

import msgspec

TITLES = {
    "request.json": "Request", "contract.json": "Contract", "consent.json": "Consent", "review.json": "Review",
    "payment.json": "Invoices and payment", "validation.json": "Validation and CAA", "lint.json": "Lint",
    "scts.json": "SCTs", "revocation.json": "Revocation",
}  # fmt: skip
STYLE = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;overflow-wrap:anywhere}"
CELLS = (
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}"
)
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


def page(serial: str, parts: Mapping[str, bytes]) -> bytes:
    """All parts that are JSON, in reading order; facts and certificates by name."""
    decisions = {name: f"Decision of the gate ({name})" for name in parts
                 if name.startswith("decision-") and not name.endswith("-facts.json")}  # fmt: skip
    titles = TITLES | decisions
    sections = [
        f"<h2>{escape(title)}</h2>{table(msgspec.json.decode(parts[name]))}"
        for name, title in titles.items()
        if name in parts
    ]
    others = "".join(f"<li>{escape(name)}</li>" for name in sorted(parts) if name not in titles)
    return (
        f"{HEAD}<title>Certificate {serial}</title><style>{STYLE}{CELLS}</style></head><body>"
        f"<h1>Why certificate {serial} was allowed</h1>"
        "<p>Check this folder with <code>keiyaku evidence verify-bundle</code>: it names what was changed.</p>"
        f"{''.join(sections)}<h2>Further parts</h2><ul>{others}<li>evidence.json</li><li>manifest.json</li></ul>"
        "</body></html>\n"
    ).encode()


def table(value: object) -> str:
    """A value as tables inside each other."""
    match value:
        case dict():
            rows = (f"<tr><th>{escape(str(name))}</th><td>{table(one)}</td></tr>" for name, one in value.items())
            return f"<table>{''.join(rows)}</table>"
        case list() if any(isinstance(one, dict | list) for one in value):
            return "".join(table(one) for one in value)
        case list():
            return escape(", ".join(map(str, value))) or "none"
        case None:
            return "-"
        case _:
            return escape(str(value))
