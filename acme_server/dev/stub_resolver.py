"""The built-in resolver of `keiyaku dev`: no socket, every name is this machine. Refused in production.

TXT records stand in a text file, `keiyaku-data/dev-dns.txt`, one a line, read again at each look:

    _acme-challenge.www.demo.test TXT "gfj9Xq...Rg85nM"

So a certbot hook for dns-01 is one line:

    echo "_acme-challenge.$CERTBOT_DOMAIN TXT \\"$CERTBOT_VALIDATION\\"" >> keiyaku-data/dev-dns.txt

Lines that do not look so (comments, blank ones) are skipped. A name may have several lines; remove them by editing.
"""

import re
from pathlib import Path

from acme_server.validation.resolver import CaaSet, DnsFailure, Texts

LINE = re.compile(r'\s*(\S+?)\.?\s+TXT\s+"([^"]*)"\s*', re.IGNORECASE)
MAX_FILE = 1024 * 1024


class StubResolver:
    """Answers as `validation.resolver.Lookups` does, from nothing but the file of TXT records."""

    def __init__(self, txt_file: Path) -> None:
        self._txt_file = txt_file

    async def addresses(self, name: str) -> list[str] | DnsFailure:
        """127.0.0.1, whatever the name."""
        return ["127.0.0.1"]

    async def txt(self, name: str) -> Texts | DnsFailure:
        """The values that the first MiB of the file gives the name; none if there is no file."""
        try:
            with self._txt_file.open(encoding="utf-8", errors="replace") as file:
                lines = file.read(MAX_FILE).splitlines()
        except OSError:
            return Texts([])
        found = [match for line in lines if (match := LINE.fullmatch(line))]
        return Texts([m[2].encode() for m in found if m[1].lower() == name.lower().rstrip(".")])

    async def caa(self, name: str) -> CaaSet | DnsFailure:
        """No name has CAA records."""
        return CaaSet([])
