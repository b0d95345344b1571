"""A process that runs pkilint: to-be-signed bytes in, reports out, until its input ends. Started by `pkilint_pool.py`.

Each message is its length in four octets, then itself; the first one out, once the validators are made, is empty. A
report is JSON. The certificate type follows from the poison.
"""

import ctypes
import gc
import signal
import struct
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, BinaryIO

import msgspec
from pkilint import document, finding_filter, loader, validation
from pkilint.cabf import serverauth
from pkilint.cabf.serverauth.serverauth_constants import CertificateType
from pkilint.document import NodeVisitor, PDUNode
from pkilint.pkix import certificate
from pkilint.pkix.extension import ExtensionCriticalityValidator

from ca.lint_report import Finding, Report, unsigned
from ca.precertificate import is_precertificate

LENGTH = struct.Struct(">I")
PR_SET_NAME = 15
PATHS_MAX, PARTS_MAX, PART_MAX = 50_000, 4096, 512  # paths and parts remembered, octets of such a part
TOOL = f"pkilint {version('pkilint')}"
NOT_LINTED = "keiyaku.not_linted"
# what `match` of these asks first is path and class of the node, and they never match where that does not
BY_PATH_FIRST = (NodeVisitor.match, validation.TypeMatchingValidator.match, ExtensionCriticalityValidator.match)


class Linter:
    """pkilint for one certificate type; its validators are made once."""

    def __init__(self, kind: Any) -> None:
        self.validators = certificate.create_pkix_certificate_validator_container(
            serverauth.create_decoding_validators(), serverauth.create_validators(kind)
        )
        self.filters = serverauth.create_serverauth_finding_filters(kind)

    def lint(self, tbs: bytes) -> Report:
        """What it finds in these bytes; what it cannot read is a fault."""
        try:
            root = loader.load_certificate(unsigned(tbs), "tbs").root
            found, _ = finding_filter.filter_results(self.filters, self.validators.validate(root))
        except Exception as fault:
            return Report(TOOL, (Finding("FATAL", NOT_LINTED, f"{type(fault).__name__}: {fault}"),))
        return Report(
            TOOL,
            tuple(
                Finding(one.finding.severity.name, one.finding.code, one.message or "")
                for result in found
                for one in result.finding_descriptions
            ),
        )


def remembering() -> Callable[[Any, PDUNode, list[Any]], None]:
    """pkilint's walk over the nodes, the same validators on the same nodes in the same order, but it remembers which
    validators cannot match a node of this path and class: that does not vary between certificates.

    Stock pkilint asks each validator at each node, 6,500 times a certificate.
    """
    known: dict[tuple[int, str, type], tuple[Any, ...]] = {}

    def validate(container: Any, node: PDUNode, results: list[Any]) -> None:
        key = (id(container), node.path, type(node.pdu))
        if (fitting := known.get(key)) is None:
            if len(known) >= PATHS_MAX:
                known.clear()
            fitting = known[key] = tuple(each for each in container.validators if may_match(each, node))
        for validator in fitting:
            if validator.match(node):
                result = validator.validate_wrapper(node)
                results.extend(result if isinstance(result, list) else [result])
        for child in node.children.values():
            validate(container, child, results)

    return validate


def may_match(validator: Any, node: PDUNode) -> bool:
    """Whether path and class of the node allow a match; true for a validator that asks in a way of its own."""
    if type(validator).match not in BY_PATH_FIRST:
        return True
    return (
        validator._path in (None, node.path)
        and (validator._path_re is None or validator._path_re.match(node.path) is not None)
        and (validator._pdu_class is None or isinstance(node.pdu, validator._pdu_class))
    )


def decoding_once(decode: Callable[..., Any]) -> Callable[..., Any]:
    """pkilint's decoder, but small parts that were decoded before by the same specification are not decoded again: most
    of a certificate is its issuer's, profile's and contract's. What is decoded is only read.
    """
    known: dict[tuple[int, bytes], tuple[Any, Any]] = {}  # the specification is kept, so that its number stays its own

    def decoded(substrate: Any, **given: Any) -> Any:
        octets, specification = bytes(substrate), given["asn1Spec"]
        if len(octets) > PART_MAX:
            return decode(octets, asn1Spec=specification)
        if (found := known.get(key := (id(specification), octets))) is None:
            if len(known) >= PARTS_MAX:
                known.clear()
            found = known[key] = (specification, decode(octets, asn1Spec=specification))
        return found[1]

    return decoded


def remember() -> None:
    """Linters of this process walk and decode so from now on."""
    validation.ValidatorContainer._validate_rec = remembering()
    document.decode_der = decoding_once(document.decode_der)


def linters() -> tuple[Linter, Linter]:
    """For certificates and for precertificates, organisation validated."""
    return Linter(CertificateType.OV_FINAL_CERTIFICATE), Linter(CertificateType.OV_PRE_CERTIFICATE)


def serve(source: BinaryIO, sink: BinaryIO, final: Linter, pre: Linter) -> None:
    """Every message is answered, in order, until there are no more."""
    while head := source.read(LENGTH.size):
        tbs = source.read(LENGTH.unpack(head)[0])
        answer = msgspec.json.encode((pre if is_precertificate(tbs) else final).lint(tbs))
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the signer still needs us to drain
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"lint")  # what `ps` and `make bench` show
    remember()
    made = linters()
    gc.freeze()
    sys.stdout.buffer.write(LENGTH.pack(0))  # ready
    sys.stdout.buffer.flush()
    serve(sys.stdin.buffer, sys.stdout.buffer, *made)
