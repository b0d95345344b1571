"""What an operation is, what it is called with, and how its answer is written."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from office.use_cases.acceptance import Access
from office.use_cases.explain import Profile
from office.use_cases.idempotency import Answer
from office.use_cases.tokens import Caller, Role
from sql import Conn, Pool

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
Handle = Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Yen = Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]
Many = 200  # elements of a list in a body
WHOLE = ("*",)  # of an operation all of whose answer is withheld


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameter."""


class Cursored(Query, frozen=True, forbid_unknown_fields=True):
    """Where a page or a part begins."""

    cursor: Cursor | None = None


class Paged(Cursored, frozen=True, forbid_unknown_fields=True):
    """Where a page begins, and how long it is."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No content."""


class House(msgspec.Struct, frozen=True):
    """What operations need of the process: addresses, the key of documents, compliance's own connections.

    `profile`: what an order that asks for none gets.
    """

    access: Access
    documents_key: Callable[[], bytes]
    compliance: Pool
    profile: Profile


class Call(msgspec.Struct, frozen=True):
    """A call that is allowed and understood. `customer`: whose things it may see; None: all.

    `proof`: of the caller's token, for what the database writes for its holder alone.
    """

    conn: Conn
    caller: Caller
    customer: UUID | None
    path: Mapping[str, str]
    query: Any
    body: Any
    house: House
    now: datetime
    proof: bytes

    @property
    def person(self) -> str:
        """The handle of the natural person; operations that need one are closed to services."""
        return str(self.caller.handle)


Handler = Callable[[Call], Awaitable[Answer]]


class Operation(msgspec.Struct, frozen=True):
    """One line of the table. `body` is a struct, or `bytes` for a file as it is.

    `person`: closed to services. `once`: under an Idempotency-Key, in one transaction. `withheld`: fields of the answer
    that auditors see for a reason alone (T16-3).
    """

    id: str
    method: str
    path: str
    roles: frozenset[Role]
    run: Handler
    query: type[Query] = Query
    body: type[Body] | type[bytes] | None = None
    person: bool = False
    once: bool = False
    largest: int = 64 * 1024
    withheld: tuple[str, ...] = ()


def answer(value: object, status: int = 200) -> Answer:
    """A value as JSON; octets in hexadecimal."""
    return Answer(status, msgspec.json.encode(plain(value)))


def created(value: object) -> Answer:
    """Something was made."""
    return answer(value, 201)


def done() -> Answer:
    """It is done and there is nothing to say."""
    return Answer(204, b"")


def plain(value: object) -> object:
    """What JSON can say of a value."""
    match value:
        case bytes():
            return value.hex()
        case msgspec.Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value
