"""Authorizations that cover subdomains (pure). RFC 9444; BR §3.2.2.4: by DNS methods only."""

from collections.abc import Iterator, Sequence

from acme_server.protocol.errors import AcmeError, ErrorType, Subproblem
from acme_server.protocol.identifiers import base_of, is_ip, parse
from acme_server.protocol.objects import Authorization


def ancestor_of(type: str, value: str, domain: str) -> tuple[str, str]:
    """The canonical name and the ancestor that its client would prove instead. RFC 9444 §4.3, A-208.

    Raises MALFORMED unless the name lies below it by whole labels. No name lies below a wildcard.
    """
    name, ancestor = parse(type, value), parse("dns", domain)
    if is_ip(name) or not name.endswith(f".{ancestor}"):
        said = f'{domain[:80]!r} is no ancestor of {name}: "ancestorDomain" must be a domain that the name lies below'
        raise AcmeError(ErrorType.MALFORMED, said, subproblems=[Subproblem(ErrorType.MALFORMED, said, value, type)])
    return name, ancestor


def domains_above(name: str) -> Iterator[str]:
    """Domains whose authorization may cover the name when it covers subdomains, the longest first.

    That of a wildcard is its base already; no single label is one.
    """
    base, wildcard = base_of(name)
    if is_ip(base):
        return
    above = base if wildcard else base.partition(".")[2]
    while "." in above:
        yield above
        above = above.partition(".")[2]


def covering(name: str, held: Sequence[Authorization]) -> Authorization | None:
    """The authorization that the name's right rests on: its own, else one that covers subdomains. A-210, C-012."""
    own = (each for each in held if each.name == name)
    above = list(domains_above(name))
    broad = (each for each in held if each.subdomains and each.identifier_value in above)
    return next(own, None) or next(broad, None)
