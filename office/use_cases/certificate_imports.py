"""Certificates and CRLs that a restored backup does not know: read from files, verified, and held against the database.

What was signed after a backup is this CA's all the same: it must be possible to revoke it (C-125), and what was on a
CRL stays on it until its end (C-141, C-142). Files are believed for the signature on them alone. `taking_in` writes.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from ca import imported
from ca import storage as ca
from ca.covering import uncovered
from ca.imported import Entry, Found, FoundCrl, NotOurs
from ca.storage import KEY_COMPROMISE
from office.storage import certificate_imports as storage
from office.storage.certificate_imports import Known
from office.use_cases import asked
from office.use_cases.asked import Unfit
from sql import Conn

AT_ONCE = 2_000


class File(msgspec.Struct, frozen=True):
    """A file: with certificates, or a CRL."""

    name: str
    data: bytes
    is_crl: bool = False


class Whose(msgspec.Struct, frozen=True):
    """To which contract the certificates belong: to the one named, to none that is known, or else as they show."""

    contract: str | None = None
    nobodys: bool = False


class Read(msgspec.Struct, frozen=True):
    """A file whose every part this CA has signed."""

    name: str
    sha256: bytes
    certificates: list[Found]
    crl: FoundCrl | None


class Certificate(msgspec.Struct, frozen=True):
    """A certificate of a file. `state`: `new`; `known`: nothing is to be done; `completes` one that came back before.

    `contract_by`: how the contract is known: `named`, `subject and names`, `record`, or `-`.
    """

    file: str
    serial: bytes
    state: str
    contract: str | None
    contract_by: str
    contract_id: UUID | None
    precertificate: bool
    issuer_id: int
    shard: int
    profile: str
    organization: str
    names: list[str]
    not_after: datetime


class Crl(msgspec.Struct, frozen=True):
    """A CRL of a file, and its entries: those that are revoked here alike; those to revoke, of which so many without a
    certificate; those to show as compromised; and those that are revoked here otherwise, and stay so.
    """

    file: str
    issuer_id: int
    shard: int
    number: int
    this_update: datetime
    entries: int
    alike: int
    to_revoke: int
    without_certificate: int
    to_upgrade: int
    otherwise: list[bytes]


class Import(msgspec.Struct, frozen=True):
    """What the files hold, as the database stood before they were taken in."""

    certificates: list[Certificate]
    crls: list[Crl]


class Sorted(msgspec.Struct, frozen=True):
    """The entries of a lost CRL by what there is to do for them."""

    alike: list[Entry]
    strange: list[Entry]
    revoke: list[Entry]
    upgrade: list[Entry]
    otherwise: list[Entry]


async def read(conn: Conn, files: Sequence[File]) -> list[Read]:
    """The files, verified, certificates before CRLs. Raises Unfit for the first that is not all ours."""
    issuers, own = [each.issuer for each in await ca.issuing(conn)], await storage.own(conn)
    done = []
    for each in sorted(files, key=lambda one: one.is_crl):
        try:
            found = [] if each.is_crl else imported.certificates(each.data, issuers, own)
            crl = imported.crl(each.data, issuers) if each.is_crl else None
        except NotOurs as why:
            raise Unfit(f"{each.name} {why}: nothing was taken in") from None
        done.append(Read(each.name, sha256(each.data).digest(), found, crl))
    return done


async def look(conn: Conn, reads: Sequence[Read], whose: Whose) -> Import:
    """What there is to do; nothing is written. Raises Unfit when a serial number would be two certificates', or nobody
    can tell whose a certificate is.
    """
    shown, seen, crls = list[Certificate](), dict[bytes, bytes](), list[Crl]()
    for one in reads:
        for found in one.certificates:
            if not imported.is_same(found.tbs, seen.setdefault(found.serial, found.tbs)):
                raise twice(one, found)
        shown += await look_at_certificates(conn, one, whose)
        if one.crl is not None:
            crls.append(crl_shown(one.name, one.crl, await sorted_entries(conn, one, one.crl)))
    return Import(shown, crls)


async def look_at_certificates(conn: Conn, one: Read, whose: Whose) -> list[Certificate]:
    """The certificates of a file as they stand. Raises Unfit."""
    known = await storage.known(conn, [each.serial for each in one.certificates])
    return [await look_at(conn, one, each, known.get(each.serial), whose) for each in one.certificates]


async def look_at(conn: Conn, one: Read, found: Found, known: Known | None, whose: Whose) -> Certificate:
    """One of them. Raises Unfit."""
    state = state_of(one, found, known)
    if known is not None and known.tbs is not None:
        contract_id, by = known.contract_id, "record" if known.contract_id else "-"
        handle = await storage.handle(conn, contract_id) if contract_id else None
    else:
        contract_id, handle, by = await contract_of(conn, one, found, whose)
    return Certificate(
        one.name, found.serial, state, handle, by, contract_id, found.is_precertificate, found.issuer_id, found.shard,
        found.profile, found.subject.organization, found.names, found.not_after,
    )  # fmt: skip


def state_of(one: Read, found: Found, known: Known | None) -> str:
    """What there is to do for a certificate. Raises Unfit when another one has its serial number."""
    if known is None:
        return "new"
    if known.issuer_id != found.issuer_id:
        raise twice(one, found)
    if known.tbs is None:
        if not known.revoked:
            raise twice(one, found)  # a responder's
        return "new"
    held = known.precertificate if found.is_precertificate else known.certificate
    if not imported.is_same(found.tbs, known.tbs) or (held is not None and held != found.der):
        raise twice(one, found)
    return "completes" if known.imported and held is None else "known"


def twice(one: Read, found: Found) -> Unfit:
    """A serial number that two certificates have is an incident (C-079)."""
    return Unfit(
        f"{one.name} holds certificate {found.serial.hex()}, and this CA has signed another one with that serial "
        "number: nothing was taken in; treat it as an incident (docs/incidents.md)"
    )


async def contract_of(conn: Conn, one: Read, found: Found, whose: Whose) -> tuple[UUID | None, str | None, str]:
    """Whose it is, how that contract is called, and how it is known. Raises Unfit when several fit, or none."""
    if whose.nobodys:
        return None, None, "-"
    if whose.contract is not None:
        named = await asked.contract(conn, whose.contract)
        return named.id, await storage.handle(conn, named.id), "named"
    candidates = await storage.contracts_of_subject(conn, found.subject)
    fitting = [each for each in candidates if not uncovered(found.names, each.entries)]
    if len(fitting) != 1:
        several = ", ".join(each.handle for each in fitting[:10]) or "none"
        raise Unfit(
            f"{one.name} holds certificate {found.serial.hex()} of {found.subject.organization}, and contracts with "
            f"that subject and its names: {several}. Say whose it is with --contract, or --no-contract"
        )
    return fitting[0].id, fitting[0].handle, "subject and names"


async def sorted_entries(conn: Conn, one: Read, crl: FoundCrl) -> Sorted:
    """The entries of a CRL by what this database knows of them. Raises Unfit for one that is of another CA here."""
    done = Sorted([], [], [], [], [])
    for some in parts(crl.entries):
        known = await storage.known(conn, [each.serial for each in some])
        for each in some:
            here = known.get(each.serial)
            if here is not None and here.issuer_id != crl.issuer_id:
                raise Unfit(f"{one.name} shows {each.serial.hex()}, which is another CA's here: nothing was taken in")
            place(done, each, here).append(each)
    return done


def place(done: Sorted, one: Entry, here: Known | None) -> list[Entry]:
    """Where an entry belongs. A compromise that was found counts more than what is known here (C-143)."""
    if here is None:
        return done.strange
    if not here.revoked or here.since is None:
        return done.revoke
    since = here.since.replace(microsecond=0)
    if (since, here.reason) == (one.revoked_at, one.reason):
        return done.alike
    if one.reason == KEY_COMPROMISE and (here.reason != KEY_COMPROMISE or one.revoked_at < since):
        return done.upgrade
    return done.otherwise


def parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """A few at a time."""
    return (entries[at : at + AT_ONCE] for at in range(0, len(entries), AT_ONCE))


def crl_shown(name: str, crl: FoundCrl, found: Sorted) -> Crl:
    """A CRL as people are shown it."""
    return Crl(
        name, crl.issuer_id, crl.shard, crl.number, crl.this_update, len(crl.entries), len(found.alike),
        len(found.strange) + len(found.revoke), len(found.strange), len(found.upgrade),
        [each.serial for each in found.otherwise],
    )  # fmt: skip
