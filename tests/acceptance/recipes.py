"""The settings that docs/clients.md shows, made those of a test."""

import re
from pathlib import Path

from tests.acceptance.dev import Dev

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"


def recipe(client: str, dev: Dev, key: tuple[str, str], name: str) -> str:
    """The client's settings as documented, for the running server, the binding key and the name."""
    found = re.search(rf"^## {client}\n.*?^```\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/clients.md has no settings of {client}"
    text = found[1].replace("https://acme.example.jp/directory", dev.directory).replace("www.example.jp", name)
    return re.sub(r"\bKID\b", key[0], re.sub(r"\bHMAC_KEY\b", key[1], text))
