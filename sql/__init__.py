"""The statements of the whole product, loaded by name and run exactly as written.

A storage module calls `statements("acme_server/orders")` once and passes `SQL["insert_order"]` to its connection.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sql.pool import Conn as Conn
from sql.pool import Pool as Pool

NAME = "-- name: "
# of every connection that runs the same statements for ever: planned once, while tables may still be empty
SERVER_SETTINGS = {
    "jit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "timezone": "UTC",
}  # fmt: skip


@cache
def statements(module: str) -> Mapping[str, str]:
    """Statements of `sql/<module>.sql` by name. A statement begins with a line `-- name: insert_order`.

    Raises ValueError for a second statement of one name, text before the first name, or an empty statement.
    """
    text = (files(__name__) / f"{module}.sql").read_text(encoding="utf-8")
    head, *blocks = ("\n" + text).split("\n" + NAME)
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ValueError(f"{module}.sql: text before the first '-- name:'")
    found: dict[str, str] = {}
    for block in blocks:
        name, _, body = block.partition("\n")
        name, body = name.strip(), body.strip().rstrip(";")
        if name in found or not body:
            raise ValueError(f"{module}.sql: statement '{name}' is there twice or empty")
        found[name] = body
    return found
