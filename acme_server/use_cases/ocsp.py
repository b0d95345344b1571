"""What relying parties are answered by OCSP: public data, under a role that sees nothing else (T0-4). RFC 9919."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from ca import ocsp, status_storage, storage
from ca.certificate import Issuer
from ca.ocsp import Asked, Malformed
from ca.ocsp_client import OcspClient
from sql import Pool

SIGNER_SECONDS = 3.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)
SERIAL_MOST = 20  # octets, C-079


class Answered(msgspec.Struct, frozen=True):
    """An OCSPResponse. What is not signed, or is for one asker alone, has no instants: nobody may keep it."""

    der: bytes
    this_update: datetime | None = None
    next_update: datetime | None = None


MALFORMED, TRY_LATER, UNAUTHORIZED = Answered(ocsp.MALFORMED), Answered(ocsp.TRY_LATER), Answered(ocsp.UNAUTHORIZED)


@dataclass
class Allowance:
    """So many at once, which come back evenly over the span; 0: no limit. Of one process."""

    number: int
    span: timedelta
    full_at: datetime = LONG_AGO

    def take(self, now: datetime) -> bool:
        """Whether one more may be."""
        if not self.number:
            return True
        later = max(self.full_at, now) + self.span / self.number
        if later - now > self.span:
            return False
        self.full_at = later
        return True


@dataclass
class Answers:
    """Answers from the database, and from the signer where one must have a nonce and there is a signer to ask."""

    pool: Pool
    now: Callable[[], datetime]
    signer: OcspClient | None
    nonces: Allowance
    issuers: dict[int, Issuer] = field(default_factory=dict)

    async def about(self, issuer_id: int, request: bytes) -> Answered:
        """The answer to a request. C-149, C-153, C-155.

        Of serial numbers that no certificate has, of other issuers, and of what has no OCSP address: unauthorized.
        """
        try:
            question = ocsp.asked(request)
        except Malformed:
            return MALFORMED
        issuer = await self._issuer(issuer_id)
        if issuer is None or not ocsp.is_about(issuer, question) or len(question.serial) > SERIAL_MOST:
            return UNAUTHORIZED
        if question.nonce is not None and self.signer is not None and self.nonces.take(self.now()):
            fresh = await self._fresh(self.signer, issuer_id, question, question.nonce)
            if fresh is not None:
                return fresh
        return await self._stored(issuer_id, question)

    async def _fresh(self, signer: OcspClient, issuer_id: int, question: Asked, nonce: bytes) -> Answered | None:
        """With the nonce; None when the signer is away: then an answer without it is better than none (RFC 9654 §2)."""
        assert question.digest is not None  # else it is about no issuer
        found = await signer.nonced(issuer_id, question.serial, question.digest, nonce, SIGNER_SECONDS)
        if found is None:
            return UNAUTHORIZED
        return Answered(found) if isinstance(found, bytes) else None

    async def _stored(self, issuer_id: int, question: Asked) -> Answered:
        """Signed ahead."""
        async with self.pool.acquire() as conn:
            found = await status_storage.ocsp_answer(conn, issuer_id, question.serial)
        now = self.now()
        if found is None or found.not_after <= now:
            return UNAUTHORIZED
        der = found.by_sha1 if question.digest == "sha1" else found.by_sha256
        if der is None or found.next_update is None or found.next_update <= now:
            return TRY_LATER
        return Answered(der, found.this_update, found.next_update)

    async def _issuer(self, issuer_id: int) -> Issuer | None:
        """Issuers never change; only those that exist are kept."""
        if issuer_id not in self.issuers:
            async with self.pool.acquire() as conn:
                found = await storage.issuer(conn, issuer_id)
            if found is None:
                return None
            self.issuers[issuer_id] = found
        return self.issuers[issuer_id]
