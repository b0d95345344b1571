"""The supervisor of `keiyaku dev` before everything runs: who cannot start, and a signal that comes early."""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

from tests.acceptance.crash import children, until
from tests.acceptance.dev import BIN, LISTENERS, environment, free_ports, left_over

PATIENCE = 60.0


async def test_who_cannot_start_ends_dev_with_its_reason() -> None:
    """Not a loop of starts: the signer cannot make its socket."""
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder:
        data = Path(folder) / "data"
        ports = free_ports(*LISTENERS, "http", "tls")
        unfit = {"KEIYAKU_SIGNER__SOCKET": f"{folder}/{'x' * 120}.sock"}
        environ = dict(os.environ) | environment(data, ports) | unfit
        ended = await asyncio.to_thread(
            subprocess.run, [BIN / "keiyaku", "dev"], env=environ, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1, ended.stderr
        assert "keiyaku: sign cannot start" in ended.stderr
        assert ended.stderr.count("keiyaku: sign: ") == 3
        assert left_over(data) == []


async def test_sigterm_during_the_start_ends_dev_in_good_order() -> None:
    with tempfile.TemporaryDirectory(prefix="keiyaku-") as folder:
        data = Path(folder) / "data"
        environ = dict(os.environ) | environment(data, free_ports(*LISTENERS, "http", "tls"))
        dev = await asyncio.create_subprocess_exec(
            BIN / "keiyaku", "dev", env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

        async def is_forking() -> bool:
            return "sign" in [name_of(pid) for pid in children(dev.pid)]

        await until(is_forking, "the first child")
        dev.terminate()
        async with asyncio.timeout(PATIENCE):
            _, said = await dev.communicate()
        assert dev.returncode == 0, said
        assert left_over(data) == []


def name_of(pid: int) -> str:
    """What `ps` shows; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
