"""What a kind of decision is that one person proposes and another confirms."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from office.use_cases.acceptance import Access
from office.use_cases.tokens import Role
from sql import Conn

DESK: frozenset[Role] = frozenset({"officer", "approver"})
APPROVERS: frozenset[Role] = frozenset({"approver"})
COMPLIANCE: frozenset[Role] = frozenset({"compliance"})
SERVICE: frozenset[Role] = frozenset({"compliance", "operator"})


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of a decision."""


class Deciding(msgspec.Struct, frozen=True):
    """What a use case of two persons is called with.

    `vouched`: the proposal for which both vouched with their tokens; None where a command decides, as the operator.
    """

    conn: Conn
    given: Any
    first: str
    second: str
    access: Access
    proposed_at: datetime
    now: datetime
    vouched: UUID | None = None


class Kind(msgspec.Struct, frozen=True):
    """A decision: what it needs, who may propose and who confirm it, and the use case that decides.

    `secret`: nobody but them sees it (T13-3). `fit`: the arguments as they are kept; raises Unfit where nobody could
    confirm them. `vouched`: the database writes it for two people's tokens and for nobody else. `first_part`: the
    arguments with the hash of a part of a secret, and that part, which who proposes it is shown; who confirms it is
    shown what `decide` returns.
    """

    given: type[Given]
    proposers: frozenset[Role]
    confirmers: frozenset[Role]
    decide: Callable[[Deciding], Awaitable[object]]
    secret: bool = False
    vouched: bool = False
    fit: Callable[[Conn, Any, datetime], Awaitable[Given]] | None = None
    first_part: Callable[[Any], tuple[Given, str]] | None = None
