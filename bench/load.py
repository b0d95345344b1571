"""A load process: some accounts in a closed loop, as many at once as asked. Writes one JSON object when done."""

import argparse
import asyncio
import json
import random
import ssl
import sys
import time
from base64 import urlsafe_b64decode
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from cryptography.hazmat.primitives.asymmetric import ec

from bench.client import Account, Connection, LoadError, csr
from bench.responder import Responder
from bench.yardstick import Yardstick


class Load:
    """What the process does and has seen."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.steps: dict[str, list[float]] = defaultdict(list)
        self.issued: list[float] = []
        self.ended: list[float] = []
        self.errors: list[str] = []
        self.left = options.certificates
        self.yardstick, self.verifications_us = Yardstick(), list[float]()
        self.responder: Responder | None = None

    def record(self, step: str, milliseconds: float) -> None:
        """A step took so long."""
        self.steps[step].append(milliseconds)

    async def account(self, tls: ssl.SSLContext, same: Account | None = None) -> Account:
        """A registered account on a connection of its own; the one of `same` once more, if given."""
        parts = urlsplit(self.options.base)
        made = Account(Connection(parts.hostname or "", parts.port or 443, tls), self.options.base, self.record)
        if same is not None:
            made.key = same.key
        await made.register(self.options.kid, self.options.hmac)
        return made

    async def user(self, accounts: list[Account], work: list[tuple[str, bytes]]) -> None:
        """Takes certificates in turn until none is left."""
        while work:
            name, request = work.pop()
            account = accounts.pop()
            began = time.perf_counter()
            try:
                answer = self.responder.set if self.responder else None
                await account.issue(name, request, answer)
                self.issued.append((time.perf_counter() - began) * 1000)
                self.ended.append(time.time())
                self.verifications_us.append(self.yardstick.verification_us())
            except (LoadError, OSError, asyncio.IncompleteReadError, KeyError) as fault:
                self.errors.append(repr(fault)[:300])
                account.connection.close()
                account.connection.streams = None
            accounts.insert(0, account)

    async def run(self) -> None:
        """Everything; keys and CSRs are made before the clock starts, and a line `ready` waits for `go`."""
        tls = ssl.create_default_context(cafile=self.options.ca)
        tag = f"{random.getrandbits(40):x}"
        key = ec.generate_private_key(ec.SECP256R1())
        names = [f"c{number}.{tag}.demo.test" for number in range(self.options.certificates)]
        if self.options.http_port:
            self.responder = await Responder.start(self.options.http_port)
        accounts = [await self.account(tls) for _ in range(self.options.accounts)]
        seats = range(len(accounts), self.options.concurrency)  # several connections share an account then
        accounts += [await self.account(tls, accounts[number % self.options.accounts]) for number in seats]
        self.steps.clear()
        work = [(name, csr(key, name)) for name in names]
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(self.user(accounts, work) for _ in range(self.options.concurrency)))


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser()
    for name in ("base", "ca", "kid", "hmac"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("accounts", "concurrency", "certificates", "http-port"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.hmac = urlsafe_b64decode(options.hmac + "=" * (-len(options.hmac) % 4))
    load = Load(options)
    began = time.process_time()
    uvloop.run(load.run())
    seen = {"issued": load.issued, "ended": load.ended, "steps": load.steps, "errors": load.errors,
            "verifications_us": load.verifications_us}  # fmt: skip
    options.out.write_text(json.dumps(seen | {"cpu_s": time.process_time() - began}))


if __name__ == "__main__":
    main()
