"""As whom the embedded PostgreSQL and its tools run: they refuse root (design §3)."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

NOBODY = 65534
PRCTL = ctypes.CDLL(None).prctl  # found before any fork: a child of ours may not load anything
PR_SET_PDEATHSIG = 1
IN_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


class Identity(TypedDict, total=False):
    """What Popen needs to run a child as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Disguise:
    """How a server that refuses root is run: a prefix to its command, or another user; and who owns its files."""

    prefix: Sequence[str]
    identity: Identity
    owner: int

    @property
    def hint(self) -> str:
        """What else may be wrong when it fails."""
        if not self.identity:
            return ""
        return " (user namespaces are forbidden here, so `nobody` must be able to reach the binaries and this folder)"


def disguise() -> Disguise:
    """As ourselves; as root in a user namespace that shows another user while all files stay root's own; where
    namespaces are forbidden, as `nobody`, who must then be able to reach binaries and data."""
    if os.geteuid() != 0:
        return Disguise((), {}, os.geteuid())
    try:
        allowed = subprocess.run([*IN_NAMESPACE, "true"], capture_output=True).returncode == 0
    except OSError:
        allowed = False
    if allowed:
        return Disguise(IN_NAMESPACE, {}, 0)
    return Disguise((), {"user": NOBODY, "group": NOBODY, "extra_groups": []}, NOBODY)


def dying_with(parent: int) -> Callable[[], None]:
    """What a child runs first: fast shutdown when the parent's thread ends, also when it already has."""

    def die_with_parent() -> None:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent


def hand_over(root: Path, owner: int) -> None:
    """Everything in `root` belongs to `owner`, whoever ran the server before."""
    if root.stat().st_uid != owner:
        for path in (*root.rglob("*"), root):  # the folder last: it tells whether all is done
            os.chown(path, owner, -1, follow_symlinks=False)
