"""Whether another program holds an address of `keiyaku dev`.

Its own processes share addresses (SO_REUSEPORT), so the system would let a second `dev` take half of the connections.
"""

import socket
import time

from acme_server.config import Address, Settings

LISTENERS = ("acme", "office", "status", "management")
PATIENCE = 2.0  # seconds, for a `dev` that is just ending


class AddressTaken(Exception):
    """Which address cannot be had, why, and what to do."""


def require_free(settings: Settings) -> None:
    """Nobody listens where the settings say. Raises AddressTaken."""
    until = time.monotonic() + PATIENCE
    for name in LISTENERS:
        listen: Address | None = getattr(settings, name).listen
        while listen is not None and (fault := fault_of(listen)):
            if time.monotonic() > until:
                raise AddressTaken(
                    f"{name}.listen {listen}: {fault}. Stop what listens there, or choose another address: "
                    f"KEIYAKU_{name.upper()}__LISTEN=127.0.0.1:PORT (and its BASE_URL)"
                )
            time.sleep(0.05)


def fault_of(listen: Address) -> str | None:
    """Why a program that shares with nobody could not listen there."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        socket.create_server((listen.host, listen.port), family=family).close()
    except OSError as error:
        return error.strerror
    return None
