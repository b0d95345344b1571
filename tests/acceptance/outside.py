"""Logs and a coordinator of perspectives, which run beside the tests: in a thread, for a test's client blocks."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from acme_server.clock import utc_now
from tests.acceptance.dev import Dev
from tests.simulators import ct_log, mpic
from tests.simulators.ct_log import SimulatedLog

HERE = "tokyo APNIC 35.68 139.69"
PLACES = (
    "ohio ARIN 39.96 -83.00", "oregon ARIN 45.84 -119.70", "frankfurt RIPE 50.11 8.68", "stockholm RIPE 59.33 18.07",
    "seoul APNIC 37.57 126.98", "sydney APNIC -33.87 151.21",
)  # fmt: skip
OTHERS_LATE = 60.0


@dataclass
class Outside:
    """Three logs in a signed list, and a coordinator by whom six perspectives see the same; their files in `folder`."""

    folder: Path
    roots: list[x509.Certificate] = field(default_factory=list)
    logs: Sequence[SimulatedLog] = ()
    coordinator: mpic.Coordinator = field(default_factory=mpic.Coordinator)
    loop: asyncio.AbstractEventLoop | None = None
    there: threading.Event = field(default_factory=threading.Event)
    over: asyncio.Event | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """Of a `keiyaku dev` that asks them and lints, and offers a profile with OCSP."""
        return {
            "KEIYAKU_CA__PROFILES": "tlsserver,shortlived,tlsserver-ocsp",
            "KEIYAKU_CT__REQUIRED": "true", "KEIYAKU_CT__LOG_LIST": str(self.folder / "logs.json"),
            "KEIYAKU_CT__LOG_LIST_SIGNATURE": str(self.folder / "logs.sig"),
            "KEIYAKU_CT__LOG_LIST_KEY": str(self.folder / "list-key.pem"), "KEIYAKU_LINT__PROCESSES": "1",
            "KEIYAKU_MPIC__URL": self.coordinator.url, "KEIYAKU_MPIC__KEY_FILE": str(self.folder / "mpic.key"),
            "KEIYAKU_MPIC__PRIMARY": HERE, "KEIYAKU_MPIC__PERSPECTIVES": ",".join(PLACES),
        }  # fmt: skip

    @property
    def asked(self) -> int:
        """How many requests the logs have had."""
        return sum(log.asked for log in self.logs)

    def trust(self, dev: Dev) -> None:
        """The logs take certificates under the root of `dev`."""
        self.roots.append(x509.load_pem_x509_certificate(dev.fetch(dev.url("management", "/roots/0"))))

    def behave(self, mode: str) -> None:
        """How all logs do from now on; what hung goes on, except under `hang`."""
        assert self.loop is not None
        for log in self.logs:
            log.mode = mode
            self.loop.call_soon_threadsafe(log.gate.clear if mode == "hang" else log.gate.set)

    async def serve(self) -> None:
        """They run until `over`."""
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        logs = ct_log.three(self.roots, utc_now)
        async with ct_log.running(logs), mpic.running(*(text.split()[0] for text in PLACES)) as self.coordinator:
            self.logs = logs
            listed, publisher = ct_log.log_list(logs, utc_now()), ct_log.ListPublisher()
            for name, content in (
                ("logs.json", listed),
                ("logs.sig", publisher.sign(listed)),
                ("list-key.pem", publisher.pem),
            ):
                (self.folder / name).write_bytes(content)
            (self.folder / "mpic.key").write_text(mpic.SECRET)
            self.there.set()
            await self.over.wait()


@contextmanager
def beside(folder: Path) -> Iterator[Outside]:
    """They run meanwhile."""
    outside = Outside(folder)
    thread = threading.Thread(target=lambda: asyncio.run(outside.serve()), name="outside", daemon=True)
    thread.start()
    assert outside.there.wait(OTHERS_LATE)
    assert outside.loop is not None
    assert outside.over is not None
    try:
        yield outside
    finally:
        outside.loop.call_soon_threadsafe(outside.over.set)
        thread.join(OTHERS_LATE)
