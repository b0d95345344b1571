"""Certificate Transparency in the life of an order: logs asked, the certificate recorded that their SCTs lead to.

Steps 7 and 8 of issuance (`ca/issuance.py`). A precertificate is stored by then; what fails here is tried again until
the order's deadline, at which its serial is revoked like every other that may have been signed (C-125, C-132).
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import structlog

from acme_server import tally
from acme_server.clock import utc_now
from acme_server.use_cases.context import Context
from acme_server.use_cases.log_list import Transparency
from ca import ct, ct_storage
from ca import storage as ca
from ca.certificate import Issuer
from ca.ct import Entry, LogFailed, TooFew
from ca.ct_logs import Log, needed
from ca.ct_storage import Precertificate
from ca.precertificate import entry_of, final_tbs
from ca.sct import Sct

LOG = structlog.get_logger(__name__)
REASON_MAX = 1000


async def record_final(context: Context, id: UUID) -> str | None:
    """The certificate that goes with a stored precertificate is recorded; else why not yet."""
    found = await ct_storage.precertificate(context.pool, id)
    if found is None or found.is_final:
        return None  # the signer knows what became of it
    if context.transparency is None:
        return "certificate transparency is switched off in this process"
    issuer = await issuer_of(context, found.issuer_id)
    try:
        given = await given_for(context.transparency, found, issuer, context.chains[0], utc_now)
    except TooFew as few:
        LOG.warning("too_few_scts", record=str(id), reason=str(few))
        return str(few)[:REASON_MAX]
    tbs = final_tbs(found.tbs, [one.sct for one in given])
    await ct_storage.insert_final(context.pool, id, found, tbs, given, f"process:{context.worker}", utc_now())
    return None


async def issuer_of(context: Context, issuer_id: int) -> Issuer:
    """The issuer of a record, which is nearly always the present one."""
    if issuer_id == context.issuer.id:
        return context.issuer
    async with context.pool.acquire() as conn:
        found = await ca.issuer(conn, issuer_id)
    if found is None:
        raise LookupError(f"no issuer {issuer_id}")
    return found


async def given_for(
    transparency: Transparency, found: Precertificate, issuer: Issuer, chain: list[bytes], clock: Callable[[], datetime]
) -> list[ct.Given]:
    """SCTs that are enough, verified. Raises TooFew."""
    above = chain if chain[0] == issuer.certificate else [issuer.certificate]
    spki_sha256 = sha256(issuer.spki).digest()
    entry = Entry((found.der, *above), spki_sha256, entry_of(found.tbs), found.signed_at)

    async def ask(log: Log) -> Sct:
        try:
            sct = await ct.submit(transparency.session, log, entry, transparency.log_seconds, clock)
        except LogFailed as reason:
            tally.count("sct", log.operator, "failed")
            LOG.warning("log_failed", log=log.description, reason=str(reason))
            raise
        tally.count("sct", log.operator, "given")
        return sct

    return await ct.gather(
        ask, transparency.candidates(found.not_after, clock()), needed(found.not_before, found.not_after),
        transparency.patience, transparency.gather_seconds,
    )  # fmt: skip
