"""A customer's machine, played: an ACME client that keeps one account and renews by itself, untouched by people.

It calls the use cases that the edge calls; the JWS around them is left out.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from acme_server.protocol import base64url, keys, nonce
from acme_server.protocol.jws import Jwk
from acme_server.protocol.objects import Account
from acme_server.protocol.requests import Identifier, NewAccount, NewOrder
from acme_server.storage import certificates
from acme_server.storage import orders as order_storage
from acme_server.use_cases import accounts, authorizations, finalize, orders, revoke
from acme_server.use_cases.authenticate import new_nonce
from acme_server.use_cases.context import Context
from acme_server.use_cases.orders import RefusedByGate
from contract_gate.decision import Refused
from office.use_cases.keys import NewKey

RENEWS_BEFORE = timedelta(days=14)


@dataclass
class Machine:
    """An account, the names it wants, and the certificates it holds."""

    account: Account
    names: Sequence[str]
    certificates: list[bytes] = field(default_factory=list)  # DER, the newest last
    refused: Refused | None = None  # since the last order that went well
    is_off: bool = False

    def is_due(self, now: datetime) -> bool:
        """Whether it will ask for a certificate today, as a client does whose timer runs daily."""
        if self.is_off or not self.certificates:
            return not self.is_off
        newest = x509.load_der_x509_certificate(self.certificates[-1])
        end, whole = newest.not_valid_after_utc, newest.not_valid_after_utc - newest.not_valid_before_utc
        return end - now < min(RENEWS_BEFORE, whole / 3)

    async def ask(self, context: Context, now: datetime, meanwhile: Callable[[], Awaitable[None]]) -> Refused | None:
        """A certificate more, or the refusal: new when the machine had none since its last success.

        What takes longer than the request is done `meanwhile`: CAA is looked up again for a name proven before.
        """
        wanted = NewOrder([Identifier("dns", name) for name in self.names])
        placed = await orders.place_order(context, self.account, (), wanted, now)
        if isinstance(placed, RefusedByGate):
            return self.told(placed.refused)
        for authorization, status in zip(placed.order.authorization_ids, placed.statuses, strict=True):
            if status == "pending":
                await authorizations.respond(context, self.account, authorization, "http-01", now)
        csr = base64url.encode(request_for(self.names))
        _, ready = await order_storage.spend_to_finalize(
            context.pool, spendable(context, now), self.account.id, placed.order.id, now - finalize.SEAL_LIMIT,
            now - finalize.CAA_AGE, context.issuer.id,
        )  # fmt: skip
        done = await finalize.finalize(context, self.account, ready, csr, now)
        if isinstance(done, RefusedByGate):
            return self.told(done.refused)
        order = done.order
        if order.status == "processing":
            await meanwhile()
            found = await order_storage.order_of_account(context.pool, placed.order.id, self.account.id)
            order = found.order if found else order
        assert order.certificate_id is not None, order  # the signer is near
        self.certificates.append(await self.downloaded(context, order.certificate_id, now))
        self.refused = None
        return None

    async def downloaded(self, context: Context, certificate_id: UUID, now: datetime) -> bytes:
        """The certificate, DER, as the account fetches it."""
        spent = spendable(context, now)
        _, found = await certificates.spend_and_read(context.pool, spent, self.account.id, certificate_id)
        assert found is not None  # it is the account's own
        return found.der

    def told(self, refused: Refused) -> Refused | None:
        """The refusal, unless it is the one of the day before."""
        before, self.refused = self.refused, refused
        return None if before is not None and before.gate == refused.gate else refused

    async def revoke(self, context: Context, reason: int | None, now: datetime) -> None:
        """Its newest certificate is revoked at its own request."""
        certificate = base64url.encode(self.certificates.pop())
        await revoke.by_account(context, self.account, certificate, reason, now)


async def registered(context: Context, key: NewKey, names: Sequence[str], now: datetime) -> Machine:
    """A machine with a new account, bound to the contract of the key."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64url.encode(each.to_bytes(32, "big")) for each in (public.x, public.y))
    url = f"{context.base_url}/new-account"
    jwk = msgspec.json.encode({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    first = base64url.encode(msgspec.json.encode({"alg": "HS256", "kid": key.kid, "url": url}))
    second = base64url.encode(jwk)
    mac = hmac.digest(base64url.decode(key.hmac_key), f"{first}.{second}".encode(), hashlib.sha256)
    binding = msgspec.json.encode({"protected": first, "payload": second, "signature": base64url.encode(mac)})
    wanted = NewAccount(terms_of_service_agreed=True, binding=msgspec.Raw(binding))
    own_key = keys.of_jwk(msgspec.json.decode(jwk, type=Jwk))
    made = await accounts.register(context, own_key, None, wanted, url, "192.0.2.1", now)
    return Machine(made.account, names)


def spendable(context: Context, now: datetime) -> nonce.Spendable:
    """A nonce for one request."""
    return nonce.read(context.nonce_key, new_nonce(context, now), now, context.limits.nonce_lifetime)


def request_for(names: Sequence[str]) -> bytes:
    """A CSR with a new key, DER."""
    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(san, critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)
