"""What the use cases work with: made once in the composition root, passed to each."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from acme_server.protocol.nonce import NonceKey
from acme_server.protocol.objects import USUAL_CHALLENGES
from acme_server.use_cases.limits import Rates
from acme_server.use_cases.log_list import Transparency
from acme_server.validation.outcome import Asked, NotProven, Proven
from ca.blocklist import Blocklist
from ca.certificate import Issuer
from ca.profiles import Profile
from ca.signer_client import SignerClient
from contract_gate.kept import KeptFacts
from sql import Pool

T = TypeVar("T")


class Looks(Protocol):
    """The look at what a challenge answers with, and at CAA (`validation/look.py`)."""

    async def validate(self, asked: Asked) -> Proven | NotProven:
        """Whether the challenge is answered as expected."""

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        """Whether CAA permits issuance."""


@dataclass(frozen=True)
class Limits:
    """Spans and numbers of the settings that the use cases need."""

    order_lifetime: timedelta
    authorization_lifetime: timedelta
    nonce_lifetime: timedelta
    processing_deadline: timedelta
    inline_wait: timedelta
    validation_attempts: int
    validations_at_once: int = 200  # begun by requests of one process; workers take those above it


@dataclass(frozen=True)
class Offers:
    """What the settings let clients ask for. `public_only`: no name or address outside the public Internet (C-013)."""

    public_only: bool = False
    challenges: tuple[str, ...] = USUAL_CHALLENGES
    subdomains: bool = False  # authorizations that cover subdomains (RFC 9444)


@dataclass
class Context:
    """Shared by all requests of a process. Holds nothing that another process would need (design §7)."""

    pool: Pool
    base_url: str
    terms_url: str
    limits: Limits
    profiles: dict[str, Profile]
    default_binding_kid: str | None
    looks: Looks
    signer: SignerClient
    issuer: Issuer  # whose time it is, as far as is known here (`ca_now`)
    chains: list[list[bytes]]  # what certifies a certificate of the issuer: the default chain, then the alternates
    worker: str
    nonce_key: NonceKey
    rates: Rates
    issuer_revoked: bool = False  # and there is no other; finalize asks
    own_keys: frozenset[bytes] = frozenset()  # SHA-256 of the SPKI of each CA's key: no certificate's, no account's
    blocklist: Blocklist | None = None
    offers: Offers = Offers()
    transparency: Transparency | None = None  # none: certificates without SCTs
    caa_reports: bool = False  # whether owners of domains are told that their CAA forbade a certificate
    kept: KeptFacts = field(default_factory=KeptFacts)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    validating: int = 0  # validations that requests of this process have begun

    def account_url(self, account_id: object) -> str:
        """The account's URL, its `kid` (RFC 8555 §6.2)."""
        return f"{self.base_url}/account/{account_id}"

    @contextmanager
    def place_to_validate(self) -> Iterator[bool]:
        """Whether one more validation may be done here, whose place is kept until the end."""
        free = self.validating < self.limits.validations_at_once
        self.validating += free
        try:
            yield free
        finally:
            self.validating -= free

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """`work` goes on after the request that began it; a draining process waits for it."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
