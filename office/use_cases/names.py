"""Names of an application, as people write them (T4-8), and scopes of binding keys. Pure."""

import ipaddress
import re
from collections.abc import Sequence

import msgspec

from contract_gate.public_suffix import is_public_suffix
from office.use_cases.asked import Unfit, one_of

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
KINDS = ("host", "wildcard", "domain", "network")


class WantedName(msgspec.Struct, frozen=True):
    """A name of a contract. host and wildcard: that name; domain: it and all under it; network: each address in it."""

    kind: str
    value: str
    network: str | None


def parse(text: str, kind: str | None) -> WantedName:
    """The name; `kind` is told by its form unless given. Raises Unfit."""
    text = text.strip().lower()
    kind = one_of("kind", kind, KINDS) if kind else kind_of(text)
    if kind == "network":
        network = network_of(text)
        return WantedName(kind, network, network)
    if (kind == "wildcard") != text.startswith("*."):
        raise Unfit(f"'{text}' is no {kind}: a wildcard begins with '*.', a host or domain does not")
    check_domain(text.removeprefix("*."))
    if kind != "host":
        check_registrable(text.removeprefix("*."))
    return WantedName(kind, text, None)


def kind_of(text: str) -> str:
    """What a name is by its form: an address or network, a wildcard, else a host."""
    if ":" in text or "/" in text or text.rpartition(".")[2].isdigit():
        return "network"
    return "wildcard" if text.startswith("*.") else "host"


def network_of(text: str) -> str:
    """The network in its usual form; an address is a network of one. Raises Unfit."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise Unfit(f"'{text}' is no network: {error}") from error


def check_domain(text: str) -> None:
    """Nothing, for a DNS name in ASCII of two labels or more. Raises Unfit."""
    labels = text.split(".")
    if len(text) > 253 or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise Unfit(f"'{text}' is no DNS name: write at least two labels, non-ASCII ones as xn--…")


def check_registrable(domain: str) -> None:
    """Nothing, for a domain that one holder may have with all under it. Raises Unfit. C-030."""
    if is_public_suffix(domain):
        raise Unfit(f"'{domain}' is a public suffix: nobody has all names under it, name the customer's own domain")


def scope(entries: Sequence[str]) -> list[str]:
    """The names a binding key is for: hosts, wildcards, `.domain` with all under it, networks. Raises Unfit."""
    return [scope_entry(entry.strip().lower()) for entry in entries if entry.strip()]


def scope_entry(text: str) -> str:
    """One of them as the gate reads it: an address stays one, a network keeps its '/'. Raises Unfit."""
    if text.startswith("."):
        check_domain(text[1:])
        check_registrable(text[1:])
        return text
    wanted = parse(text, None)
    return text if wanted.kind == "network" and "/" not in text else wanted.value
