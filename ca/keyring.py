"""The keys that a signer process has: of each issuing CA that it is asked about, opened when it first is."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock

import structlog

from ca.keys import KeyUnusable, SharedKey, SigningKey

LOG = structlog.get_logger(__name__)


class Keyring(Mapping[int, SigningKey]):
    """Keys by the id of their issuer. One is opened or signs at a time: the keys of a token share its module.

    One that cannot be opened is not here, and is looked for again when it is asked for again.
    """

    def __init__(self, opens: Callable[[int], SigningKey]) -> None:
        """`opens` raises KeyUnusable."""
        self.opens, self.turn, self.opened = opens, Lock(), dict[int, SigningKey]()

    def need(self, issuer_id: int) -> SigningKey:
        """The key. Raises KeyUnusable."""
        with self.turn:
            if issuer_id not in self.opened:
                self.opened[issuer_id] = SharedKey(self.opens(issuer_id), self.turn)
            return self.opened[issuer_id]

    def __getitem__(self, issuer_id: int) -> SigningKey:
        try:
            return self.need(issuer_id)
        except KeyUnusable as fault:
            LOG.warning("key_unusable", issuer=issuer_id, reason=str(fault))
            raise KeyError(issuer_id) from None

    def __iter__(self) -> Iterator[int]:
        """Those opened so far."""
        return iter(list(self.opened))

    def __len__(self) -> int:
        return len(self.opened)
