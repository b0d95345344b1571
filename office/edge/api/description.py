"""The description that is written by hand in office/openapi.yaml, as JSON."""

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).parents[2] / "openapi.yaml"


@cache
def description() -> bytes:
    """The same document as JSON."""
    import yaml  # when somebody asks

    return msgspec.json.encode(yaml.safe_load(FILE.read_text(encoding="utf-8")))
