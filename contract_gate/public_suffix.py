"""Domains under which anybody may register: nobody speaks for all names in one of them. BR §3.2.2.6, C-030.

The ICANN section of the public suffix list as the locked package `publicsuffixlist` ships it; a new release brings the
newer list.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

BEGIN, END = "// ===BEGIN ICANN DOMAINS===", "// ===END ICANN DOMAINS==="


@cache
def _icann() -> "PublicSuffixList":
    """Read once a process, when first asked: some hundredths of a second."""
    from publicsuffixlist import PSLFILE, PublicSuffixList

    rules = rules_of(Path(PSLFILE).read_text(encoding="utf-8"))
    return PublicSuffixList(rules, accept_unknown=False, accept_encoded_idn=False)


def rules_of(text: str) -> Iterator[str]:
    """The rules of the ICANN section in A-labels, as names come to us. Raises ValueError where there is none.

    The library finds the same, but encodes and decodes each of them.
    """
    _, begin, rest = text.partition(BEGIN)
    section, end, _ = rest.partition(END)
    if not (begin and end):
        raise ValueError("the public suffix list has no ICANN section")
    for line in section.splitlines():
        if line and not line.startswith("//"):
            yield line if line.isascii() else line.encode("idna").decode("ascii")


def read() -> None:
    """The list is read now, not by the first who asks; forks share it."""
    _icann()


@lru_cache(10_000)
def is_public_suffix(domain: str) -> bool:
    """Whether names directly under the domain belong to different registrants: `jp`, `co.jp`, not `example.co.jp`."""
    found: str | None = _icann().publicsuffix(domain)
    return found == domain


@lru_cache(10_000)
def has_public_top(name: str) -> bool:
    """Whether the name ends in a top-level domain of the public DNS; else it is an Internal Name. C-013."""
    return _icann().publicsuffix(name) is not None
