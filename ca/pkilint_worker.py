"""A process that runs pkilint: to-be-signed bytes in, reports out, until its input ends. Started by `pkilint_pool.py`.

Each message is its length in four octets, then itself; the first one out, once the validators are made, is empty. A
report is JSON. The certificate type follows from the poison.
"""

import ctypes
import gc
import signal
import struct
import sys
from importlib.metadata import version
from typing import Any, BinaryIO

import msgspec
from pkilint import finding_filter, loader
from pkilint.cabf import serverauth
from pkilint.cabf.serverauth.serverauth_constants import CertificateType
from pkilint.pkix import certificate

from ca.lint_report import Finding, Report, unsigned
from ca.pkilint_parts import NAME, Parts
from ca.pkilint_walk import remember
from ca.precertificate import is_precertificate

LENGTH = struct.Struct(">I")
PR_SET_NAME = 15
TOOL = f"pkilint {version('pkilint')}"
NOT_LINTED = "keiyaku.not_linted"


class Linter:
    """pkilint for one certificate type; its validators are made once."""

    def __init__(self, kind: Any) -> None:
        self.validators = certificate.create_pkix_certificate_validator_container(
            serverauth.create_decoding_validators(), serverauth.create_validators(kind)
        )
        self.filters = serverauth.create_serverauth_finding_filters(kind)
        self.parts = Parts()

    def lint(self, tbs: bytes) -> Report:
        """What it finds in these bytes; what it cannot read is a fault."""
        try:
            root = self.parts.root(der := unsigned(tbs)) or loader.load_certificate(der, NAME).root
            found, _ = finding_filter.filter_results(self.filters, self.validators.validate(root))
            self.parts.keep(self.validators.validators[0])
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
