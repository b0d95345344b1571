"""Certificates for pkilint, put together from parts that were seen before; who need not be asked again about those.

A part is a field or an extension: octets at a place. A validator that looked at one part alone and found nothing finds
nothing where the same octets stand at the same place again. What it looks at is not listed here but watched: to leave a
part it must ask for what is above it, or for something of the whole certificate. Who did is asked again each time.
"""

from functools import cached_property
from typing import Any, NamedTuple

from pkilint.document import PDUNode
from pkilint.pkix.certificate import RFC5280Certificate
from pyasn1.error import PyAsn1Error
from pyasn1_alt_modules import rfc5280
from pyasn1_fasder import decode_der

from ca.der import DerError, elements, split
from ca.linting import EIGHT_FIELDS

NAME = "tbs"  # of each certificate, in pkilint's words
PARTS_MAX, PART_MAX = 1024, 512  # parts remembered, octets of such a part
V3 = bytes.fromhex("a003020102")
CERTIFICATE, TBS, EXTENSION = rfc5280.Certificate(), rfc5280.TBSCertificate(), rfc5280.Extension()
FIELDS = (*range(7), 9)  # their positions in a TBSCertificate; 7 and 8 are unique identifiers
TRUSTED = {"verifyConstraints": False, "matchTags": False, "matchConstraints": False}


class Outline(NamedTuple):
    """The octets of all that a certificate is put together from."""

    fields: list[bytes]
    extensions: list[bytes]
    algorithm: bytes
    signature: bytes


def outlined(der: bytes) -> Outline | None:
    """None for what is not outwardly as our certificates are: pkilint is to read it whole."""
    try:
        (tbs, algorithm, signature), one = elements(der), len(split(der)) == 1
        fields = elements(tbs)
        if not one or der[0] != 0x30 or tbs[0] != 0x30 or tuple(each[0] for each in fields) != EIGHT_FIELDS:
            return None
        (listed,) = elements(fields.pop())
        extensions = elements(listed)
    except (DerError, ValueError, IndexError):
        return None
    ours = fields[0] == V3 and listed[0] == 0x30 and extensions
    return Outline(fields, extensions, algorithm, signature) if ours else None


class Whole(RFC5280Certificate):
    """The document of all parts: one certificate after the other. `watched`: somebody asked for something of it."""

    watched = False

    def take(self, der: bytes) -> None:
        """It is this certificate from now on."""
        self.__dict__.clear()
        RFC5280Certificate.__init__(self, None, der, NAME)

    @property
    def root(self) -> Any:
        """All of its nodes."""
        self.watched = True
        return self.top

    @root.setter
    def root(self, root: Any) -> None:
        self.top = root

    @property
    def substrate(self) -> bytes:
        """All of its octets."""
        self.watched = True
        return self.octets

    @substrate.setter
    def substrate(self, substrate: bytes) -> None:
        self.octets = substrate


for _name, _kept in tuple(vars(RFC5280Certificate).items()):
    if isinstance(_kept, cached_property):  # the second who asks is to be seen too
        setattr(Whole, _name, property(_kept.func))


class Above(PDUNode):
    """A node whose children are parts, or above parts."""

    def _generate_child_nodes(self) -> dict[str, PDUNode]:
        return {}


class Part(PDUNode):
    """A part and all below it. `again`: by container, of which validators and nodes more must be known each time; all
    others looked here alone, and found nothing.
    """

    def __init__(self, document: Whole, name: str, pdu: Any, parent: Above) -> None:
        self.again: dict[int, tuple[tuple[Any, PDUNode], ...]] = {}
        super().__init__(document, name, pdu, parent)

    @property
    def parent(self) -> Any:
        """What is above it."""
        self.document.watched = True
        return self.above

    @parent.setter
    def parent(self, parent: Any) -> None:
        self.above = parent


class Parts:
    """Parts that were seen, the longest unseen forgotten first."""

    def __init__(self) -> None:
        self.whole, self.known = Whole(None, b"", NAME), dict[tuple[str, bytes], Part]()
        self.fresh: list[tuple[tuple[str, bytes], Part]] = []

    def root(self, der: bytes) -> Any:
        """Its nodes; None where pkilint is to read it whole."""
        self.fresh.clear()
        if (outline := outlined(der)) is None:
            return None
        self.whole.take(der)
        top = Above(self.whole, "certificate", CERTIFICATE.clone(), None)
        tbs = Above(self.whole, "tbsCertificate", TBS.clone(), top)
        types = TBS.componentType
        listed = Above(self.whole, "extensions", types.getTypeByPosition(9).clone(), tbs)
        try:
            for at, octets in zip(FIELDS, outline.fields, strict=False):
                self._add(tbs, at, types.getNameByPosition(at), octets, types.getTypeByPosition(at))
            for at, octets in enumerate(outline.extensions):
                self._add(listed, at, str(at), octets, EXTENSION)
            added(tbs, 9, listed)
            added(top, 0, tbs)
            types = CERTIFICATE.componentType
            for at, octets in ((1, outline.algorithm), (2, outline.signature)):
                self._add(top, at, types.getNameByPosition(at), octets, types.getTypeByPosition(at))
        except (PyAsn1Error, ValueError):
            return None
        self.whole.root = top
        return top

    def keep(self, decoding: Any) -> None:
        """Fresh parts are known now, if the container that decodes what is in them is done with them for good."""
        for key, part in self.fresh:
            if part.again.get(id(decoding)) == () and len(key[1]) <= PART_MAX:
                self.known[key] = part
        while len(self.known) > PARTS_MAX:
            del self.known[next(iter(self.known))]

    def _add(self, above: Above, at: int, name: str, octets: bytes, kind: Any) -> None:
        key = (f"{above.path}.{name}", octets)
        if (part := self.known.pop(key, None)) is None:
            part = Part(self.whole, name, decode_der(octets, asn1Spec=kind)[0], above)
            self.fresh.append((key, part))
        else:
            self.known[key] = part
            part.parent = above
        added(above, at, part)


def added(above: Above, at: int, child: PDUNode) -> None:
    """It stands there among the nodes, and in the value."""
    above.children[child.name] = child
    above.pdu.setComponentByPosition(at, child.pdu, **TRUSTED)
