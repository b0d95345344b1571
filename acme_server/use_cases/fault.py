"""One fault of a deployment, and how a look finds them."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from acme_server.config import Settings
from sql import Conn


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and what to do."""

    about: str
    what: str
    do: str


Look = Callable[[Settings, Conn, datetime], Awaitable[list[Fault]]]
