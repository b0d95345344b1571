"""Applies each mutation alone to a copy of the tree and runs its tests. Exit code 1 when one survives.

python -m tests.mutation [words]    only mutations whose file or text has one of the words
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.mutation.everything import MUTATIONS
from tests.mutation.mutations import Mutation

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
SECONDS, ALL_SECONDS = 120, 900
RED, GREEN = 1, 0  # exit codes of pytest; any other says that nothing was tested
WARM = (
    "aiohttp.web", "aiohttp.test_utils", "asyncpg", "cryptography.x509", "hypothesis", "jinja2", "msgspec", "idna",
    "prometheus_client", "structlog.testing", "dns.asyncresolver", "jpholiday", "click", "rich",
)  # fmt: skip


def run(copy: Path, tests: list[str], seconds: int) -> int | None:
    """The exit code of pytest on the copy; None when it did not end in time. A fork has the libraries already."""
    child = os.fork()
    if child == 0:
        os.setsid()
        in_copy(copy, tests)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def in_copy(copy: Path, tests: list[str]) -> None:
    """Runs pytest in this process as if it had been started in the copy, and ends the process."""
    code = 99
    try:
        os.chdir(copy)
        os.environ["PYTHONPATH"] = str(copy)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        for name in [each for each in sys.modules if each.partition(".")[0] == "tests"]:
            del sys.modules[name]
        sys.path[:] = [str(copy), *(path for path in sys.path if path not in ("", str(ROOT)))]
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(code)


def changed(path: Path, text: str) -> None:
    """The file has this text, and no compiled form of another."""
    path.write_text(text, encoding="utf-8")
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def outcome(copy: Path, mutation: Mutation) -> str:
    """`caught`, `SURVIVED`, or why nothing can be said."""
    path = copy / mutation.file
    original = path.read_text(encoding="utf-8")
    if original.count(mutation.text) != 1:
        return "did not apply"
    changed(path, original.replace(mutation.text, mutation.replacement))
    try:
        match run(copy, mutation.tests.split(), SECONDS):
            case code if code == RED or code is None:
                return "caught"
            case code if code == GREEN:
                return "SURVIVED"
            case code:
                return f"tests did not run ({code})"
    finally:
        changed(path, original)


def told(mutation: Mutation) -> str:
    """The mutation in a line."""
    line = f"{mutation.file}: {mutation.text.strip()} -> {mutation.replacement.strip() or 'nothing'}"
    return " ".join(line.split())[:200]


def main(words: list[str]) -> int:
    """Prints a line a mutation; first the tests must be green without any."""
    chosen = [m for m in MUTATIONS if not words or any(word in m.file or word in m.text for word in words)]
    if not chosen:
        print(f"No mutation's file or text has one of the words: {' '.join(words)}")
        return 1
    for library in WARM:
        import_module(library)
    started, bad = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="keiyaku-mutation-") as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        tests = sorted({test for mutation in chosen for test in mutation.tests.split()})
        if run(copy, tests, ALL_SECONDS) != GREEN:
            print("The tests are not green without any mutation: nothing can be shown.")
            return 1
        for number, mutation in enumerate(chosen, 1):
            found = outcome(copy, mutation)
            bad += found != "caught"
            print(f"{number}/{len(chosen)} {found}: {told(mutation)}", flush=True)
    print(f"{len(chosen) - bad} of {len(chosen)} caught in {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
