"""The server under load: a `keiyaku dev` of its own with a contract as large as real ones."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import asyncpg

from acme_server.clock import utc_now
from contract_gate.calendar import jst_date
from office.use_cases import application, payments
from office.use_cases.application import REVIEWS, Review
from office.use_cases.payments import Bill, Payment
from sql import Conn

NAMES, INVOICES, REVIEW_ITEMS = 100, 36, 50
HAS_NAMES, HAS_REVIEW_ITEMS = 3, len(REVIEWS)  # of the demo contract as it is made
FEE_YEN = 60_500
READY = "Keiyaku is ready"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running `keiyaku dev`."""

    process: subprocess.Popen[bytes]
    base: str
    ca: Path
    kid: str
    hmac: str
    http_port: int
    dsn: str
    log: Path

    def stop(self) -> None:
        """It has ended."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def start(folder: Path, mode: str, settings: Mapping[str, str] = MappingProxyType({})) -> Server:
    """A server on a new data folder, with free ports and these settings, that has printed its greeting."""
    port, http_port = free_port(), free_port()
    listens = {name: f"127.0.0.1:{free_port()}" for name in ("OFFICE", "STATUS", "MANAGEMENT")}
    environment = os.environ | {f"KEIYAKU_{name}__LISTEN": value for name, value in listens.items()}
    environment |= {
        "KEIYAKU_DATA": str(folder),
        "KEIYAKU_ACME__LISTEN": f"127.0.0.1:{port}",
        "KEIYAKU_ACME__BASE_URL": f"https://localhost:{port}",
        "KEIYAKU_STATUS__BASE_URL": f"http://{listens['STATUS']}",
        "KEIYAKU_VALIDATION__MODE": mode,
        "KEIYAKU_VALIDATION__HTTP_PORT": str(http_port),
        **settings,
    }
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "acme_server", "dev"], env=environment, stdout=output, stderr=output
        )
    text = greeting(process, log)
    found = re.search(r"kid (\S+)\s+hmac key (\S+)", text)
    assert found, text
    return Server(
        process, f"https://localhost:{port}", folder / "dev-tls" / "ca.pem", found[1], found[2], http_port,
        f"postgresql://keiyaku_operator@/keiyaku?host={folder / 'postgres' / 'socket'}", log,
    )  # fmt: skip


def greeting(process: subprocess.Popen[bytes], log: Path) -> str:
    """What it printed when it was ready."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if READY in (text := log.read_text()) and "Stop with" in text:
            return text
        time.sleep(0.02)
    raise SystemExit(f"keiyaku dev did not start:\n{log.read_text()}")


async def enlarge(conn: Conn) -> None:
    """The demo contract has 100 names, 36 paid invoices and 50 review items."""
    now = utc_now()
    today = jst_date(now)
    for number in range(NAMES - HAS_NAMES):
        await application.add_name(conn, "demo", f"host-{number}.demo.test", "host", now)
    for month in range(INVOICES):
        issued_on = today - timedelta(days=30 * (INVOICES - month))
        await payments.add_invoice(conn, "demo", Bill(f"BENCH-{month}", "fee", issued_on, None, FEE_YEN), now)
        await payments.record_payment(conn, f"BENCH-{month}", Payment(FEE_YEN, issued_on, "BENCH", "bench"), now)
    for number in range(REVIEW_ITEMS - HAS_REVIEW_ITEMS):
        kind = REVIEWS[number % len(REVIEWS)]
        item = Review(kind, "demo-1", "bench", today - timedelta(days=2 + number), "positive")
        await application.review(conn, "demo", item, "demo-officer-1", now)


async def enlarged(server: Server) -> None:
    """The contract of the running server is enlarged."""
    conn = await asyncpg.connect(server.dsn)
    try:
        await enlarge(conn)
    finally:
        await conn.close()


def prepare(folder: Path, mode: str, settings: Mapping[str, str]) -> Server:
    """A server with the large contract."""
    server = start(folder, mode, settings)
    asyncio.run(enlarged(server))
    return server
