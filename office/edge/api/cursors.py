"""Cursors: where a page of a listing ended, in a form that this listing alone takes back, and from who asked alone.

A use case gives and takes places. Outside, a place stands under a code of the caller's token, over the address and the
other parameters: a cursor of another listing, another filter, another token or nobody is refused, not taken for a place
behind which nothing is. No row and no key of ours is needed for that, so every node takes every cursor.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec

from office.edge.api.calls import Paged
from office.edge.api.problems import Problem
from office.use_cases.idempotency import Answer

OCTETS = 16  # of the code


class Listing(msgspec.Struct, frozen=True):
    """What is asked for, page by page."""

    secret: str
    path: str
    query: Paged

    def cursor(self, place: str) -> str:
        """The cursor of a place."""
        octets = place.encode()
        return urlsafe_b64encode(self._code(octets) + octets).decode().rstrip("=")

    def place(self, cursor: str) -> str:
        """The place of a cursor that this listing gave. Raises Problem."""
        try:
            octets = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            octets = b""
        code, place = octets[:OCTETS], octets[OCTETS:]
        if not hmac.compare_digest(code, self._code(place)):
            raise Problem(
                "unfit",
                "the cursor is not one of this listing: give `next` of the page before, asked for by the same token "
                "with the same parameters, or begin again without a cursor",
            )
        return place.decode()

    def _code(self, place: bytes) -> bytes:
        others = msgspec.json.encode(msgspec.structs.replace(self.query, cursor=None, limit=1))
        asked = b"\n".join((self.path.encode(), others, place))
        key = sha256(b"keiyaku cursors " + self.secret.encode()).digest()
        return hmac.digest(key, asked, "sha256")[:OCTETS]


def opened(listing: Listing) -> Paged:
    """The query with the place that its cursor stands for. Raises Problem."""
    query = listing.query
    return msgspec.structs.replace(query, cursor=listing.place(query.cursor)) if query.cursor is not None else query


def sealed(listing: Listing, answer: Answer) -> Answer:
    """The page with a cursor where the use case named a place."""
    page = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    place = msgspec.json.decode(page["next"], type=str | None)
    if place is None:
        return answer
    page["next"] = msgspec.Raw(msgspec.json.encode(listing.cursor(place)))
    return msgspec.structs.replace(answer, body=msgspec.json.encode(page))
