"""Cursors: where a page of a listing ended, in a form that this listing alone takes back, and from who asked alone.

A use case gives and takes places, which may name who is last of a page (T16-3). Outside, a place is encrypted under
the caller's token, bound to the address and the other parameters: a cursor of another listing, another filter, another
token or nobody is refused, not taken for a place behind which nothing is. The same place is always the same cursor. No
row and no key of ours is needed for that, so every node takes every cursor.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha512

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from office.edge.api.calls import Cursored
from office.edge.api.problems import Problem
from office.use_cases.idempotency import Answer


class Listing(msgspec.Struct, frozen=True):
    """What is asked for, page by page."""

    secret: str
    path: str
    query: Cursored

    def cursor(self, place: str) -> str:
        """The cursor of a place."""
        return urlsafe_b64encode(self._cipher().encrypt(place.encode(), self._bound())).decode().rstrip("=")

    def place(self, cursor: str) -> str:
        """The place of a cursor that this listing gave. Raises Problem."""
        try:
            octets = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            return self._cipher().decrypt(octets, self._bound()).decode()
        except (ValueError, InvalidTag):
            raise Problem(
                "unfit",
                "the cursor is not one of this listing: give `next` of the page before, asked for by the same token "
                "with the same parameters, or begin again without a cursor",
            ) from None

    def _cipher(self) -> AESSIV:
        return AESSIV(sha512(b"keiyaku cursors " + self.secret.encode()).digest())

    def _bound(self) -> list[bytes]:
        asked = {**msgspec.structs.asdict(self.query), "cursor": None, "limit": None}  # a page may be of any length
        return [self.path.encode(), msgspec.json.encode(asked)]


def opened(listing: Listing) -> Cursored:
    """The query with the place that its cursor stands for. Raises Problem."""
    query = listing.query
    return msgspec.structs.replace(query, cursor=listing.place(query.cursor)) if query.cursor is not None else query


def sealed(listing: Listing, answer: Answer) -> Answer:
    """The page, or the part of a file, with a cursor where the use case named a place."""
    if answer.content_type != "application/json":
        return msgspec.structs.replace(answer, next=answer.next and listing.cursor(answer.next))
    page = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    place = msgspec.json.decode(page["next"], type=str | None)
    if place is None:
        return answer
    page["next"] = msgspec.Raw(msgspec.json.encode(listing.cursor(place)))
    return msgspec.structs.replace(answer, body=msgspec.json.encode(page))
