"""Names that no public CA may certify, whatever a contract says. BR §3.2.2.6, §4.2.2; C-013, C-030."""

from collections.abc import Sequence
from ipaddress import ip_address

from acme_server.protocol.addresses import is_public
from acme_server.protocol.errors import AcmeError, ErrorType, Subproblem
from acme_server.protocol.identifiers import base_of, is_ip
from contract_gate.public_suffix import has_public_top, is_public_suffix


def check(names: Sequence[str], public_only: bool) -> None:
    """Raises one error that tells of every name in a subproblem of its own (A-065).

    `public_only`: names and addresses outside the public Internet are refused, too; development serves them.
    """
    faults = [
        Subproblem(ErrorType.REJECTED_IDENTIFIER, said, name) for name in names if (said := fault_of(name, public_only))
    ]
    if faults:
        more = f"; {len(faults) - 1} more in subproblems" if len(faults) > 1 else ""
        raise AcmeError(ErrorType.REJECTED_IDENTIFIER, faults[0].detail + more, subproblems=faults)


def fault_of(name: str, public_only: bool) -> str | None:
    """Why the name is refused; None when it may be served."""
    base, wildcard = base_of(name)
    if is_ip(base):
        internal = public_only and not is_public(ip_address(base))
        return f"{base} is a reserved address. Ask for one of the public Internet" if internal else None
    if wildcard and is_public_suffix(base):
        return f"{name} is a wildcard under a public suffix, where nobody has all names. Ask for *.example.{base}"
    if public_only and not has_public_top(base):
        return f"{base} is an internal name: its top-level domain is not in the public DNS"
    return None
