"""What is known of an application when two people are to accept it. Values only; loaded by the office."""

import msgspec


class Screened(msgspec.Struct, frozen=True):
    """A person or organisation on the customer's side, and what their screening said (T13-1)."""

    role: str
    subject: str
    verdict: str


class Application(msgspec.Struct, frozen=True):
    """One application at one instant. `reviewed`: kinds of review item whose newest verdict is positive.

    `base_all`: whether sole proprietors too need a base of activity in Japan (R-3).
    """

    customer_kind: str
    based_in_japan: bool
    approved: bool
    own_use: bool
    consented: bool
    names: int
    names_max: int
    subject: bool
    reviewed: frozenset[str]
    called_back: bool
    held: bool
    screened: tuple[Screened, ...]
    base_all: bool = True
