"""Starts processes of the product for a test, each forked from one that has everything imported, as `dev` does.

Reads lines `kind settings-file log-file` and answers each with the pid. Its children die with it.
"""

import gc
import os
import signal
import sys
from pathlib import Path

from acme_server import app, logs
from acme_server.config import load
from acme_server.dev.supervisor import Kind, run_child

PARTS = {"acme": app.serve_acme, "work": app.work, "sign": app.sign}


def main() -> None:
    """Until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who dies is gone at once
    gc.freeze()
    for line in sys.stdin:
        kind, settings_file, log_file = line.split()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 2)
            settings = load(Path(settings_file), {})
            logs.configure(settings)
            run_child(settings, Kind(kind, (PARTS[kind],)), parent)
        print(pid, flush=True)


main()
