"""`python -m bench --crl 1000000`: so many revoked certificates, and every shard's CRL made anew by a signer process.

Twice: first when no CRL shows any of them yet, so that each is marked as published; then as it is every day. Prints
wall-clock time, CPU seconds of the signer and of PostgreSQL, the signer's greatest resident memory, and the greatest
proportional memory of PostgreSQL as a whole, looked at ten times a second.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import asyncpg

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from bench import processes
from ca import hierarchy, keys, signer
from ca.hierarchy import ISSUING, SHARD_COUNT, Names
from ca.signer_client import CrlMade, SignerClient
from sql.migrate import ensure_partitions, migrate

PASSPHRASE = b"a passphrase of the benchmark"
NAMES = Names("JP", "Bench CA", "Bench Root", "Bench Issuing CA", "http://status.bench.test")
TIMEOUT = 600.0
MEMORY_EVERY = 0.1
FILL = """
INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by, requested_at,
    revoked_at, not_after)
SELECT substring(hash FROM 1 FOR 16), 1, gen_random_uuid(), get_byte(hash, 15) % $2,
    (ARRAY[NULL, 1, 3, 4, 5, 9])[n % 6 + 1], 'A11.1.2', 'bench', at, at, now() + interval '100 days'
FROM (SELECT n, set_byte(sha256(n::text::bytea), 0, 1 + n % 127) AS hash, now() - n % 1000000 * interval '10 s' AS at
      FROM generate_series(1, $1::integer) n) made
"""


async def run(server: EmbeddedPostgres, folder: Path, count: int) -> None:
    """The database, the signer, and both rounds."""
    admin = await asyncpg.connect(server.dsn(database="postgres"))
    await admin.execute("CREATE DATABASE keiyaku")
    await admin.close()
    await migrate(server.dsn())
    await ensure_partitions(server.dsn(), utc_now())
    issuer = await hierarchy.init(folder / "ca", server.dsn(), PASSPHRASE, NAMES, utc_now(), SHARD_COUNT)
    owner = await asyncpg.connect(server.dsn())
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(FILL, count, issuer.shard_count, timeout=TIMEOUT)
    await owner.execute("ANALYZE")
    await owner.execute("CHECKPOINT")
    socket_path = folder / "signer.sock"
    words = ["-m", "bench.crl", server.dsn("keiyaku_sign"), str(folder / "ca"), str(socket_path)]
    child = await asyncio.create_subprocess_exec(sys.executable, *words)
    try:
        while not socket_path.exists():
            await asyncio.sleep(0.05)
        assert server.process is not None
        for what in ("first publication", "daily regeneration"):
            figures = await round_of(socket_path, issuer.shard_count, child.pid, server.process.pid)
            octets = await owner.fetchval(
                "SELECT sum(octet_length(der)) FROM (SELECT DISTINCT ON (shard) der FROM ca.crls WHERE issuer_id = 1"
                " ORDER BY shard, number DESC) newest"
            )
            head = {"what": what, "revoked": count, "shards": issuer.shard_count, "octets": int(octets)}
            print(json.dumps(head | figures), flush=True)
    finally:
        child.send_signal(signal.SIGTERM)
        await child.wait()
        await owner.close()


async def round_of(socket_path: Path, shards: int, signer_pid: int, server_pid: int) -> dict[str, float]:
    """Every shard's CRL is made anew, one after the other, as the worker asks for them."""
    client, peak = SignerClient(socket_path), Peak(server_pid)
    watching = asyncio.create_task(peak.watch())
    began, own, postgresql = time.monotonic(), cpu_of(signer_pid), cpu_of(server_pid)
    for shard in range(shards):
        answer = await client.crl(ISSUING, shard, TIMEOUT)
        if not isinstance(answer, CrlMade):
            raise SystemExit(f"no CRL of shard {shard}: {answer.reason}")
    seconds = time.monotonic() - began
    figures = {
        "seconds": round(seconds, 1),
        "signer_cpu_s": round(cpu_of(signer_pid) - own, 1),
        "postgresql_cpu_s": round(cpu_of(server_pid) - postgresql, 1),
        "signer_peak_rss_mib": round(peak_rss_mib(signer_pid), 1),
        "postgresql_peak_pss_mib": round(peak.pss_mib, 1),
    }
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await client.close()
    return figures


class Peak:
    """The greatest proportional memory of a process and all below it."""

    def __init__(self, root: int) -> None:
        self.root, self.pss_mib = root, 0.0

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            found = await asyncio.to_thread(processes.tree, self.root)
            self.pss_mib = max(self.pss_mib, sum(each.pss_mib for each in found.values()))
            await asyncio.sleep(MEMORY_EVERY)


def cpu_of(root: int) -> float:
    """CPU seconds of the process and all below it, so far."""
    return sum(each.cpu_s for each in processes.tree(root).values())


def peak_rss_mib(pid: int) -> float:
    """The greatest resident memory of the process so far."""
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def sign(dsn: str, folder: Path, socket_path: Path) -> None:
    """A signer process, until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    key = keys.load(hierarchy.key_file(folder, ISSUING), PASSPHRASE)
    await signer.serve(socket_path, dsn, {ISSUING: key}, stop, utc_now)


def main(count: int) -> None:
    """Prints the figures as JSON, a line each round."""
    with tempfile.TemporaryDirectory(prefix="keiyaku-bench-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres")
        server.start()
        try:
            asyncio.run(run(server, Path(name), count))
        finally:
            server.stop()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(sign(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
