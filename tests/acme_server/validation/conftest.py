"""A DNS simulator with a resolver on it, and the settings of development. Runs in the event loop of production."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from acme_server.validation.resolver import Resolver
from acme_server.validation.settings import ValidationSettings
from tests.simulators.dns import DnsSimulator


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Sockets and TLS behave differently in the loop of the standard library."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def dns() -> AsyncIterator[DnsSimulator]:
    """An empty zone."""
    async with DnsSimulator.start() as simulator:
        yield simulator


@pytest.fixture
def resolver(dns: DnsSimulator) -> Resolver:
    """Asks the simulator."""
    return Resolver([dns.address], lifetime=5)


@pytest.fixture
def settings() -> ValidationSettings:
    """Loopback may be dialled; ports are put in by each test."""
    return ValidationSettings(("ca.example",), allow_private=True)
