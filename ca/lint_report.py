"""What a linter says of a certificate that is not signed yet (pure). BR 4.3.1.2, C-064 to C-067."""

from typing import NamedTuple

import msgspec

from ca.certificate import assemble
from ca.der import INTEGER, SEQUENCE, tlv

FAULTS = frozenset({"FATAL", "ERROR"})
NO_SIGNATURE = tlv(SEQUENCE, tlv(INTEGER, b"\x01" * 32), tlv(INTEGER, b"\x02" * 32))  # nobody has made it (C-065)


class Finding(NamedTuple):
    """One finding: FATAL, ERROR, WARNING, NOTICE, INFO or DEBUG, its code, and what it says."""

    severity: str
    code: str
    message: str


class Report(msgspec.Struct, frozen=True):
    """All that a linter of this name and version found. Findings with an ignored code forbid nothing."""

    tool: str
    findings: tuple[Finding, ...]
    ignored: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        """Findings that forbid the signature. C-064."""
        faults = [one for one in self.findings if one.severity in FAULTS and one.code not in self.ignored]
        return [f"{one.code}: {one.message}".rstrip(": ") for one in faults]

    def shown(self) -> dict[str, object]:
        """For evidence: which linter, and the codes of what it remarked."""
        return {"tool": self.tool, "findings": sorted({f"{one.severity} {one.code}" for one in self.findings})}


def unsigned(tbs: bytes) -> bytes:
    """The certificate of these bytes with a signature that is none: what is linted before any key is asked. C-065."""
    return assemble(tbs, NO_SIGNATURE)
