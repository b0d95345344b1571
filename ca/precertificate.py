"""Precertificates and the certificates they lead to (pure). RFC 6962 §3.1 to §3.3, C-121, C-122, C-126.

Both hold the same extensions in the same order; the last one is the poison of the one, the SCT list of the other.
"""

from collections.abc import Sequence

from ca.certificate import POISON, SCT_LIST, extension
from ca.der import OCTET_STRING, SEQUENCE, DerError, elements, tlv
from ca.sct import Sct, SctError, encode_list, parse_list

EXTENSIONS, NO_LIST = 0xA3, "the last extension is no SCT list"


def is_precertificate(tbs: bytes) -> bool:
    """Whether to-be-signed bytes end with the poison; whether they are as they must be, `linting.lint` says."""
    return tbs.endswith(POISON)


def entry_of(tbs: bytes) -> bytes:
    """What logs sign of these bytes: all but the last extension. RFC 6962 §3.2. Raises DerError."""
    fields, extensions = parted(tbs)
    return joined(fields, extensions[:-1])


def final_tbs(precertificate: bytes, scts: Sequence[Sct]) -> bytes:
    """The certificate's to-be-signed bytes: the precertificate's, the SCT list in the poison's place. C-122, C-126."""
    fields, extensions = parted(precertificate)
    return joined(fields, [*extensions[:-1], sct_list(scts)])


def sct_list(scts: Sequence[Sct]) -> bytes:
    """The SCT list extension. RFC 6962 §3.3."""
    return extension(SCT_LIST, tlv(OCTET_STRING, encode_list(scts)))


def scts_of(tbs: bytes) -> list[Sct]:
    """The SCTs in a certificate's to-be-signed bytes. Raises SctError, DerError."""
    last = elements(parted(tbs)[1][-1])
    if len(last) != 2 or last[0] != SCT_LIST:
        raise SctError(NO_LIST)
    value = elements(last[1])
    found = parse_list(content(value[0])) if len(value) == 1 else []
    if sct_list(found) != parted(tbs)[1][-1]:
        raise SctError(NO_LIST)
    return found


def faults(final: bytes, precertificate: bytes) -> str | None:
    """Why these bytes are not the certificate of this precertificate; None when they are. C-066, C-122."""
    try:
        if not is_precertificate(precertificate):
            return "C-121: what was signed is no precertificate"
        if entry_of(final) != entry_of(precertificate):
            return "C-122: differs from its precertificate in more than poison and SCT list"
        scts_of(final)
    except ValueError as fault:  # SctError, DerError
        return f"C-126: {fault}"
    return None


def content(element: bytes) -> bytes:
    """The content octets of the OCTET STRING that `element` is. Raises SctError."""
    if element[:1] != bytes((OCTET_STRING,)):
        raise SctError(NO_LIST)
    return element[2 if element[1] < 0x80 else 2 + (element[1] & 0x7F) :]


def parted(tbs: bytes) -> tuple[list[bytes], list[bytes]]:
    """The fields before the extensions, and the extensions. Raises DerError."""
    *fields, last = elements(tbs)
    if last[:1] != bytes((EXTENSIONS,)):
        raise DerError("no extensions")
    return fields, elements(elements(last)[0])


def joined(fields: Sequence[bytes], extensions: Sequence[bytes]) -> bytes:
    """The TBSCertificate of these."""
    return tlv(SEQUENCE, *fields, tlv(EXTENSIONS, tlv(SEQUENCE, *extensions)))
