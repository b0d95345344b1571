"""`make bench`: issues certificates through a server of its own and says what each cost.

    python -m bench [--certificates 3000] [--concurrency 16] [--accounts 16] [--mode always_valid|real] [--slices 1]
    python -m bench --start 5        only how long `keiyaku dev` takes to be ready, cold and warm, five times
    python -m bench --crl 1000000    only the CRLs of so many revoked certificates

CPU is that of every process of the server and of PostgreSQL, from /proc; transactions and flushes are PostgreSQL's own.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench import bank, crl, processes, scale, server, start, transparency, yardstick
from bench.server import Server

STEPS = ("newOrder", "getAuthz", "challenge", "pollAuthz", "finalize", "pollOrder", "download")
COUNTS = """
SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS commits,
       (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal') AS flushes,
       (SELECT wal_bytes FROM pg_stat_wal) AS wal_bytes,
       (SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables) AS rows_read
"""


@dataclass
class Snapshot:
    """CPU of each process and PostgreSQL's counters at one moment."""

    tree: dict[int, processes.Process]
    counts: dict[str, int]


async def counts(target: Server) -> dict[str, int]:
    """PostgreSQL's own counters."""
    conn = await asyncpg.connect(target.dsn)
    try:
        row = await conn.fetchrow(COUNTS)
        assert row is not None
        return {name: int(value or 0) for name, value in row.items()}
    finally:
        await conn.close()


def snapshot(target: Server) -> Snapshot:
    """Now."""
    return Snapshot(processes.tree(target.process.pid), asyncio.run(counts(target)))


def load(target: Server, options: argparse.Namespace, certificates: int) -> tuple[Snapshot, Snapshot, list[Any]]:
    """Issues the certificates from `options.loaders` processes; the server before and after, and what they saw."""
    share = [sys.executable, "-m", "bench.load", "--base", target.base, "--ca", str(target.ca), "--kid", target.kid,
             "--hmac", target.hmac]  # fmt: skip
    numbers = {"accounts": options.accounts, "concurrency": options.concurrency, "certificates": certificates}
    for name, value in numbers.items():
        share += [f"--{name}", str(max(1, value // options.loaders))]
    if options.mode == "real":
        share += ["--http-port", str(target.http_port)]
    outputs = [target.ca.parent / f"load-{number}.json" for number in range(options.loaders)]
    loaders = [
        subprocess.Popen([*share, "--out", str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for out in outputs
    ]
    for each in loaders:
        assert each.stdout is not None
        if each.stdout.readline().strip() != "ready":
            raise SystemExit("a load process did not start")
    before = snapshot(target)
    for each in loaders:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    if sum(each.wait() for each in loaders):
        raise SystemExit("a load process failed")
    after = snapshot(target)
    return before, after, [json.loads(out.read_text()) for out in outputs]


def report(before: Snapshot, after: Snapshot, seen: list[Any], options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one slice."""
    issued = [each for one in seen for each in one["issued"]]
    ended = sorted(each for one in seen for each in one["ended"])
    errors = [each for one in seen for each in one["errors"]]
    done = len(issued)
    if not done:
        raise SystemExit(f"nothing was issued: {errors[:3]}")
    cpu: dict[str, float] = defaultdict(float)
    for pid, process in after.tree.items():
        began = before.tree[pid].cpu_s if pid in before.tree else 0.0
        cpu[named(process, after.tree)] += (process.cpu_s - began) * 1000 / done
    steps = {step: [each for one in seen for each in one["steps"].get(step, [])] for step in STEPS}
    requests = sum(map(len, steps.values()))
    total, speed = sum(cpu.values()), statistics.median(each for one in seen for each in one["verifications_us"])
    span = ended[-1] - (ended[0] - issued[0] / 1000)
    return {
        "certificates": done,
        "errors": len(errors),
        "error_samples": errors[:3],
        "certificates_per_s": round(done / span, 1),
        "requests_per_certificate": round(requests / done, 2),
        "cpu_ms_per_certificate": {name: round(value, 3) for name, value in sorted(cpu.items()) if value >= 0.001},
        "cpu_ms_per_certificate_total": round(total, 2),
        "verification_us": round(speed, 1),
        "cpu_ms_per_certificate_at_study_speed": round(total * yardstick.STUDY_US / speed, 2),
        "client_cpu_ms_per_certificate": round(sum(one["cpu_s"] for one in seen) * 1000 / done, 2),
        "transactions_per_certificate": round((after.counts["commits"] - before.counts["commits"]) / done, 2),
        "wal_flushes_per_certificate": round((after.counts["flushes"] - before.counts["flushes"]) / done, 2),
        "wal_kib_per_certificate": round((after.counts["wal_bytes"] - before.counts["wal_bytes"]) / done / 1024, 1),
        "rows_read_per_certificate": round((after.counts["rows_read"] - before.counts["rows_read"]) / done, 1),
        "issuance_ms": quantiles(issued),
        "steps_ms": {step: quantiles(found) for step, found in steps.items() if found},
        "memory_mib": memory(after.tree),
        "concurrency": options.concurrency,
        "accounts": options.accounts,
        "mode": options.mode,
        "lint_processes": options.lint,
        "ct": options.ct,
    }


def named(found: processes.Process, tree: dict[int, processes.Process]) -> str:
    """Which part of the server a process is."""
    if found.name.startswith("postgres") or found.name == "unshare":
        return "postgresql"
    return found.name if found.parent in tree else "supervisor"


def quantiles(values: list[float]) -> dict[str, float]:
    """p50 and p99, in ms."""
    if len(values) < 2:
        return {"p50": round(values[0], 2), "p99": round(values[0], 2)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def memory(tree: dict[int, processes.Process]) -> dict[str, float]:
    """RSS of each of our processes; PSS of PostgreSQL as a whole."""
    found: dict[str, float] = defaultdict(float)
    for process in tree.values():
        name = named(process, tree)
        found[name] += process.pss_mib if name == "postgresql" else process.rss_mib
    return {name: round(value, 1) for name, value in sorted(found.items())}


def main() -> None:
    """Runs the slices on one server and prints the figures of each as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, default=3000, help="of each slice")
    parser.add_argument("--slices", type=int, default=1, help="how often, on one server: growth shows between them")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--accounts", type=int, default=16)
    parser.add_argument("--loaders", type=int, default=2, help="load processes")
    parser.add_argument("--warm-up", type=int, default=300)
    parser.add_argument("--mode", choices=["always_valid", "real"], default="always_valid")
    parser.add_argument("--lint", type=int, default=0, metavar="PROCESSES", help="with pkilint before each signature")
    parser.add_argument("--ct", action="store_true", help="with precertificates, and SCTs of three logs beside it")
    parser.add_argument("--start", type=int, default=0, metavar="ROUNDS", help="time cold and warm starts instead")
    parser.add_argument("--scale", type=int, metavar="CONTRACTS", help="time the daily jobs with so many instead")
    parser.add_argument("--bank", type=int, metavar="LINES", help="import a bank file of so many lines instead")
    parser.add_argument("--crl", type=int, metavar="REVOKED", help="make every CRL of so many revoked instead")
    options = parser.parse_args()
    if options.scale:
        scale.main(options.scale)
        return
    if options.bank:
        bank.main(options.bank)
        return
    if options.crl:
        crl.main(options.crl)
        return
    if options.start:
        print(json.dumps(start.figures(options.start), indent=1))
        return
    if options.mode == "real":
        options.loaders = 1  # the one that answers the look-ups knows the key authorizations of its own accounts
    with tempfile.TemporaryDirectory(prefix="keiyaku-bench-") as folder, ExitStack() as stack:
        what = stack.enter_context(transparency.added(Path(folder), options.lint, ct=options.ct))
        target = server.prepare(Path(folder) / "data", options.mode, what.settings)
        try:
            transparency.ready(what, target.dsn)
            load(target, options, options.warm_up)
            for number in range(options.slices):
                figures = report(*load(target, options, options.certificates), options)
                print(json.dumps({"slice": number + 1} | figures, indent=1), flush=True)
        finally:
            target.stop()


if __name__ == "__main__":
    main()
