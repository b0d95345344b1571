"""Documents of an application, encrypted: each under a key of its own, destroyed with it (T4-3, T4-7)."""

import os
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract_gate.articles.article_04_issuance import young_enough
from contract_gate.calendar import jst_date
from contract_gate.readings import archive_of, days_of
from office.storage import documents, readings
from office.storage.changing import changing
from office.storage.documents import Destroyed, Document, Sealed
from office.use_cases import asked
from office.use_cases.asked import NoSuch, Unfit, checked_text, id_of
from sql import Conn
from sql.evidence import append, entry

KEY_OCTETS, NONCE_OCTETS = 32, 12
LARGEST = 20 * 2**20
AGE = "review.document_max_age"  # months
SWEPT_AT_ONCE = 500


def seal(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Nonce and AES-256-GCM of the content; it opens with this key and for this document alone."""
    nonce = os.urandom(NONCE_OCTETS)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What was sealed. Raises Unfit for another key or changed octets."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], bound_to)
    except InvalidTag as error:
        raise Unfit("the document does not open: office.documents_key_file holds another key") from error


async def keep(
    conn: Conn, contract: str, kind: str, issued_on: date, content: bytes, person: str, office_key: bytes, now: datetime
) -> UUID:
    """The document is received today, JST, and kept encrypted; an old one is refused (T4-3). Raises Unfit."""
    checked_text("kind", kind, 64)
    if not 0 < len(content) <= LARGEST:
        raise Unfit(f"a document has 1 to {LARGEST} octets")
    key, who = await asked.contract(conn, contract), await asked.person(conn, person)
    today, document_id = jst_date(now), documents.new_id(now)
    months = days_of(AGE, await readings.of_contract(conn, AGE, key.id, now))
    if not young_enough(issued_on, today, months):
        raise Unfit(
            f"a document issued on {issued_on} is not at most {months} months old on {today}: ask for a new one"
        )
    own_key, digest = os.urandom(KEY_OCTETS), sha256(content).digest()
    sealed = Sealed(key.id, seal(office_key, own_key, document_id.bytes), seal(own_key, content, document_id.bytes))
    async with changing(conn, key.number):
        await documents.insert(conn, document_id, key.id, kind, issued_on, today, digest, sealed, who.id, now)
        row = entry(
            "document.received", asked.actor(who), now, contract_id=key.id, rule="T4-3", clause="A4.2",
            document=document_id, document_kind=kind, issued_on=issued_on, sha256=digest.hex(),
        )  # fmt: skip
        await append(conn, row)
    return document_id


async def opened(conn: Conn, document: str, person: str, office_key: bytes, now: datetime) -> bytes:
    """The content, for a named person: that they read it is recorded. Raises Unfit."""
    document_id, who = id_of("document", document), await asked.person(conn, person)
    async with conn.transaction():
        found = await documents.sealed_of(conn, document_id)
        if found is None:
            raise NoSuch(document, f"there is no document '{document}' that can be read: it may be destroyed")
        own_key = unseal(office_key, found.sealed_key, document_id.bytes)
        row = entry(
            "document.read", asked.actor(who), now, contract_id=found.contract_id, rule="T16-1", document=document_id
        )
        await append(conn, row)
    return unseal(own_key, found.sealed_content, document_id.bytes)


async def listed(conn: Conn, contract: str) -> list[Document]:
    """Every document of the contract, destroyed ones too. Raises Unfit."""
    key = await asked.contract(conn, contract)
    return await documents.documents(conn, key.id)


async def discard(conn: Conn, contract_id: UUID, now: datetime) -> date:
    """Documents of an application that formed no contract go now, or when the archive duty ends (T4-7, R-5).

    In the caller's transaction. Returns the day on which they are destroyed, JST.
    """
    at = now + archive_of(await readings.of_neither(conn, "review.rejected_docs", now))
    await documents.destroy_later(conn, contract_id, at, now)
    await destroyed(conn, await documents.destroy_due(conn, now, contract_id, SWEPT_AT_ONCE), "process:office", now)
    return jst_date(at)


async def sweep(conn: Conn, now: datetime) -> int:
    """Documents whose day of destruction has come are destroyed; says how many."""
    async with conn.transaction():
        gone = await documents.destroy_due(conn, now, None, SWEPT_AT_ONCE)
        await destroyed(conn, gone, "process:office", now)
    return len(gone)


async def destroyed(conn: Conn, gone: list[Destroyed], actor: str, now: datetime) -> None:
    """The record of each destruction (T4-7)."""
    for each in gone:
        row = entry(
            "document.destroyed", actor, now, contract_id=each.contract_id, rule="T4-7", clause="A4.3", document=each.id
        )
        await append(conn, row)
