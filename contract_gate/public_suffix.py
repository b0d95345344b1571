"""Domains under which anybody may register: nobody speaks for all names in one of them. BR §3.2.2.6, C-030.

The ICANN section of the public suffix list as the locked package `publicsuffixlist` ships it; a new release brings the
newer list.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@cache
def _icann() -> "PublicSuffixList":
    """Read once a process, when first asked: a tenth of a second."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True, accept_unknown=False)


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
